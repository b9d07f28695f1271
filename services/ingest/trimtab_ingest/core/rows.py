"""Rows in the making: every bar finds its instant, and the rows are closed in order.

A row is one instant; it exists if and only if at least one bar became available then. What a row
holds does not depend on the order in which its bars came, nor on how often they came.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from trimtab_common.events import BarClosed, Due
from trimtab_common.symbols import Symbol
from trimtab_ingest.core.candle import Candle
from trimtab_ingest.core.memory import Key
from trimtab_ingest.core.plan import Line, Origin, Plan
from trimtab_ingest.core.windows import Windows


class Arrival(StrEnum):
    """What a bar is to the rows."""

    NEW = "new"
    AGAIN = "again"
    """The very same is there already."""
    CONFLICT = "conflict"
    """Another bar is there already, and stays."""
    CLOSED = "closed"
    """Its row is closed."""


class Pending:
    """A row that is not closed yet."""

    __slots__ = ("arrived", "at", "candles")

    def __init__(self, at: datetime, arrived: float | None) -> None:
        self.at = at
        self.arrived = arrived
        """When its first bar came; None where coarser bars alone become available."""
        self.candles: dict[Line, dict[Symbol, Candle]] = {}


class Row(NamedTuple):
    """A closed row."""

    at: datetime
    bars: list[BarClosed]
    due: tuple[Due, ...]
    lines: tuple[Line, ...]
    """One for each `due`."""
    missing: list[Key]
    """Bars that the feed should have brought, in this row and in instants since the last one."""
    arrived: float | None


class Rows:
    """The rows that are not closed yet, and the windows of coarser bars that are open.

    `by_calendar`: bars that the calendar expects are missing if they do not come. A replay knows
    its rows by itself, so there a line is due where at least one of its bars is.
    """

    def __init__(self, plan: Plan, *, closed_until: datetime | None, by_calendar: bool) -> None:
        self.closed_until = closed_until
        self._plan = plan
        self._by_calendar = by_calendar
        self._windows = {
            line: Windows(line, plan.made_of(line), ended=closed_until)
            for line in plan.of(Origin.STREAMED)
        }
        self._pending: dict[datetime, Pending] = {}
        self._instants: list[datetime] = []

    def __len__(self) -> int:
        """How many rows have bars and are not closed."""
        return len(self._instants)

    def add(self, line: Line, candle: Candle, arrived: float, *, replace: bool = False) -> Arrival:
        """Put a bar where it belongs; with `replace` it takes the place of another one there."""
        at = candle.bar.at
        if self.closed_until is not None and at <= self.closed_until:
            if line in self._windows:
                self._windows[line].add((candle,))
            return Arrival.CLOSED
        pending = self._pending.get(at)
        if pending is None:
            pending = self._pending[at] = Pending(at, arrived)
            insort(self._instants, at)
        candles = pending.candles.setdefault(line, {})
        known = candles.get(candle.bar.symbol)
        if known is None or replace:
            candles[candle.bar.symbol] = candle
            return Arrival.NEW
        return Arrival.AGAIN if known.figures == candle.figures else Arrival.CONFLICT

    def forget(self) -> None:
        """Forget the rows that are not closed: all their bars will come again."""
        self._pending.clear()
        self._instants.clear()

    def first(self) -> Pending | None:
        """The row that is to be closed next."""
        at = self._next_instant()
        return None if at is None else self._pending.get(at) or Pending(at, None)

    def waiting_for(self, pending: Pending) -> list[Line]:
        """The lines that are due at a row and not complete; what is made of others waits not."""
        return [
            line
            for line in self._plan.lines
            if line.origin is not Origin.DERIVED and not self._is_complete(line, pending)
        ]

    def close(self) -> Row:
        """Close the next row, whatever is missing in it."""
        at = self._next_instant()
        if at is None:
            raise LookupError("there is no row to close")
        pending = self._pending.pop(at, None) or Pending(at, None)
        if self._instants and self._instants[0] == at:
            del self._instants[0]
        bars = {
            line: {symbol: candle.bar for symbol, candle in candles.items()}
            for line, candles in pending.candles.items()
        }
        for line, windows in self._windows.items():
            windows.add(tuple(pending.candles.get(line, {}).values()))
            for target, made in windows.finish(at).items():
                bars[target] = {bar.symbol: bar for bar in made} | bars.get(target, {})
        missing = list(self._missing(pending))
        self.closed_until = at
        return self._row(pending, bars, missing)

    def back_to(self, line: Line, *, windows_too: bool) -> datetime:
        """From which stamp on bars of a line are needed to go on from the last closed row."""
        closed = self.closed_until or self._plan.begins_at
        back = closed - line.timeframe.duration
        return min(back, self._windows[line].begun_at(closed)) if windows_too else back

    def _next_instant(self) -> datetime | None:
        ends = [end for windows in self._windows.values() if (end := windows.next_end())]
        return min([*self._instants[:1], *ends], default=None)

    def _is_complete(self, line: Line, pending: Pending) -> bool:
        candles = pending.candles.get(line)
        if candles is not None:
            return len(candles) == len(line.symbols)
        return not self._by_calendar or line.opened_at(pending.at) is None

    def _row(
        self, pending: Pending, bars: dict[Line, dict[Symbol, BarClosed]], missing: list[Key]
    ) -> Row:
        lines = tuple(line for line in self._plan.lines if bars.get(line))
        return Row(
            at=pending.at,
            bars=[bars[line][s] for line in lines for s in line.symbols if s in bars[line]],
            due=tuple(_due(line, bars[line]) for line in lines),
            lines=lines,
            missing=missing,
            arrived=pending.arrived,
        )

    def _missing(self, pending: Pending) -> Iterator[Key]:
        """What the feed did not bring; symbols that are merely made of others are not counted."""
        for line in self._plan.lines:
            if line.origin is Origin.DERIVED:
                continue
            if not self._is_complete(line, pending):
                yield from self._missing_of(line, pending)
            if self._by_calendar and line.origin is Origin.STREAMED:
                yield from self._skipped(line, pending.at)

    def _missing_of(self, line: Line, pending: Pending) -> Iterator[Key]:
        candles = pending.candles.get(line, {})
        opened_at = (
            max(candle.bar.opened_at for candle in candles.values())
            if candles
            else line.opened_at(pending.at)
        )
        if opened_at is not None:
            for symbol in line.symbols:
                if symbol not in candles:
                    yield Key(symbol, line.timeframe, opened_at)

    def _skipped(self, line: Line, until: datetime) -> Iterator[Key]:
        """Bars that were due at instants between the last closed row and this one."""
        length = line.timeframe.duration
        at = (self.closed_until or self._plan.begins_at) + length
        while at < until:
            opened_at = line.opened_at(at)
            if opened_at is not None:
                yield from (Key(symbol, line.timeframe, opened_at) for symbol in line.symbols)
            at += length


def _due(line: Line, bars: dict[Symbol, BarClosed]) -> Due:
    return Due.trusted(
        calendar=line.calendar.name.value,
        timeframe=line.timeframe,
        opened_at=max(bar.opened_at for bar in bars.values()),
        present=tuple(symbol for symbol in line.symbols if symbol in bars),
        missing=tuple(symbol for symbol in line.symbols if symbol not in bars),
    )
