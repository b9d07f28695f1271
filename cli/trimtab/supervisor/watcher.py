"""Looks at every room through its endpoints, in a thread of its own, and remembers what it saw."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trimtab.rooms_http import ask

ROUND_SECONDS = 1.0
HTTP_OK = 200


@dataclass(frozen=True)
class Sight:
    """What one look at a room showed."""

    health: str = "UNKNOWN"
    """HEALTHY, DEGRADED or UNHEALTHY; UNKNOWN for a room that does not answer."""
    ready: bool = False
    stuck_since: float | None = None
    """Since when it has said, at each look, that its loops do not go round; monotonic seconds."""
    reasons: tuple[str, ...] = ()
    info: Mapping[str, Any] = field(default_factory=dict)
    seen_at: float | None = None
    """Monotonic seconds of the answer."""


NOT_SEEN = Sight()


class Watcher:
    """Asks the rooms in turn. A room that does not answer delays the round by its patience only."""

    def __init__(self, ports: Mapping[str, int], round_seconds: float = ROUND_SECONDS) -> None:
        self._ports = dict(ports)
        self._round_seconds = round_seconds
        self._sights: dict[str, Sight] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go_round, name="watcher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop asking; what was seen stays."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def sight(self, name: str) -> Sight:
        """The last look at a room."""
        return self._sights.get(name, NOT_SEEN)

    def _go_round(self) -> None:
        while not self._stop.is_set():
            for name, port in self._ports.items():
                if self._stop.is_set():
                    return
                self._sights[name] = look(name, port, self.sight(name))
            self._stop.wait(self._round_seconds)


def look(name: str, port: int, before: Sight = NOT_SEEN) -> Sight:
    """Ask one room how it fares."""
    health = ask(port, "/healthz")
    if health is None or not isinstance(health.content, dict):
        return Sight(reasons=("it does not answer",), info=before.info, seen_at=before.seen_at)
    if health.content.get("room", name) != name:
        return Sight(reasons=(f"another program answers on its port {port}",))
    alive, ready, info = ask(port, "/livez"), ask(port, "/readyz"), ask(port, "/info")
    stuck = alive is not None and alive.status != HTTP_OK
    now = time.monotonic()
    return Sight(
        health=str(health.content.get("status", "UNKNOWN")),
        ready=ready is not None and ready.status == HTTP_OK,
        stuck_since=(before.stuck_since or now) if stuck else None,
        reasons=tuple(
            f"{reason.get('check')}: {reason.get('reason')}"
            for reason in health.content.get("reasons", ())
        ),
        info=info.content if info is not None and isinstance(info.content, dict) else before.info,
        seen_at=now,
    )
