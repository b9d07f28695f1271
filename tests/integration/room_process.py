"""A room as the real process, over a real server, to be killed and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis

from tests.integration.conftest import free_port
from trimtab_common.events import AlertRaised, Event, encode, family_of, parse_entry

ROOT = Path(__file__).parents[2]
TIMEOUT_SECONDS = 60


class RoomProcess:
    """One room with a home, a prefix and settings of its own."""

    def __init__(self, room: str, url: str, home: Path, **settings: str) -> None:
        self.room = room
        self.home = home
        self.prefix = f"t-{room}-{time.time_ns()}:"
        self.server = redis.Redis.from_url(url)
        self._settings = {
            "HOME": str(home),
            "REDIS_URL": url,
            "STREAM_PREFIX": self.prefix,
            "CONFIG_DIR": str(ROOT / "config"),
        } | settings
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def start(self) -> None:
        self._port = free_port()
        settings = self._settings | {"HTTP_PORT": str(self._port)}
        own = {f"TRIMTAB_{name}": text for name, text in settings.items()}
        command = [sys.executable, "-m", f"trimtab_{self.room}"]
        self.home.mkdir(exist_ok=True)
        with (self.home / "stderr").open("ab") as output:
            self._process = subprocess.Popen(command, env={**os.environ, **own}, stderr=output)

    def ready(self) -> None:
        """Wait until it can work."""
        wait_for(lambda: self.ask("readyz").get("status") == "ready", what="readiness")

    def ask(self, endpoint: str) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self._port}/{endpoint}", timeout=5
            ) as reply:
                found: dict[str, Any] = json.load(reply)
        except urllib.error.HTTPError as error:
            found = json.load(error)
        except OSError:
            found = {}
        return found

    def kill(self) -> None:
        process = self._running()
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self) -> int:
        process = self._running()
        process.terminate()
        return process.wait(timeout=TIMEOUT_SECONDS)

    def wait(self) -> int:
        """Wait until it ends by itself; returns the exit code."""
        return self._running().wait(timeout=TIMEOUT_SECONDS)

    def end(self) -> None:
        """Whatever state it is in, it ends."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self.server.close()

    @property
    def is_running(self) -> bool:
        return self._running().poll() is None

    def rss_megabytes(self) -> float:
        status = Path(f"/proc/{self._running().pid}/status").read_text()
        return next(
            int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")
        )

    def stderr(self) -> str:
        return (self.home / "stderr").read_text()

    def publish(self, *events: Event) -> list[str]:
        """Put events on their streams; returns the ids of the entries."""
        pipe = self.server.pipeline(transaction=False)
        for event in events:
            kind, data = encode(event)
            pipe.xadd(self.prefix + family_of(event), {"type": kind, "data": data})
        return [entry.decode() for entry in pipe.execute()]

    def alerts(self) -> list[AlertRaised]:
        entries: Any = self.server.xrange(self.prefix + "alerts")
        events = [parse_entry(fields) for _, fields in entries]
        return [event for event in events if isinstance(event, AlertRaised)]

    def caught_up(self, family: str) -> bool:
        """Whether the room has taken all that is on a stream."""
        cursor = json.loads(self.server.hget(f"{self.prefix}room:{self.room}", "cursor") or b"{}")
        stream = self.prefix + family
        last: Any = self.server.xrevrange(stream, count=1)
        return not last or cursor.get(family) == last[0][0].decode()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise AssertionError("start() comes first")
        return self._process


def wait_for(condition: Callable[[], object], *, what: str = "it") -> None:
    """Wait until the condition holds; fails the test when it does not come about."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come about within {TIMEOUT_SECONDS} s")
        time.sleep(0.05)
