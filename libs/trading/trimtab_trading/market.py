"""A market in columns, row by row: the one source of the backtest and of the simulator.

A row is one instant: all bars that become available then. Prices are float64 here and become
Decimal in one way only, so that every party reads the same price from the same file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab_common.events import BarClosed, Due, RowClosed, instant, mark
from trimtab_common.money import decimal_from_float, to_float
from trimtab_common.symbols import Symbol
from trimtab_common.timeframes import Timeframe

SIMULATED = "SIMULATED"
"""The label of every market that nobody ever traded on."""

COLUMNS = (
    "symbol_index",
    "opened_at",
    "available_at",
    "open",
    "high",
    "low",
    "close",
    "volume",
)
AMOUNT_MIN = 1e-9
AMOUNT_MAX = 1e15
PRICES_REMEMBERED = 65_536
STEPS_PER_UNIT = 1e9
STEPS_EXACT = 2.0**52
ROWS_AT_ONCE = 4096
"""`replay` makes the events of so many rows at a time."""

Floats = NDArray[np.float64]
Times = NDArray[np.datetime64]

price_of = lru_cache(maxsize=PRICES_REMEMBERED)(decimal_from_float)
"""The Decimal that an event carries for a price in a column."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Market:
    """Bars of one timeframe and calendar in columns, sorted by (available_at, symbol).

    Times are datetime64[us] in UTC; prices are above 0, low and high embrace open and close.
    """

    symbols: tuple[Symbol, ...]
    """In alphabetical order."""
    timeframe: Timeframe
    calendar: str
    feed: str
    source: str
    """Where the bars come from: a file, or SIMULATED and the seed."""
    symbol_index: NDArray[np.integer[Any]]
    opened_at: Times
    available_at: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __post_init__(self) -> None:
        complaint = _complaint(self)
        if complaint:
            raise ValueError(f"{self.source}: {complaint}")

    def __len__(self) -> int:
        return len(self.symbol_index)

    @cached_property
    def row_starts(self) -> NDArray[np.int64]:
        """The index of each row's first bar, and after the last one the number of bars."""
        if not len(self):
            return np.zeros(1, dtype=np.int64)
        changes = np.flatnonzero(self.available_at[1:] != self.available_at[:-1]) + 1
        return np.concatenate(([0], changes, [len(self)])).astype(np.int64)

    @property
    def rows_total(self) -> int:
        return len(self.row_starts) - 1

    def slice_of(self, row_index: int) -> slice:
        """The bars of one row."""
        return slice(int(self.row_starts[row_index]), int(self.row_starts[row_index + 1]))

    def instant_of(self, row_index: int) -> datetime:
        """The instant at which a row's bars become available."""
        return aware(self._instants[row_index].item())

    def row_at(self, row: datetime) -> int | None:
        """The index of the row at an aware instant; None if nothing became available then."""
        wanted = np.datetime64(row.astimezone(UTC).replace(tzinfo=None), "us")
        found = int(np.searchsorted(self._instants, wanted))
        exists = found < self.rows_total and self._instants[found] == wanted
        return found if exists else None

    def take(self, places: slice | NDArray[np.integer[Any]]) -> Market:
        """A market of some of the bars only, given in the order they have here."""
        columns = {name: getattr(self, name)[places] for name in COLUMNS}
        return Market(
            symbols=self.symbols,
            timeframe=self.timeframe,
            calendar=self.calendar,
            feed=self.feed,
            source=self.source,
            **columns,
        )

    def first_rows(self, count: int) -> Market:
        """The market as it would be if it had ended after so many rows."""
        return self.take(slice(0, int(self.row_starts[min(count, self.rows_total)])))

    @cached_property
    def newest_bars(self) -> NDArray[np.int64]:
        """The newest bar of each symbol at each row, (rows, symbols); -1 before its first."""
        newest = np.full((self.rows_total, len(self.symbols)), -1, dtype=np.int64)
        rows_of_bars = np.repeat(np.arange(self.rows_total), np.diff(self.row_starts))
        newest[rows_of_bars, self.symbol_index] = np.arange(len(self))
        found: NDArray[np.int64] = np.maximum.accumulate(newest, axis=0)
        return found

    @cached_property
    def repeats_symbols(self) -> bool:
        """Whether a row holds two bars of one symbol."""
        same_row = self.available_at[1:] == self.available_at[:-1]
        return bool((same_row & (self.symbol_index[1:] == self.symbol_index[:-1])).any())

    @cached_property
    def _instants(self) -> Times:
        instants: Times = self.available_at[self.row_starts[:-1]]
        return instants

    @cached_property
    def told(self) -> dict[str, Floats]:
        """Prices and volumes as who reads the events turns them back into floats."""
        return {name: _told(getattr(self, name)) for name in COLUMNS[3:]}

    @cached_property
    def id_prefixes(self) -> list[str]:
        """How the id of each symbol's bars begins; see `bar_id`."""
        frame = self.timeframe.value
        return [f"bar:{self.feed}:{symbol}:{frame}:" for symbol in self.symbols]


def _complaint(market: Market) -> str | None:
    """Why these columns are no market, if they are none."""
    lengths = {name: len(getattr(market, name)) for name in COLUMNS}
    if len(set(lengths.values())) != 1:
        return f"the columns are not equally long: {lengths}"
    if list(market.symbols) != sorted(set(market.symbols)):
        return "the symbols are not distinct and in alphabetical order"
    bodies = np.minimum(market.open, market.close), np.maximum(market.open, market.close)
    sound = (
        (market.low >= AMOUNT_MIN)
        & (market.low <= bodies[0])
        & (bodies[1] <= market.high)
        & (market.high < AMOUNT_MAX)
        & (market.volume >= 0)
        & (market.volume < AMOUNT_MAX)
        & (market.opened_at < market.available_at)
    )
    if not sound.all():
        place = int(np.argmin(sound))
        return f"bar {place} ({market.symbols[market.symbol_index[place]]}) contradicts itself"
    later = market.available_at[1:] > market.available_at[:-1]
    same = market.available_at[1:] == market.available_at[:-1]
    if not (later | (same & (market.symbol_index[1:] >= market.symbol_index[:-1]))).all():
        return "the bars are not sorted by (available_at, symbol)"
    return None


def _told(values: Floats) -> Floats:
    """The floats after a journey as decimals of 9 places; almost all come back as they went."""
    steps = np.rint(values * STEPS_PER_UNIT)
    told: Floats = steps / STEPS_PER_UNIT
    doubtful = (told != values) | (np.abs(steps) >= STEPS_EXACT)
    told[doubtful] = [to_float(decimal_from_float(each)) for each in values[doubtful].tolist()]
    return told


def aware(naive_utc: datetime) -> datetime:
    """A time out of a column, with its zone."""
    return naive_utc.replace(tzinfo=UTC)


def rows(market: Market) -> Iterator[tuple[datetime, slice]]:
    """Every row's instant and its place in the columns, in order."""
    for row_index in range(market.rows_total):
        yield market.instant_of(row_index), market.slice_of(row_index)


def bars_of_row(market: Market, row_index: int) -> list[BarClosed]:
    """The events of one row's bars, in the order of their symbols."""
    return _bars(market, market.slice_of(row_index))


def bars_between(market: Market, first: int, end: int) -> list[BarClosed]:
    """The events of the bars of the rows from `first` up to `end`."""
    return _bars(market, slice(int(market.row_starts[first]), int(market.row_starts[end])))


def _bars(market: Market, place: slice) -> list[BarClosed]:
    """The events of some bars; the columns are turned into Python's own values all at once."""
    symbols, prefixes = market.symbols, market.id_prefixes
    timeframe, feed = market.timeframe, market.feed
    moments: dict[datetime, datetime] = {}
    bars = []
    for index, opened, available, open_, high, low, close, volume in zip(
        *(getattr(market, name)[place].tolist() for name in COLUMNS), strict=True
    ):
        opened_at = moments.get(opened) or moments.setdefault(opened, aware(opened))
        at = moments.get(available) or moments.setdefault(available, aware(available))
        bars.append(
            BarClosed.trusted(
                id=f"{prefixes[index]}{instant(opened_at)}:0",
                at=at,
                symbol=symbols[index],
                timeframe=timeframe,
                opened_at=opened_at,
                open=price_of(open_),
                high=price_of(high),
                low=price_of(low),
                close=price_of(close),
                volume=decimal_from_float(volume),
                feed=feed,
            )
        )
    return bars


def row_mark(market: Market, row_index: int) -> RowClosed:
    """The mark that ends a row on `bars`: all symbols of the market were due."""
    place = market.slice_of(row_index)
    indexes, opened = market.symbol_index[place].tolist(), market.opened_at[place].tolist()
    return _mark(market, indexes, opened, market.instant_of(row_index))


def _marks(market: Market, first: int, end: int) -> Iterator[RowClosed]:
    """The marks of the rows from `first` up to `end`."""
    starts = market.row_starts[first : end + 1].tolist()
    place = slice(starts[0], starts[-1])
    indexes = market.symbol_index[place].tolist()
    opened = market.opened_at[place].tolist()
    ends = market.available_at[starts[:-1]].tolist()
    for (start, stop), at in zip(pairwise(starts), ends, strict=True):
        within = slice(start - place.start, stop - place.start)
        yield _mark(market, indexes[within], opened[within], aware(at))


def _mark(market: Market, indexes: list[int], opened: list[datetime], at: datetime) -> RowClosed:
    """The mark of a row of these bars."""
    present, missing = _attendance(market.symbols, tuple(indexes))
    due = Due.trusted(
        calendar=market.calendar,
        timeframe=market.timeframe,
        opened_at=aware(max(opened)),
        present=present,
        missing=missing,
    )
    return mark(at, "bars", "ingest", (due,))


@lru_cache(maxsize=ROWS_AT_ONCE)
def _attendance(
    symbols: tuple[Symbol, ...], here: tuple[int, ...]
) -> tuple[tuple[Symbol, ...], tuple[Symbol, ...]]:
    """The names of those that are here, and of those that are not."""
    present = tuple(symbols[index] for index in sorted(set(here)))
    return present, tuple(name for name in symbols if name not in present)


def replay(market: Market) -> Iterator[tuple[list[BarClosed], RowClosed]]:
    """Every row's bars and the mark that ends it, in order: what ingest says of this market."""
    for first in range(0, market.rows_total, ROWS_AT_ONCE):
        end = min(first + ROWS_AT_ONCE, market.rows_total)
        starts = market.row_starts[first : end + 1].tolist()
        bars = _bars(market, slice(starts[0], starts[-1]))
        for (start, stop), closed in zip(pairwise(starts), _marks(market, first, end), strict=True):
            yield bars[start - starts[0] : stop - starts[0]], closed
