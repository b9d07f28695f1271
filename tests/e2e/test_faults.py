"""What the running system does with rubbish on its streams, and without its server."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from trimtab.demo.exchange import Exchange
from trimtab.demo.scene import set_scene
from trimtab.demo.wishes import Wishes
from trimtab.run_system import begin
from trimtab.streams import Streams
from trimtab.supervisor.plan import EXCHANGE, ROOMS
from trimtab.supervisor.supervisor import POLL_SECONDS, Supervisor

pytestmark = [pytest.mark.e2e, pytest.mark.redis, pytest.mark.timeout(300)]

PATIENCE_SECONDS = 120.0
ENDPOINTS = ("livez", "readyz", "healthz", "metrics", "info")
RUBBISH: dict[str, dict[str, str]] = {
    "bars": {"type": "BarClosed", "data": '{"id": "x"}'},
    "signals": {"type": "NoSuchEvent", "data": "{}"},
    "orders": {"nonsense": "1"},
    "fills": {"type": "OrderFilled", "data": "\x00\ud7ff not json"},
    "control": {"type": "TradingHalted", "data": '{"id":"a","id":"b"}'},
}


class System:
    """All rooms on a generated market, looked after by this test."""

    def __init__(self, home: Path) -> None:
        wishes = Wishes(
            data=None,
            seconds=None,
            speed="240",
            symbols="AAPL,MSFT,SPY",
            seed=1,
            home=home,
            config=Path(__file__).parents[2] / "config",
            keep=True,
            as_json=True,
        )
        self.scene = set_scene(wishes)
        self.supervisor = Supervisor(self.scene.plan, lambda _room, _text: None)
        self.exchange = Exchange(self.scene.plan.ports[EXCHANGE])

    @property
    def streams(self) -> Streams:
        url = self.scene.plan.home.redis_url.read_text(encoding="utf-8").strip()
        return Streams(url, "trimtab:")

    @property
    def redis(self) -> Any:
        return redis.Redis.from_url(
            self.scene.plan.home.redis_url.read_text(encoding="utf-8").strip()
        )

    def ask(self, room: str, endpoint: str) -> tuple[int, str]:
        address = f"http://127.0.0.1:{self.scene.plan.ports[room]}/{endpoint}"
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def until(self, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not done():
            self.supervisor.step()
            assert time.monotonic() < deadline, what
            time.sleep(POLL_SECONDS)

    def rows(self) -> int:
        return int(self.exchange.state()["rows_opened"])


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    running = System(tmp_path_factory.mktemp("system") / "home")
    begin(running.supervisor)
    try:
        running.until(lambda: not running.supervisor.waiting_for(), "the rooms are not ready")
        yield running
    finally:
        running.supervisor.stop()
        running.scene.claim.release()


def test_every_room_answers_on_five_endpoints(system: System) -> None:
    for room in (*ROOMS, EXCHANGE):
        answers = {endpoint: system.ask(room, endpoint) for endpoint in ENDPOINTS}
        assert {code for code, _ in answers.values()} == {200}, (room, answers)
        assert json.loads(answers["info"][1])["room"] == room
        assert "trimtab_build_info" in answers["metrics"][1]


def test_rubbish_ends_in_dead_and_its_neighbours_go_on(system: System) -> None:
    server, before = system.redis, system.rows()
    entries = {
        f"trimtab:{family}": server.xadd(f"trimtab:{family}", fields).decode()
        for family, fields in RUBBISH.items()
    }

    def buried() -> dict[str, str]:
        letters = server.xrange("trimtab:dead")
        return {f[b"stream"].decode(): f[b"entry"].decode() for _, f in letters}

    system.until(lambda: buried() == entries, "not all of it is in `dead`")
    system.until(lambda: system.rows() > before + 10, "the rows do not go on")
    letters = server.xrange("trimtab:dead")
    assert len(letters) == len(RUBBISH), "each entry dies once, whoever reads it"
    assert all(fields[b"reason"] for _, fields in letters)

    def alerts() -> list[dict[str, Any]]:
        found = [json.loads(f[b"data"]) for _, f in server.xrange("trimtab:alerts")]
        return [alert for alert in found if alert["rule"] == "dead-letter"]

    def told() -> int:
        return sum(alert["count"] for alert in alerts())

    system.until(lambda: told() >= len(RUBBISH), "not everything was told")
    assert told() == len(RUBBISH), "each is told once"
    assert all(child.restarts.crashes == 0 for child in system.supervisor.children.values())


def test_without_its_server_no_room_is_ready_and_all_come_back(system: System) -> None:
    before = system.rows()
    assert system.supervisor.server is not None
    pid = system.supervisor.server.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        seen: dict[str, str] = {}
        while len(seen) < len(ROOMS) and time.monotonic() < deadline:
            system.supervisor.step()
            for room in ROOMS:
                code, text = system.ask(room, "readyz")
                if code == 503 and "redis" in text.lower():
                    seen[room] = text
            time.sleep(POLL_SECONDS)
        assert sorted(seen) == sorted(ROOMS), seen
    finally:
        os.kill(pid, signal.SIGCONT)
    system.until(lambda: not system.supervisor.waiting_for(), "not all rooms have come back")
    system.until(lambda: system.rows() > before + 10, "the rows do not go on")


def test_at_rest_nothing_is_pending_anywhere(system: System) -> None:
    system.exchange.stop()
    system.until(lambda: not system.streams.unfinished(), "entries are left")
    ours = json.loads(system.ask("risk", "info")[1])
    account = system.exchange.account()
    assert round(float(ours["equity"]), 2) == round(float(account["equity"]), 2)
