"""The simulator's promises: first written down, then applied, then told; and rows in turn."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.markets import minute_market
from tests.simulators import MemoryLog, a_simulator, asked, ears_of, open_row, submit
from trimtab_common.events import instant
from trimtab_simulator.core.refusals import Refusal
from trimtab_simulator.core.simulator import OtherLog
from trimtab_trading.venue import FREE


def kinds(log):
    return [record["kind"] for record in log.read()]


def shown(simulator):
    """Everything a client can see of an account."""
    return [
        asked(simulator, f"GET /v2/{name}", query=query)
        for name, query in (
            ("account", {}),
            ("orders", {"status": "all", "limit": "500"}),
            ("positions", {}),
            ("account/activities", {}),
            ("account/portfolio/history", {"timeframe": "1Min"}),
        )
    ]


def test_what_was_accepted_is_in_the_log():
    log = MemoryLog()
    simulator = a_simulator(log=log)
    order = submit(simulator, "one")
    submit(simulator, "two", qty="5")
    asked(simulator, f"DELETE /v2/orders/{order['id']}")
    open_row(simulator)
    assert kinds(log) == ["market", "order", "order", "cancel", "open"]


def test_what_was_refused_is_not_in_the_log():
    log = MemoryLog()
    simulator = a_simulator(log=log)
    submit(simulator, "one")
    for body in ({"qty": "-1"}, {"client_order_id": "one"}):
        status, _ = asked(simulator, "POST /v2/orders", body)
        assert status == 422
    assert asked(simulator, "DELETE /v2/orders/nobody")[0] == 404
    assert kinds(log) == ["market", "order"]


def test_a_restart_shows_the_same_exchange():
    log, market = MemoryLog(), minute_market()
    first = a_simulator(market, log=log)
    submit(first, "one", qty="3")
    open_row(first)
    submit(first, None, symbol="MSFT", qty="2")
    order = submit(first, "three", qty="7")
    asked(first, f"DELETE /v2/orders/{order['id']}")
    adjustment = {"reason": "split", "symbol": "AAPL", "ratio": "4"}
    assert asked(first, "POST /control/adjust", adjustment)[0] == 200
    open_row(first, 2)
    submit(first, "four", side="sell", qty="12")
    again = a_simulator(market, log=log)
    assert shown(again) == shown(first)
    assert open_row(again) == open_row(first)


def test_the_reply_to_the_last_opened_row_survives_a_restart():
    log, market = MemoryLog(), minute_market()
    first = a_simulator(market, log=log)
    submit(first, "one")
    row = market.instant_of(0)
    reply = first.open(row)
    assert a_simulator(market, log=log).open(row) == reply
    assert kinds(log).count("open") == 1


def test_a_row_asked_for_twice_is_opened_once():
    simulator = a_simulator()
    submit(simulator, "one")
    row = simulator.exchange.market.instant_of(0)
    first = simulator.open(row)
    cash = simulator.exchange.venue.cash
    assert simulator.open(row) == first
    assert simulator.exchange.venue.cash == cash
    assert ears_of(simulator).events == ["new", "fill"]


@pytest.mark.parametrize(
    ("released", "opened", "wanted", "words"),
    [
        (5, 0, 1, "the next row is 2024-01-02T14:31:00Z"),
        (5, 3, 1, "was opened before"),
        (3, 3, 3, "is not released yet"),
    ],
    ids=["too early", "too late", "not public"],
)
def test_rows_open_in_turn(released, opened, wanted, words):
    simulator = a_simulator(released=released)
    open_row(simulator, opened)
    refusal = simulator.open(simulator.exchange.market.instant_of(wanted))
    assert isinstance(refusal, Refusal)
    assert refusal.status == 409
    assert words in refusal.message
    assert simulator.exchange.rows_opened == opened


def test_an_instant_without_a_row_cannot_open():
    status, body = asked(a_simulator(), "POST /control/open", {"row": "2024-01-02T03:00:00Z"})
    assert (status, body["message"]) == (409, "the market has no row at 2024-01-02T03:00:00Z")


def test_between_two_rows_nothing_trades_and_nothing_is_opened():
    simulator = a_simulator(released=3)
    open_row(simulator, 1)
    market, opened = simulator.exchange.market, simulator.exchange.rows_opened
    between = market.instant_of(opened - 1) + timedelta(seconds=20)
    assert between < market.instant_of(opened)
    assert simulator.open(between) == {"row": instant(between), "updates": []}
    assert simulator.exchange.rows_opened == opened


@pytest.mark.parametrize("body", [{}, {"row": 5}, {"row": "noon"}, {"row": "2024-01-02"}, b"{", []])
def test_a_row_must_be_an_instant(body):
    assert asked(a_simulator(), "POST /control/open", body)[0] == 400


def test_a_log_of_another_market_or_of_other_terms_is_not_taken():
    log = MemoryLog()
    a_simulator(minute_market(seed=1), log=log)
    with pytest.raises(OtherLog):
        a_simulator(minute_market(seed=2), log=log)
    with pytest.raises(OtherLog):
        a_simulator(minute_market(seed=1), log=log, cash="5")
    costly = FREE.__class__(**{**vars(FREE), "fee_bps": Decimal(1)})
    with pytest.raises(OtherLog):
        a_simulator(minute_market(seed=1), log=log, terms=costly)


def test_release_begins_with_what_was_opened():
    log, market = MemoryLog(), minute_market()
    open_row(a_simulator(market, log=log), 7)
    again = a_simulator(market, log=log)
    again.release.released = again.exchange.rows_opened
    assert again.state()["released"] == "2024-01-02T14:37:00Z"
    assert again.state()["opened"] == "2024-01-02T14:37:00Z"


def test_funds_are_checked_at_the_row_unless_told_otherwise():
    poor = a_simulator(cash="1")
    submit(poor, "one", qty="1000")
    strict = a_simulator(cash="20000", funds_checked_on_arrival=True)
    open_row(strict)
    status, body = asked(strict, "POST /v2/orders", order_of("1000"))
    assert (status, body["code"], body["message"]) == (403, 40310000, "insufficient buying power")


def test_a_sale_on_arrival_needs_what_no_other_order_has_promised():
    strict = a_simulator(funds_checked_on_arrival=True)
    submit(strict, "buy", qty="5")
    open_row(strict)
    submit(strict, "sell", qty="3", side="sell")
    status, body = asked(strict, "POST /v2/orders", order_of("3", side="sell"))
    assert (status, body["available"], body["held_for_orders"]) == (403, "2", "3")


def order_of(quantity, side="buy"):
    fields = {"symbol": "AAPL", "side": side, "type": "market", "time_in_force": "day"}
    return fields | {"qty": quantity, "client_order_id": f"{side}-{quantity}"}


def test_everything_asked_is_noted_with_the_time_on_the_wall():
    simulator = a_simulator()
    submit(simulator, "one")
    asked(simulator, "POST /v2/orders", {"qty": "1"})
    open_row(simulator)
    _, orders = asked(simulator, "GET /control/log", query={"kind": "order"})
    assert [(entry["accepted"], entry["client_order_id"]) for entry in orders] == [
        (True, "one"),
        (False, None),
    ]
    assert orders[1]["reason"] == "symbol is required"
    assert orders[0]["received_at"].startswith("2023-11-14T")
    _, opened = asked(simulator, "GET /control/log", query={"kind": "open,release"})
    assert [entry["row"] for entry in opened] == ["2024-01-02T14:31:00Z"]


def test_the_log_of_requests_can_be_cut_short_and_knows_its_kinds():
    simulator = a_simulator()
    for name in ("one", "two", "three"):
        submit(simulator, name)
    _, last = asked(simulator, "GET /control/log", query={"limit": "1"})
    assert [entry["client_order_id"] for entry in last] == ["three"]
    assert asked(simulator, "GET /control/log", query={"kind": "gossip"})[0] == 422
    assert asked(simulator, "GET /control/log", query={"limit": "0"})[0] == 422


def test_state_tells_where_the_replay_stands():
    simulator = a_simulator(minute_market(symbols=("AAPL", "MSFT")), released=2)
    open_row(simulator)
    state = simulator.state()
    assert state["label"] == "SIMULATED"
    assert (state["timeframe"], state["calendar"], state["feed"]) == ("1m", "XNYS", "simulated")
    assert (state["released"], state["opened"]) == ("2024-01-02T14:32:00Z", "2024-01-02T14:31:00Z")
    assert state["released_symbols"] == ["AAPL", "MSFT"]
    assert (state["speed"], state["finished"], state["cash"]) == ("max", False, "100000")


def test_a_stopped_market_can_still_be_finished():
    simulator = a_simulator(released=2)
    status, state = asked(simulator, "POST /control/stop")
    assert (status, state["stopped"], state["rows_released"]) == (200, True, 2)
    assert len(open_row(simulator, 2)) == 0
    assert simulator.state()["rows_opened"] == 2


def test_the_replay_is_finished_when_the_last_row_was_opened():
    simulator = a_simulator(minute_market().take(slice(0, 4)))
    open_row(simulator, 2)
    assert simulator.state()["finished"] is True
