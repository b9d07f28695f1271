"""What the simulator needs from outside: a place to remember, ears for its news, and a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from trimtab_simulator.core.records import Record
from trimtab_simulator.core.updates import Update


class RecordLog(Protocol):
    """A log that is never changed, only added to."""

    def read(self) -> Iterable[Record]:
        """Every record, in order. One that was cut off by a crash was never accepted, and goes."""

    def append(self, record: Record) -> None:
        """Write a record down; on return the end of this process can no longer lose it."""


class Listeners(Protocol):
    """Whoever is connected to the simulator's sockets."""

    def tell(self, updates: list[Update]) -> None:
        """Push trade updates; who is not listening now misses them."""

    def row_opened(self) -> None:
        """Another row was opened, so more rows may be released."""

    def break_sockets(self, *, updates: bool) -> None:
        """Break every socket for trade updates, or every one for data."""


WallClock = Callable[[], float]
"""Seconds of the epoch. Only notes for people and measurements carry it."""
