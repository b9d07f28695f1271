"""The supervisor over real processes: they come back, they end in order, none is left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from tests.integration.supervised import NAMES, plan_of
from trimtab.exit_codes import GONE, REPLACED
from trimtab.halt import read_halt
from trimtab.supervisor.child import State
from trimtab.supervisor.presence import read_status, supervisor_of
from trimtab.supervisor.restarts import CRASHES_MAX
from trimtab.supervisor.supervisor import Supervisor
from trimtab_runtime.home import Home
from trimtab_runtime.processes import Held, is_running

PATIENCE_SECONDS = 30.0


class Observed(Supervisor):
    """A supervisor that remembers what it said, and has little patience."""

    def __init__(self, plan):
        self.said: list[tuple[str, str]] = []
        super().__init__(plan, lambda room, text: self.said.append((room, text)), stuck_seconds=3.0)


def status_of(home):
    status = read_status(home)
    assert status is not None, "there is no status.json"
    return status


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


@pytest.fixture
def running(home):
    """A started supervisor whose rooms are ready, in this process."""
    supervisor = Observed(plan_of(home, embedded=False))
    supervisor.lock()
    supervisor.start()
    try:
        step_until(supervisor, lambda: supervisor.state == "running")
        yield supervisor
    finally:
        for file in home.root.glob("*.mute"):
            file.unlink()
        supervisor.stop()


def step_until(supervisor, condition):
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        supervisor.step()
        time.sleep(0.02)


def wait_until(condition):
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)


def started(home):
    """A supervisor in a process of its own, with every room ready; its pids."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.supervised", str(home.root)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    wait_until(lambda: (read_status(home) or {}).get("state") == "running")
    status = status_of(home)
    pids = [room["pid"] for room in status["rooms"].values()] + [status["redis"]["pid"]]
    return process, pids


def test_a_killed_room_comes_back(running, home):
    before = running.children["risk"].pid
    os.kill(before, signal.SIGKILL)
    step_until(running, lambda: running.children["risk"].starts == 2)
    step_until(running, lambda: running.watcher.sight("risk").info.get("pid") not in (None, before))
    assert any(room == "risk" and "signal 9" in text for room, text in running.said)
    assert read_halt(home) is None


def test_a_room_that_crashes_again_and_again_is_given_up_and_trading_halts(running, home):
    risk = running.children["risk"]
    for second in range(CRASHES_MAX - 1):
        risk.restarts.ended(1, now=time.monotonic() + second / 100)
    (home.root / "risk.crash").write_text("1")
    step_until(running, lambda: risk.state is State.GIVEN_UP)
    running.step()
    halt = read_halt(home)
    assert halt is not None
    assert "risk" in halt.reason
    assert running.children["ingest"].state is State.RUNNING
    assert "as ordered" in "\n".join(risk.said())


def test_a_room_that_was_given_up_starts_again_when_asked(running, home):
    risk = running.children["risk"]
    risk.restarts.ended(1, now=time.monotonic())
    risk.state = State.GIVEN_UP
    risk.kill()
    risk.wait()
    (home.run / "risk.restart").touch()
    step_until(running, lambda: risk.state is State.RUNNING and risk.starts == 2)
    assert not (home.run / "risk.restart").exists()
    assert risk.restarts.crashes == 0


def test_a_room_without_redis_is_started_again_without_being_blamed(running, home):
    risk = running.children["risk"]
    (home.root / "risk.crash").write_text(str(GONE))
    step_until(running, lambda: risk.starts == 3)
    (home.root / "risk.crash").unlink()
    assert risk.restarts.crashes == 0


def test_a_room_that_was_replaced_is_left_alone(running, home):
    (home.root / "risk.crash").write_text(str(REPLACED))
    step_until(running, lambda: running.children["risk"].state is State.REPLACED)


def test_a_room_that_says_nothing_for_long_is_killed_and_comes_back(running, home):
    (home.root / "risk.mute").touch()
    step_until(running, lambda: running.children["risk"].state is not State.RUNNING)
    (home.root / "risk.mute").unlink()
    step_until(running, lambda: running.children["risk"].starts == 2)
    assert any("not answered" in text for room, text in running.said if room == "risk")


def test_the_status_file_tells_everything(running, home):
    status = status_of(home)
    assert set(status["rooms"]) == set(NAMES)
    assert all(room["health"] == "HEALTHY" and room["ready"] for room in status["rooms"].values())
    assert status["supervisor"]["pid"] == os.getpid()
    assert json.loads(home.status.read_text()) == status


def test_rooms_end_in_order_and_the_exchange_last(running, home):
    running.stop()
    assert (home.root / "ended").read_text().split() == ["ingest", "risk", "recorder", "simulator"]
    assert supervisor_of(home) is None


def test_a_second_supervisor_is_refused_with_the_pid_of_the_first(running, home):
    with pytest.raises(Held, match=str(os.getpid())):
        Supervisor(plan_of(home), print).lock()
    assert supervisor_of(home) == os.getpid()


def test_told_to_end_everything_ends(home):
    process, pids = started(home)
    assert supervisor_of(home) == process.pid
    process.terminate()
    assert process.wait(PATIENCE_SECONDS) == 0
    assert not any(map(is_running, pids))
    assert status_of(home)["state"] == "stopped"


def test_a_killed_supervisor_takes_everything_with_it(home):
    process, pids = started(home)
    process.kill()
    process.wait()
    wait_until(lambda: not any(map(is_running, pids)))
    assert supervisor_of(home) is None


@pytest.mark.redis
def test_the_server_comes_back_on_the_same_port_with_its_data(home):
    supervisor = Observed(plan_of(home, ("risk",)))
    supervisor.lock()
    supervisor.start()
    try:
        address = home.redis_url.read_text()
        server = supervisor.server
        assert server is not None
        port, before = server.port, server.pid
        assert before is not None
        os.kill(before, signal.SIGKILL)
        step_until(supervisor, lambda: server.alive and server.pid != before)
        assert server.port == port
        assert home.redis_url.read_text() == address
        with redis.Redis.from_url(address.strip()) as client:
            assert client.ping()
        assert "server" in [room for room, _ in supervisor.said]
    finally:
        supervisor.stop()
    assert not home.redis_url.exists()
