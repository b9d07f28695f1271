"""The whole system on a busy generated market, to be hurt and looked at."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import redis
import requests
import yaml

from tests.simulator_process import KEY, SECRET, free_port
from trimtab.demo.drain import drain
from trimtab.demo.exchange import Exchange, ExchangeSilent
from trimtab.demo.scene import Scene, set_scene
from trimtab.demo.wishes import MAX, Wishes
from trimtab.run_system import begin
from trimtab.streams import Streams
from trimtab.supervisor.child import Child
from trimtab.supervisor.plan import EXCHANGE, ROOMS
from trimtab.supervisor.supervisor import Supervisor
from trimtab_runtime.delivery.keys import Keys
from trimtab_runtime.home import Home

ROOT = Path(__file__).parents[2]
PREFIX = "trimtab:"
KEYS = Keys(PREFIX)
SYMBOLS = ",".join(f"C{letter}/USD" for letter in "ABCDEFGHIJKLMNOPQRST")
LOOK_SECONDS = 0.02
PATIENCE_SECONDS = 120.0
MISSING, SLIPPAGE_BPS, FEE_BPS = "0.02", "2", "1"
TOLD = {
    "TRIMTAB_SIM_AHEAD": "32",
    "TRIMTAB_SIM_MISSING": MISSING,
    "TRIMTAB_SIM_SLIPPAGE_BPS": SLIPPAGE_BPS,
    "TRIMTAB_SIM_FEE_BPS": FEE_BPS,
    "TRIMTAB_EXECUTION_RECONCILE_SECONDS": "1",
    # Everything that happened stays on the streams, so that all of it can be judged.
    "TRIMTAB_RECORDER_KEEP_HOURS": "8000",
}


class Progress(NamedTuple):
    """How far a room has come: its life, and its commits."""

    generation: int
    sequence: int


class Surroundings(NamedTuple):
    """What a system finds when it begins."""

    told: Mapping[str, str] = {}
    """Environment of every room."""
    prepare: Callable[[Home], object] = lambda home: None
    """Lays something into the home beforehand."""


PLAIN = Surroundings()


class StandIn(NamedTuple):
    """A second process of a room, beside the supervisor's."""

    process: subprocess.Popen[bytes]
    port: int


class System:
    """All rooms, their server and the exchange; looked after by whoever waits."""

    def __init__(self, home: Path, surroundings: Surroundings) -> None:
        self.scene = _scene(home, surroundings.told)
        surroundings.prepare(self.scene.plan.home)
        self.said: list[str] = []
        self.supervisor = Supervisor(
            self.scene.plan, lambda room, text: self.said.append(f"{room}: {text}")
        )
        self.exchange = Exchange(self.scene.plan.ports[EXCHANGE])
        self._stand_ins: list[StandIn] = []

    # ------------------------------------------------------------------ its parts

    @property
    def home(self) -> Path:
        return self.scene.plan.home.root

    @property
    def url(self) -> str:
        """The server's own address, without anything in between."""
        return self.scene.plan.home.redis_url.read_text(encoding="utf-8").strip()

    @property
    def server(self) -> Any:
        return redis.Redis.from_url(self.url, socket_timeout=2, retry=None)

    @property
    def server_pid(self) -> int:
        assert self.supervisor.server is not None
        pid = self.supervisor.server.pid
        assert pid is not None, "the server does not run"
        return pid

    def child(self, room: str) -> Child:
        return self.supervisor.children[room]

    def ask_exchange(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The JSON at a path of the exchange."""
        answer = requests.request(
            method,
            f"http://127.0.0.1:{self.scene.plan.ports[EXCHANGE]}{path}",
            json=body,
            params=query,
            headers={"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET},
            timeout=10,
        )
        answer.raise_for_status()
        return answer.json()

    def info(self, room: str) -> dict[str, Any]:
        address = f"http://127.0.0.1:{self.scene.plan.ports[room]}/info"
        found: dict[str, Any] = requests.get(address, timeout=5).json()
        return found

    # ------------------------------------------------------------------ its course

    def wait(self, seconds: float) -> None:
        """Let time go by."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.supervisor.step()
            time.sleep(min(LOOK_SECONDS, left))

    def until(self, done: Callable[[], object], what: str) -> None:
        """Wait until something has come about."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not done():
            self.supervisor.step()
            assert time.monotonic() < deadline, f"{what}\n{self.why()}"
            time.sleep(LOOK_SECONDS)

    def why(self) -> str:
        """What the supervisor said last, and how the rooms fare."""
        sights = {
            name: (child.state.value, *self.supervisor.watcher.sight(name).reasons)
            for name, child in self.supervisor.children.items()
        }
        return f"rows {self.rows()}\n{sights}\n" + "\n".join(self.said[-20:])

    def rows(self) -> int | None:
        """How many rows are open; None while the exchange is away."""
        try:
            return int(self.exchange.state()["rows_opened"])
        except ExchangeSilent:
            return None

    def progress(self) -> dict[str, Progress]:
        """How far each room has come; empty while the server is away."""
        client = self.server
        try:
            pipe = client.pipeline(transaction=True)
            for room in ROOMS:
                pipe.hmget(KEYS.room(room), "generation", "sequence")
            found = pipe.execute()
        except redis.RedisError:
            return {}
        finally:
            client.close()
        return {
            room: Progress(int(generation or 0), int(sequence or 0))
            for room, (generation, sequence) in zip(ROOMS, found, strict=True)
        }

    def flow_again(self, since: float, reborn: Mapping[str, int]) -> float:
        """Wait until every room has committed anew, and then a row was opened; the seconds.

        `reborn`: rooms that must begin another life, each with the generation before.
        """
        first: dict[str, Progress] = {}
        moved: set[str] = set()
        while len(moved) < len(ROOMS):
            for room, now in self.progress().items():
                if now.generation <= reborn.get(room, -1):
                    continue
                if first.setdefault(room, now)[0] != now.generation:
                    first[room] = now
                if now.sequence > first[room].sequence:
                    moved.add(room)
            self._look(since, f"only {sorted(moved)} go on")
        opened = self.rows()
        while opened is None or (self.rows() or 0) <= opened:
            opened = self.rows() if opened is None else opened
            self._look(since, "no row is opened")
        return time.monotonic() - since

    def _look(self, since: float, complaint: str) -> None:
        self.supervisor.step()
        assert time.monotonic() < since + PATIENCE_SECONDS, f"{complaint}\n{self.why()}"
        time.sleep(LOOK_SECONDS)

    def forget_endings(self) -> None:
        """Count endings anew: a fault of a minute ago is not to be paid for by the next one."""
        for child in self.supervisor.children.values():
            child.restarts.forget()
        if self.supervisor.server is not None:
            self.supervisor.server.restarts.forget()

    def generations(self, *rooms: str) -> dict[str, int]:
        """The present lives of some rooms, to be compared with later ones."""
        progress = self.progress()
        return {room: progress[room].generation for room in rooms if room in progress}

    # ------------------------------------------------------------------ second processes

    def stand_in(self, room: str, **environment: str) -> StandIn:
        """Start another process of a room, as if somebody had started a second system."""
        child, port = self.child(room), free_port()
        told = {**self.scene.plan.environment, **child.plan.environment, **environment}
        told[f"TRIMTAB_{room.upper()}_HTTP_PORT"] = str(port)
        with (self.home / f"{room}.stand-in").open("ab") as output:
            process = subprocess.Popen(
                child.plan.command,
                env=told,
                cwd=self.scene.plan.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._stand_ins.append(StandIn(process, port))
        return self._stand_ins[-1]

    # ------------------------------------------------------------------ its end

    def settle(self) -> None:
        """No more rows; everything that was begun is finished."""
        self.exchange.stop()
        streams = Streams(self.url, PREFIX)

        def look_after() -> bool:
            self.supervisor.step()
            return False

        try:
            left = drain(streams, self.exchange, look_after)
        finally:
            streams.close()
        assert left is None, f"{left}\n{self.why()}"

    def end(self) -> None:
        """Leave no process behind."""
        for stand_in in self._stand_ins:
            if stand_in.process.poll() is None:
                stand_in.process.kill()
                stand_in.process.wait()
        for child in self.supervisor.children.values():
            child.kill()
        if self.supervisor.server is not None and (pid := self.supervisor.server.pid):
            os.kill(pid, signal.SIGCONT)
        self.supervisor.stop(hurry=lambda: True)
        self.scene.claim.release()


@contextmanager
def running(folder: Path, surroundings: Surroundings) -> Iterator[System]:
    """The system, ready and with rows flowing; every process has ended afterwards."""
    system = System(folder / "home", surroundings)
    begin(system.supervisor)
    try:
        system.until(lambda: not system.supervisor.waiting_for(), "the rooms are not ready")
        system.until(lambda: (system.rows() or 0) > 10, "no rows")
        yield system
    finally:
        system.end()


def _scene(home: Path, environment: Mapping[str, str]) -> Scene:
    """Twenty symbols, of which a strategy trades twelve in every row."""
    config = home.parent / "config"
    shutil.copytree(ROOT / "config", config)
    entry = {
        "name": "busy",
        "uses": f"{ROOT / 'benchmarks' / 'busy.py'}:Busy",
        "enabled": True,
        "share": 0.9,
        "symbols": "all",
        "timeframe": "native",
    }
    (config / "strategies.yaml").write_text(yaml.safe_dump({"strategies": [entry]}))
    risk = (config / "risk.yaml").read_text()
    (config / "risk.yaml").write_text(re.sub(r"drift_band: \S+", "drift_band: 0.006", risk))
    wishes = Wishes(
        data=None,
        seconds=None,
        speed=MAX,
        symbols=SYMBOLS,
        seed=1,
        home=home,
        config=config,
        keep=True,
        as_json=True,
    )
    scene = set_scene(wishes)
    told = {**scene.plan.environment, **TOLD, **environment}
    return replace(scene, plan=replace(scene.plan, environment=told))
