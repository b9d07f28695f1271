"""What ingest needs from outside: a feed, its history, the simulator's word, and a store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from trimtab_common.events import BarClosed
from trimtab_common.symbols import Symbol
from trimtab_ingest.core.judge import Raw
from trimtab_ingest.core.plan import Line, Plan, Replay


class Unreachable(RuntimeError):
    """Whoever was asked does not answer, or answers that it cannot; the text says why."""


class Listener(Protocol):
    """Who is told what comes through a socket. Calls come from the event loop."""

    def connecting(self) -> None:
        """A connection is being made; nothing flows."""

    def subscribed(self) -> None:
        """The server has confirmed the subscription: from now on it sends every bar."""

    def lost(self, reason: str | None) -> None:
        """Nothing flows any more, or not yet, and why, where that is known."""

    async def bar(self, raw: Raw) -> None:
        """A bar. Not returning keeps the next one from being read."""

    async def revision(self, raw: Raw) -> None:
        """A correction of a bar."""


class Feed(Protocol):
    """The socket that streams one line's bars."""

    @property
    def line(self) -> Line:
        """What it streams."""

    async def run(self, listener: Listener) -> None:
        """Connect, and connect again, until cancelled. Raises what a listener raised."""

    def reconnect(self) -> None:
        """Give up the present connection, which looks dead."""

    def expect_data(self, seconds: float | None) -> None:
        """Make the connection anew after so long without data; None: never for that reason."""


class History(Protocol):
    """Bars of the past. Blocks: call it from a thread."""

    def bars(self, line: Line, start: datetime, end: datetime) -> list[Raw]:
        """The bars stamped start..end, both included; raises Unreachable."""


@dataclass(frozen=True, kw_only=True)
class Released:
    """How far a simulator's replay has come."""

    replay: Replay
    row: datetime | None
    """The newest row that is public; None before the first."""
    symbols: frozenset[Symbol]
    """Those that have a bar in it."""


class Venue(Protocol):
    """A simulator's control. Blocks: call it from a thread."""

    def released(self) -> Released:
        """Where the replay stands; raises Unreachable."""


class Source(Protocol):
    """Where bars come from in one mode: everything that differs between a replay and a broker."""

    @property
    def history(self) -> History:
        """The past."""

    @property
    def venue(self) -> Venue | None:
        """The simulator's control; None at a broker, where the clock decides."""

    def plan(self) -> Plan | str:
        """What is collected, or why that cannot be said yet. Blocks; raises Unreachable."""

    def feeds(self, plan: Plan) -> list[Feed]:
        """A socket for each streamed line."""


class Store(Protocol):
    """Where bars are kept. Blocks: call it from a thread."""

    def append(self, bars: Iterable[BarClosed]) -> int:
        """Store bars; returns how many were new."""
