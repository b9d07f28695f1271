"""What the screen shows: gathered from the exchange, the rooms and the streams."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trimtab.demo.exchange import Exchange, ExchangeSilent
from trimtab.demo.scene import Scene
from trimtab.demo.tail import Tail
from trimtab.supervisor.child import State
from trimtab.supervisor.supervisor import Supervisor
from trimtab_common.calendars import CalendarName
from trimtab_common.events import Event

RATE_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class RoomView:
    """One room as it fares."""

    name: str
    health: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class View:
    """Everything on one screen."""

    phase: str
    never_closes: bool
    """Whether the market is open around the clock: its time is UTC then, New York's otherwise."""
    source: str
    home: str
    speed: str
    market_time: datetime | None
    rows: int
    rows_total: int
    rows_per_second: float
    equity: str | None
    start_equity: str | None
    cash: str | None
    positions: tuple[dict[str, Any], ...]
    decisions: tuple[Event, ...]
    fills: tuple[Event, ...]
    rooms: tuple[RoomView, ...]
    counts: dict[str, int] = field(default_factory=dict)
    dead: tuple[str, ...] = ()


class Viewer:
    """Puts views together; keeps the last account where the exchange is silent for a moment."""

    def __init__(self, scene: Scene, supervisor: Supervisor, exchange: Exchange) -> None:
        self._scene = scene
        self._supervisor = supervisor
        self._exchange = exchange
        self._state: dict[str, Any] = {}
        self._positions: list[dict[str, Any]] = []
        self.start_equity: str | None = None
        """What the account was worth before its first trade."""
        self._progress: deque[tuple[float, int]] = deque()

    def view(self, phase: str, tail: Tail | None) -> View:
        """The state of things now."""
        try:
            self._state = self._exchange.state()
            self._positions = self._exchange.positions()
        except ExchangeSilent:
            pass
        state = self._state
        self.start_equity = self.start_equity or state.get("equity")
        released = state.get("opened") or state.get("released")
        return View(
            phase=phase,
            never_closes=self._scene.market.calendar is CalendarName.ALWAYS,
            source=str(state.get("source", self._scene.market.source)),
            home=str(self._scene.plan.home.root),
            speed=self._scene.speed,
            market_time=datetime.fromisoformat(released) if released else None,
            rows=state.get("rows_opened", 0),
            rows_total=state.get("rows_total", 0),
            rows_per_second=self._rate(state.get("rows_opened", 0)),
            equity=state.get("equity"),
            start_equity=self.start_equity,
            cash=state.get("cash"),
            positions=tuple(self._positions),
            decisions=tuple(tail.decisions) if tail else (),
            fills=tuple(tail.fills) if tail else (),
            rooms=tuple(self._room(name) for name in self._supervisor.children),
            counts=dict(tail.counts) if tail else {},
            dead=tuple(tail.dead) if tail else (),
        )

    def _rate(self, rows: int) -> float:
        """Rows a second over the last few seconds."""
        now = time.monotonic()
        self._progress.append((now, rows))
        while now - self._progress[0][0] > RATE_SECONDS:
            self._progress.popleft()
        then, before = self._progress[0]
        return (rows - before) / (now - then) if now > then else 0.0

    def _room(self, name: str) -> RoomView:
        child, sight = self._supervisor.children[name], self._supervisor.watcher.sight(name)
        if child.state is not State.RUNNING:
            return RoomView(name=name, health="UNHEALTHY", reason=child.state.value)
        if not sight.ready and sight.seen_at is None:
            return RoomView(name=name, health="STARTING", reason="starting")
        return RoomView(name=name, health=sight.health, reason="; ".join(sight.reasons))
