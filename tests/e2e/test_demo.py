"""The whole system as its owner meets it: real processes, one command, nothing left behind."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from trimtab.setup import shipped_config
from trimtab.supervisor.plan import EXCHANGE, ROOMS
from trimtab.supervisor.presence import read_status, supervisor_of
from trimtab_common.timeframes import Timeframe
from trimtab_runtime.home import Home
from trimtab_runtime.processes import Lock, is_running
from trimtab_trading.generated import generated
from trimtab_trading.market import rows

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

PATIENCE_SECONDS = 120.0
SYMBOLS = ("AAPL", "MSFT", "SPY")
TRIMTAB = (sys.executable, "-m", "trimtab")


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "demo")


@pytest.fixture
def start(tmp_path):
    """Start the command in an empty folder; whatever is left of it at the end is killed."""
    processes = []

    def started(*arguments, **environment):
        with (tmp_path / "stderr").open("ab") as errors:
            process = subprocess.Popen(
                [*TRIMTAB, *arguments],
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, **environment},
            )
        processes.append(process)
        return process

    yield started
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.communicate()


def demo(*arguments):
    return ("demo", "--json", "--config", str(shipped_config()), *arguments)


def outcome_of(process):
    """The last line of stdout as an object, and the exit code."""
    said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    return json.loads(said.splitlines()[-1]), process.returncode


def wait_until(condition):
    until = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.2)
    return found


def rooms_of(home):
    """Room → pid, once every room is ready."""
    status = read_status(home)
    if status is None or status["state"] != "running":
        return None
    return {name: room["pid"] for name, room in status["rooms"].items()}


def pids_of(home):
    status = read_status(home)
    assert status is not None
    return [*(room["pid"] for room in status["rooms"].values()), status["redis"]["pid"]]


def fills_seen(home):
    """Whether anything has traded; asked like a user would, from the record."""
    asked = subprocess.run(
        [*TRIMTAB, "orders", "--json", "--home", str(home.root)],
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:
        return False
    orders = json.loads(asked.stdout)["orders"]
    return any(order["state"] == "filled" for order in orders)


def free_ports(names):
    with contextlib.ExitStack() as stack:
        probes = {name: stack.enter_context(socket.socket()) for name in names}
        for probe in probes.values():
            probe.bind(("127.0.0.1", 0))
        return {
            f"TRIMTAB_{name.upper()}_HTTP_PORT": str(probe.getsockname()[1])
            for name, probe in probes.items()
        }


def test_a_generated_market_is_traded_and_everything_agrees(start, tmp_path):
    symbols = ",".join(SYMBOLS)
    facts, code = outcome_of(start(*demo("--for", "8", "--speed", "max", "--symbols", symbols)))
    assert facts["complaints"] == []
    assert code == 0
    assert facts["rows"] > 10
    assert facts["bars"] == facts["rows"] * len(SYMBOLS)
    assert facts["fills"] > 0
    assert facts["approved"] >= facts["orders"] >= facts["fills"] / 2
    assert facts["dead"] == facts["forced_marks"] == 0
    assert facts["equity"] == facts["broker_equity"]
    assert facts["positions_match"] is True
    assert set(facts["rooms"]) == {EXCHANGE, *ROOMS}
    assert facts["label"] == "SIMULATED"
    assert not list((tmp_path / "home" / "demo").iterdir()), "the demo cleared its folder away"


def test_a_file_is_replayed_to_its_end(start, home, tmp_path):
    market = generated(
        seed=3,
        symbols=SYMBOLS,
        calendar_name="XNYS",
        timeframe=Timeframe.ONE_DAY,
        start=date(2020, 1, 2),
        sessions=40,
    )
    lines = ["symbol,ts,open,high,low,close,volume"]
    for _, place in rows(market):
        for bar in range(place.start, place.stop):
            day = str(market.opened_at[bar])[:10]
            prices = (getattr(market, name)[bar] for name in ("open", "high", "low", "close"))
            values = ",".join(f"{value:.2f}" for value in prices)
            symbol = market.symbols[market.symbol_index[bar]]
            lines.append(f"{symbol},{day}T00:00:00Z,{values},{market.volume[bar]:.0f}")
    (tmp_path / "bars.csv").write_text("\n".join(lines) + "\n")
    facts, code = outcome_of(
        start(*demo("--data", "bars.csv", "--speed", "max", "--home", str(home.root)))
    )
    assert facts["complaints"] == []
    assert code == 0
    assert facts["rows"] == 40
    assert facts["bars"] == 40 * len(SYMBOLS)
    assert home.database.exists(), "a home that was named is kept"


def test_a_killed_room_comes_back_and_ctrl_c_leaves_nothing(start, home):
    process = start(*demo("--speed", "600", "--home", str(home.root), "--symbols", "AAPL,SPY"))
    before = wait_until(lambda: rooms_of(home))
    wait_until(lambda: fills_seen(home))
    for room in ("risk", "execution"):
        os.kill(before[room], signal.SIGKILL)
    after = wait_until(
        lambda: (
            (found := rooms_of(home))
            and all(found[room] not in (None, before[room]) for room in ("risk", "execution"))
            and all(room["ready"] for room in (read_status(home) or {})["rooms"].values())
            and found
        )
    )
    assert after["ingest"] == before["ingest"]
    pids = pids_of(home)
    process.send_signal(signal.SIGINT)
    facts, code = outcome_of(process)
    assert facts["complaints"] == []
    assert facts["crashes"] == {"execution": 1, "risk": 1}
    assert facts["fills"] > 0
    assert code == 0
    assert not any(map(is_running, pids))


def test_a_demo_that_is_killed_takes_everything_with_it(start, home):
    process = start(*demo("--home", str(home.root), "--symbols", "SPY"))
    wait_until(lambda: rooms_of(home))
    pids = pids_of(home)
    assert len(pids) == len(ROOMS) + 2
    process.kill()
    wait_until(lambda: not any(map(is_running, pids)))


def test_up_status_halt_restart_and_down(start, tmp_path):
    home = Home(tmp_path / "home")
    config = str(shipped_config())
    environment = {
        **free_ports((EXCHANGE, *ROOMS)),
        "TRIMTAB_SIM_SPEED": "60",
        "TRIMTAB_SIM_SYMBOLS": "AAPL,SPY",
    }

    def run(*arguments):
        process = start(*arguments, "--json", **environment)
        return outcome_of(process)

    facts, code = run("up", "--detach", "--mode", "sim", "--config", config)
    assert code == 0
    pids = [*pids_of(home), facts["pid"]]
    try:
        assert run("status") is not None
        refused, code = run("up", "--mode", "sim", "--config", config)
        assert code == 2
        assert str(facts["pid"]) in refused["error"]
        halted, code = run("halt", "--reason", "a walk")
        assert (code, halted["rooms_told"]) == (0, True)
        wait_until(lambda: run("positions")[0]["state"] == "HALTED")
        restarted, code = run("restart", "alerting")
        assert (code, restarted["ready"]) == (0, True)
        resumed, code = run("resume")
        assert code == 0
        assert resumed["was_halted"]["reason"] == "a walk"
        wait_until(lambda: run("positions")[0]["state"] == "TRADING")
    finally:
        _, code = run("down")
    assert code == 0
    wait_until(lambda: not any(map(is_running, pids)))
    assert supervisor_of(home) is None


def test_up_is_refused_while_another_supervisor_has_the_home(start, tmp_path):
    home = Home(tmp_path / "home")
    lock = Lock(home.made(home.run) / "supervisor.pid")
    refused, code = outcome_of(
        start("up", "--json", "--mode", "sim", "--config", str(shipped_config()))
    )
    lock.release()
    assert code == 2
    assert str(os.getpid()) in refused["error"]


def test_up_names_who_holds_a_port(start):
    ports = free_ports((EXCHANGE, *ROOMS))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(ports["TRIMTAB_RISK_HTTP_PORT"])))
        taken.listen()
        refused, code = outcome_of(
            start("up", "--json", "--mode", "sim", "--config", str(shipped_config()), **ports)
        )
    assert code == 2
    assert str(os.getpid()) in refused["error"]
    assert "risk" in refused["error"]


def test_the_command_is_installed():
    command = Path(sys.executable).with_name("trimtab")
    asked = subprocess.run([command, "--help"], capture_output=True, text=True, check=True)
    assert "demo" in asked.stdout
