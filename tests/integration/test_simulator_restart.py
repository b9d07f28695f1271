"""The simulator's process is killed at any moment, and nothing that it answered is lost."""

import os
import random
import subprocess
import sys
import threading
from functools import partial

import pytest
import requests

from tests.markets import minute_market
from tests.simulator_process import KEY, SECRET, SimulatorProcess, free_port, running_simulator
from tests.simulator_streams import until, watching
from tests.simulators import a_simulator, open_row, submit

pytestmark = pytest.mark.e2e

HEADERS = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}
SETTINGS = {"symbols": "AAPL,MSFT", "sessions": 1}
ROWS = 60
KILLS = 5


def shown(simulator):
    """What a client sees of the account, and the exchange of itself."""
    state = simulator.get("/control/state")
    return {
        "orders": simulator.get("/v2/orders", status="all", limit=500),
        "account": simulator.get("/v2/account"),
        "positions": simulator.get("/v2/positions"),
        "activities": simulator.get("/v2/account/activities"),
        "opened": state["opened"],
    }


def test_a_kill_loses_nothing_that_was_answered(tmp_path):
    market = minute_market(symbols=("AAPL", "MSFT"))
    with running_simulator(tmp_path, **SETTINGS) as simulator:
        with watching(simulator, "AAPL", "MSFT", rows=30):
            for row in range(10):
                simulator.post("/v2/orders", an_order(f"order-{row}"))
                reply = simulator.open(market.instant_of(row).isoformat())
            simulator.post("/v2/orders", an_order("waiting"))
            before = shown(simulator)
        simulator.kill()
        simulator.start()
        assert shown(simulator) == before
        assert simulator.open(market.instant_of(9).isoformat()) == reply
        assert simulator.get("/control/state")["rows_released"] == 10
        log = simulator.get("/control/log", kind="order")
        assert [entry["client_order_id"] for entry in log][-1] == "waiting"
        with watching(simulator, "AAPL", rows=30) as bars:
            (first, *_) = bars.wait_for(1)
            assert first.timestamp == market.instant_of(9)


def an_order(name):
    return {
        "symbol": "AAPL",
        "qty": "1",
        "side": "buy",
        "type": "market",
        "time_in_force": "day",
        "client_order_id": name,
    }


class Trader:
    """Sends orders and opens rows through every crash, as execution does: same id, same row."""

    def __init__(self, simulator: SimulatorProcess) -> None:
        self._simulator = simulator
        self.asked = 0
        self._session = requests.Session()
        self._session.headers.update(HEADERS)

    def has_asked(self, times):
        return self.asked >= times

    def ask(self, method, path, body):
        """Ask until there is an answer."""
        while True:
            self.asked += 1
            try:
                return self._session.request(
                    method, self._simulator.url + path, json=body, timeout=5
                )
            except requests.RequestException:
                threading.Event().wait(0.02)

    def send(self, name, symbol, side, quantity):
        body = an_order(name) | {"symbol": symbol, "side": side, "qty": str(quantity)}
        answer = self.ask("POST", "/v2/orders", body)
        assert answer.ok or "unique" in answer.text, answer.text

    def open(self, row):
        while (answer := self.ask("POST", "/control/open", {"row": row})).status_code == 409:
            assert "not released" in answer.text, answer.text
            threading.Event().wait(0.02)
        return answer.json()["updates"]

    def close(self):
        self._session.close()


def test_fills_under_kills_are_those_of_an_undisturbed_venue(tmp_path):
    market = minute_market(symbols=("AAPL", "MSFT"))
    plan = random.Random(7)
    orders = {
        row: [
            (f"{row}-{n}", plan.choice(market.symbols), plan.choice(["buy", "sell"]), n + 1)
            for n in range(4)
        ]
        for row in range(ROWS)
    }
    with running_simulator(tmp_path, **SETTINGS, cash=3_000) as simulator:
        with watching(simulator, "AAPL", "MSFT"):
            trader = Trader(simulator)
            kills = sorted(plan.sample(range(ROWS * 4), KILLS))
            killer = threading.Thread(target=kill_now_and_then, args=(simulator, trader, kills))
            killer.start()
            told = []
            for row in range(ROWS):
                for order in orders[row]:
                    trader.send(*order)
                told.append(trader.open(market.instant_of(row).isoformat()))
            killer.join()
            trader.close()
        log = simulator.get("/control/log", kind="order,open")
    assert told == undisturbed(market, orders)
    accepted = [entry for entry in log if entry["accepted"]]
    names = [entry["client_order_id"] for entry in accepted if entry["kind"] == "order"]
    assert sorted(names) == sorted(name for row in orders.values() for name, *_ in row)
    assert [entry["row"] for entry in accepted if entry["kind"] == "open"] == [
        market.instant_of(row).isoformat().replace("+00:00", "Z") for row in range(ROWS)
    ]


def kill_now_and_then(simulator, trader, kills):
    """Kill it while it is being asked for the so-manieth time."""
    for moment in kills:
        until(partial(trader.has_asked, moment), f"question {moment}")
        simulator.kill()
        simulator.start()


def undisturbed(market, orders):
    """The updates of the same orders at an exchange that nobody kills."""
    calm = a_simulator(market, cash="3000")
    told = []
    for row in range(ROWS):
        for name, symbol, side, quantity in orders[row]:
            submit(calm, name, symbol=symbol, side=side, qty=str(quantity))
        told.append(open_row(calm))
    assert {update["event"] for row in told for update in row} == {"fill", "rejected"}
    return told


def test_it_ends_in_good_order_when_told_to(tmp_path):
    with running_simulator(tmp_path, **SETTINGS) as simulator:
        with watching(simulator, "AAPL", rows=10):
            assert simulator.stop() == 0
        assert f"http://127.0.0.1:{simulator.port}" in simulator.output
        assert "SIMULATED" in simulator.output
        assert "Traceback" not in simulator.output


def start_once(home, *, port=None, **variables):
    """Start a process that is expected to end at once; its status and words."""
    environment = {name: text for name, text in os.environ.items() if "TRIMTAB" not in name}
    settings = {f"TRIMTAB_SIM_{name.upper()}": str(value) for name, value in variables.items()}
    settings["TRIMTAB_SIMULATOR_HTTP_PORT"] = str(port or free_port())
    done = subprocess.run(
        [sys.executable, "-m", "trimtab_simulator"],
        env={**environment, "TRIMTAB_HOME": str(home), **settings},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stderr


def test_two_simulators_cannot_share_a_memory(tmp_path):
    with running_simulator(tmp_path, **SETTINGS):
        status, words = start_once(tmp_path, **SETTINGS)
    assert status == 2
    assert "TRIMTAB_SIM_DIR" in words


def test_a_memory_of_another_market_is_not_touched(tmp_path):
    with running_simulator(tmp_path, **SETTINGS):
        pass
    status, words = start_once(tmp_path, **SETTINGS, seed=2)
    assert status == 2
    assert "TRIMTAB_SIM_DIR" in words
    assert "move" in words


@pytest.mark.parametrize(
    ("name", "value"),
    [("speed", "fast"), ("speed", "0"), ("sessions", "0"), ("cash", "-1"), ("calendar", "LSE")],
)
def test_a_bad_setting_stops_the_start_and_is_named(tmp_path, name, value):
    status, words = start_once(tmp_path, **{name: value})
    assert status == 2
    assert f"TRIMTAB_SIM_{name.upper()}" in words


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"file": "/nowhere/bars.csv"}, "/nowhere/bars.csv"),
        ({"symbols": "AAPL,nonsense!"}, "nonsense!"),
        ({"symbols": "BTC/USD"}, "24/7"),
        ({"start": "1980-01-02"}, "1980-01-02"),
    ],
    ids=["no file", "no symbol", "mixed", "before the calendar"],
)
def test_a_market_that_cannot_be_made_stops_the_start(tmp_path, variables, words):
    status, said = start_once(tmp_path, **variables)
    assert status == 2
    assert "TRIMTAB_SIM_" in said
    assert words in said


def test_a_broken_memory_stops_the_start(tmp_path):
    with running_simulator(tmp_path, **SETTINGS) as simulator:
        simulator.stop()
    memory = tmp_path / "simulator" / "exchange.jsonl"
    memory.write_bytes(memory.read_bytes() + b"nonsense\n{}\n")
    status, words = start_once(tmp_path, **SETTINGS)
    assert status == 2
    assert "line 2 is no record" in words


def test_a_taken_port_is_named(tmp_path):
    with running_simulator(tmp_path / "one", **SETTINGS) as simulator:
        status, words = start_once(tmp_path / "two", port=simulator.port)
    assert status == 2
    assert f"port {simulator.port}" in words


def test_a_file_of_bars_is_a_market_too(tmp_path):
    file = tmp_path / "bars.csv"
    lines = ["ts,symbol,open,high,low,close,volume"]
    lines += [
        f"2024-01-02T14:{minute}:00Z,{symbol},10.{minute},11,10,10.5,{minute}"
        for minute in range(30, 60)
        for symbol in ("AAPL", "MSFT")
    ]
    file.write_text("\n".join(lines))
    with running_simulator(tmp_path / "home", file=file) as simulator:
        state = simulator.get("/control/state")
        assert (state["source"], state["rows_total"]) == ("bars.csv", 30)
        assert (state["timeframe"], state["symbols"]) == ("1m", ["AAPL", "MSFT"])
        with watching(simulator, "AAPL", "MSFT", rows=30) as bars:
            assert [bar.open for bar in bars.wait_for(60)][:2] == [10.3, 10.3]
        until(lambda: simulator.get("/control/state")["rows_released"] == 30, "all rows")
