"""The newest rows of some symbols in one timeframe, kept so that a view of them is contiguous."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from trimtab_common.symbols import Symbol
from trimtab_trading.arrays import Floats, Integers, packed, unpacked
from trimtab_trading.book import BookView
from trimtab_trading.panel import CLOSE, FIELDS, Panel

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ROOM_MIN = 64
_BEFORE_ALL = np.iinfo(np.int64).min

Bar = tuple[float, float, float, float, float]
"""Open, high, low, close, volume."""


def microseconds(at: datetime) -> int:
    """Microseconds since 1970 of an aware instant."""
    return (at - _EPOCH) // _MICROSECOND


def instant_of(stamp: int) -> datetime:
    """The UTC instant so many microseconds after 1970."""
    return _EPOCH + stamp * _MICROSECOND


class Window:
    """The last `rows` rows (all of them if None) of `symbols` in one timeframe.

    Rows are written one after another into arrays twice as long as needed; when these are full,
    the rows still needed move to the front. So a panel is a slice, and a row costs the same
    whatever the window's length.
    """

    def __init__(self, symbols: tuple[Symbol, ...], rows: int | None) -> None:
        self.symbols = symbols
        self.rows = rows
        self.last_close: Floats = np.full(len(symbols), np.nan)
        """The newest close known of each symbol, NaN before its first bar."""
        self._end = 0
        self._take_room(max(2 * (rows or 0), _ROOM_MIN))

    def _take_room(self, length: int) -> None:
        """Give the arrays room for `length` rows; rows written so far stay."""
        end = self._end
        stamps: Integers = np.empty(length, dtype=np.int64)
        values: Floats = np.full((len(FIELDS), length, len(self.symbols)), np.nan)
        if end:
            stamps[:end] = self._stamps[:end]
            values[:, :end] = self._values[:, :end]
        self._stamps: Integers = stamps
        self._values: Floats = values
        # What a strategy is shown cannot be written to.
        self._shown_stamps = stamps.view("datetime64[us]")
        self._shown_values = values.view()
        self._shown_stamps.flags.writeable = False
        self._shown_values.flags.writeable = False

    def __len__(self) -> int:
        return self._end if self.rows is None else min(self._end, self.rows)

    @property
    def last_stamp(self) -> int:
        """The newest row, in microseconds since 1970."""
        return int(self._stamps[self._end - 1]) if self._end else _BEFORE_ALL

    @property
    def newest(self) -> Floats:
        """The bars of the newest row, (5, N)."""
        row: Floats = self._shown_values[:, self._end - 1]
        return row

    def append(self, stamp: int, columns: Sequence[int], bars: Sequence[Bar]) -> bool:
        """Add a row of one bar for each of `columns`.

        A row that is not newer than the newest is known already (from the warm-up): its bars
        are put in their places and the answer is False.
        """
        if stamp <= self.last_stamp:
            for column, bar in zip(columns, bars, strict=True):
                self.insert(stamp, column, bar)
            return False
        if self._end == len(self._stamps):
            self._make_room()
        end = self._end
        self._stamps[end] = stamp
        row = self._values[:, end]
        if len(columns) < len(self.symbols):
            row.fill(np.nan)
        for column, bar in zip(columns, bars, strict=True):
            row[:, column] = bar
            self.last_close[column] = bar[CLOSE]
        self._end = end + 1
        return True

    def extend(self, stamps: Integers, values: Floats) -> None:
        """Add many rows (T,) and (5, T, N), all newer than the newest and each with a bar."""
        closes = values[CLOSE]
        for column in range(len(self.symbols)):
            known = np.flatnonzero(~np.isnan(closes[:, column]))
            if len(known):
                self.last_close[column] = closes[known[-1], column]
        if self.rows is not None:
            stamps, values = stamps[-self.rows :], values[:, -self.rows :]
        while self._end + len(stamps) > len(self._stamps):
            self._make_room()
        end = self._end + len(stamps)
        self._stamps[self._end : end] = stamps
        self._values[:, self._end : end] = values
        self._end = end

    def _make_room(self) -> None:
        if self.rows is None:
            self._take_room(2 * len(self._stamps))
            return
        first = self._end - self.rows
        self._stamps[: self.rows] = self._stamps[first : self._end].copy()
        self._values[:, : self.rows] = self._values[:, first : self._end].copy()
        self._end = self.rows

    def insert(self, stamp: int, column: int, bar: Bar) -> None:
        """Put a bar that came late in its place; if enough newer rows are there, nowhere."""
        if self._end == len(self._stamps):
            self._make_room()
        place = int(self._stamps[: self._end].searchsorted(stamp))
        there = place < self._end and self._stamps[place] == stamp
        if self.rows is not None and self._end - place - there >= self.rows:
            return
        if not there:
            self._open_gap(place, stamp)
        self._values[:, place, column] = bar
        if np.isnan(self._values[CLOSE, place + 1 : self._end, column]).all():
            self.last_close[column] = bar[CLOSE]

    def _open_gap(self, place: int, stamp: int) -> None:
        """Make an empty row at a place; the newer rows move up by one."""
        end = self._end
        self._stamps[place + 1 : end + 1] = self._stamps[place:end].copy()
        self._values[:, place + 1 : end + 1] = self._values[:, place:end].copy()
        self._stamps[place] = stamp
        self._values[:, place] = np.nan
        self._end = end + 1

    def panel(
        self,
        rows: int | None,
        *,
        others: Mapping[str, Panel] | None = None,
        book: BookView | None = None,
    ) -> Panel:
        """The newest `rows` rows (all if None): valid until the next row is added."""
        first = 0 if rows is None else max(self._end - rows, 0)
        return Panel(
            self._shown_stamps[first : self._end],
            self.symbols,
            self._shown_values[:, first : self._end],
            others=others,
            book=book,
        )

    def snapshot(self) -> dict[str, Any]:
        """The rows still needed, as JSON values."""
        first = self._end - len(self)
        return {
            "stamps": packed(self._stamps[first : self._end]),
            "values": packed(self._values[:, first : self._end]),
            "last_close": packed(self.last_close),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Hold the rows of a snapshot, or the newest of them if fewer are needed now."""
        stamps, values = unpacked(state["stamps"]), unpacked(state["values"])
        first = 0 if self.rows is None else max(len(stamps) - self.rows, 0)
        count = len(stamps) - first
        self._end = 0
        self._take_room(max(len(self._stamps), 2 * count))
        self._stamps[:count] = stamps[first:]
        self._values[:, :count] = values[:, first:]
        self._end = count
        self.last_close = unpacked(state["last_close"])
