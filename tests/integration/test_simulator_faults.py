"""Each fault that can be switched on is seen by a client from outside."""

import time
from collections import Counter
from typing import Any

import pytest
import requests
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import MarketOrderRequest

from tests.markets import minute_market
from tests.simulator_process import KEY, SECRET, running_simulator
from tests.simulator_streams import trading, until, watching
from trimtab_trading.market import aware

pytestmark = pytest.mark.e2e

MARKET = minute_market(symbols=("AAPL", "MSFT"))
HEADERS = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulator")
    with running_simulator(folder, symbols="AAPL,MSFT", sessions=1, ahead=1) as simulator:
        yield simulator


@pytest.fixture
def simulator(process):
    yield process
    process.delete("/control/faults")


def switch(simulator, fault, **settings):
    simulator.post("/control/faults", {"switches": {fault: settings or {"next": 1}}})


def body(name):
    return {
        "symbol": "AAPL",
        "qty": "1",
        "side": "buy",
        "type": "market",
        "time_in_force": "day",
        "client_order_id": name,
    }


def post(simulator, name, timeout=2.0):
    return requests.post(
        f"{simulator.url}/v2/orders", json=body(name), headers=HEADERS, timeout=timeout
    )


def arrived(simulator, name):
    answer = requests.get(
        f"{simulator.url}/v2/orders:by_client_order_id",
        params={"client_order_id": name},
        headers=HEADERS,
        timeout=5,
    )
    return answer.status_code == 200


@pytest.mark.parametrize(
    ("fault", "status", "taken_in"),
    [
        ("too_many_requests", 429, False),
        ("server_error_before", 500, False),
        ("server_error_after", 500, True),
        ("gateway_timeout_before", 504, False),
        ("gateway_timeout_after", 504, True),
    ],
)
def test_an_error_leaves_the_order_known_or_unknown(simulator, fault, status, taken_in):
    switch(simulator, fault)
    answer = post(simulator, fault)
    assert answer.status_code == status
    assert set(answer.json()) == {"code", "message"}
    assert arrived(simulator, fault) is taken_in
    assert post(simulator, f"{fault}-again").ok


@pytest.mark.parametrize(
    ("fault", "taken_in"), [("timeout_before", False), ("timeout_after", True)]
)
def test_a_time_out_leaves_the_order_known_or_unknown(simulator, fault, taken_in):
    switch(simulator, fault, next=1, seconds=5)
    with pytest.raises(requests.exceptions.ReadTimeout):
        post(simulator, fault, timeout=0.3)
    assert arrived(simulator, fault) is taken_in


@pytest.mark.parametrize(("fault", "taken_in"), [("reset_before", False), ("reset_after", True)])
def test_a_broken_connection_leaves_the_order_known_or_unknown(simulator, fault, taken_in):
    switch(simulator, fault)
    with pytest.raises(requests.exceptions.ConnectionError):
        post(simulator, fault)
    assert arrived(simulator, fault) is taken_in


def test_a_time_out_ends_with_a_broken_connection(simulator):
    switch(simulator, "timeout_before", next=1, seconds=0.2)
    began = time.monotonic()
    with pytest.raises(requests.exceptions.ConnectionError):
        post(simulator, "in-the-end", timeout=5)
    assert time.monotonic() - began >= 0.2


def test_a_fault_can_be_aimed_at_one_kind_of_request(simulator):
    switch(simulator, "server_error_before", probability=1, method="DELETE", path="/v2/orders")
    assert post(simulator, "aimed").ok
    assert arrived(simulator, "aimed")
    answer = requests.delete(f"{simulator.url}/v2/orders", headers=HEADERS, timeout=5)
    assert answer.status_code == 500


def test_the_client_tries_again_after_429(simulator):
    switch(simulator, "too_many_requests", next=2)
    client: Any = TradingClient(KEY, SECRET, url_override=simulator.url)
    client._retry_wait = 0
    assert client.get_account().account_number == "SIMULATED"


def test_an_unheard_of_status_makes_the_client_raise_after_acceptance(simulator):
    switch(simulator, "wrong_enum")
    with pytest.raises(ValueError, match="mystery_status"):
        simulator.trading_client().submit_order(
            MarketOrderRequest(
                symbol="AAPL",
                qty=1,
                side=OrderSide.BUY,
                time_in_force=TimeInForce.DAY,
                client_order_id="mystery",
            )
        )
    assert arrived(simulator, "mystery")


def test_positions_can_look_empty_or_fail(simulator):
    with watching(simulator, "AAPL", rows=1):
        post(simulator, "held")
        open_next(simulator)
    client = simulator.trading_client()
    assert client.get_all_positions()
    switch(simulator, "positions_empty")
    assert client.get_all_positions() == []
    switch(simulator, "positions_error")
    with pytest.raises(APIError) as failed:
        client.get_all_positions()
    assert failed.value.status_code == 500
    assert client.get_all_positions()


def open_next(simulator):
    opened = simulator.get("/control/state")["rows_opened"]
    return simulator.open(MARKET.instant_of(opened).isoformat())


def names_of(updates):
    return [update["order"]["client_order_id"] for update in updates]


def test_updates_are_dropped_doubled_and_told_late(simulator):
    with trading(simulator) as updates:
        switch(simulator, "updates_dropped")
        post(simulator, "dropped")
        switch(simulator, "updates_duplicated")
        post(simulator, "doubled")
        assert names_of(updates.wait_for(2)) == ["doubled", "doubled"]
        assert updates[0]["execution_id"] == updates[1]["execution_id"]
        switch(simulator, "updates_reordered", next=1, seconds=0.5)
        post(simulator, "sent first")
        post(simulator, "sent second")
        assert names_of(updates.wait_for(4))[2:] == ["sent second", "sent first"]
        switch(simulator, "updates_delayed", next=1, seconds=0.3)
        began = time.monotonic()
        post(simulator, "delayed")
        updates.wait_for(5)
        assert time.monotonic() - began >= 0.3
        switch(simulator, "wrong_enum")
        post(simulator, "strange")
    assert Counter(names_of(updates)).most_common(1) == [("doubled", 2)]


def test_a_mute_socket_says_nothing_until_it_is_made_anew(simulator):
    with trading(simulator) as updates:
        switch(simulator, "updates_mute")
        post(simulator, "unheard")
        post(simulator, "unheard too")
        simulator.post("/control/break/updates", {})

        def heard():
            post(simulator, f"after {time.monotonic_ns()}")
            return len(updates) > 0

        until(heard, "updates on another connection")
    assert not {"unheard", "unheard too"} & set(names_of(updates))


def test_mute_data_is_released_all_the_same(simulator):
    before = simulator.get("/control/state")["rows_released"]
    with watching(simulator, "AAPL", "MSFT", rows=before) as bars:
        switch(simulator, "data_mute", probability=1)
        open_next(simulator)
        until(lambda: released(simulator) > before, "a row that nobody hears of")
        silent = released(simulator) - 1
        simulator.delete("/control/faults")
        simulator.post("/control/break/data", {})

        def heard():
            state = simulator.get("/control/state")
            if state["rows_opened"] < state["rows_released"]:
                open_next(simulator)
            return last_opened(bars) is not None and last_opened(bars) > opened_at(silent)

        until(heard, "rows on another connection")
    assert opened_at(silent) not in {bar.timestamp for bar in bars}


def released(simulator):
    return simulator.get("/control/state")["rows_released"]


def opened_at(row):
    return aware(MARKET.opened_at[MARKET.slice_of(row)][0].item())


def last_opened(bars):
    return max((bar.timestamp for bar in bars), default=None)


@pytest.mark.parametrize("how", ["switch", "at once"])
def test_a_broken_data_socket_is_connected_again(simulator, how):
    with watching(simulator, "AAPL", "MSFT", rows=1):
        before = sockets_made(simulator)
        if how == "switch":
            switch(simulator, "data_closed")
            open_next(simulator)
        else:
            simulator.post("/control/break/data", {})
        until(lambda: sockets_made(simulator) > before, "another connection")


def test_a_broken_socket_for_updates_is_connected_again(simulator):
    with trading(simulator) as updates:
        switch(simulator, "updates_closed")
        post(simulator, "breaks it")

        def heard_again():
            post(simulator, f"after {time.monotonic_ns()}")
            return len(updates) > 0

        until(heard_again, "updates after the break")
    assert "breaks it" not in names_of(updates)


def test_a_new_socket_can_be_refused(simulator):
    switch(simulator, "connection_limit", next=2)
    with watching(simulator, "AAPL"):
        until(
            lambda: simulator.get("/control/faults")["connection_limit"]["happened"] == 2,
            "two refusals",
        )
        until(lambda: sockets_open(simulator) == 1, "a connection in the end")


def metric(simulator, name):
    text = requests.get(f"{simulator.url}/metrics", timeout=5).text
    lines = [line for line in text.splitlines() if line.startswith(f"{name}{{")]
    return sum(float(line.rpartition(" ")[2]) for line in lines if "/v2/iex" in line)


def sockets_open(simulator):
    return metric(simulator, "trimtab_simulator_sockets")


def sockets_made(simulator):
    return metric(simulator, "trimtab_simulator_connections_total")
