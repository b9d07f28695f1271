"""The history a strategy may look at: one block of bars, rows in order, views without copying."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trimtab_trading.arrays import Booleans, Floats

if TYPE_CHECKING:
    from trimtab_trading.book import BookView
    from trimtab_trading.market import Market

OPEN, HIGH, LOW, CLOSE, VOLUME = range(5)
FIELDS = ("open", "high", "low", "close", "volume")

Instants = NDArray[np.datetime64]
"""Rows in UTC, `datetime64[us]`."""


class Panel:
    """T rows of N symbols. A row is an instant at which at least one of the symbols had a bar.

    `ts` (T,) is when the bars of a row became available, the prices and `volume` are (T, N)
    float64 with NaN where a symbol has no bar, `tradable` (T, N) tells where it could be traded.
    `extra` holds other series by name, (T,) or (T, N), each as it was known at the row. All arrays
    are views of shared memory: read them, never write to them, and keep no panel for later.
    """

    __slots__ = (
        "_extra",
        "_fields",
        "_other_rows",
        "_others",
        "_tradable",
        "book",
        "symbols",
        "ts",
    )

    def __init__(
        self,
        ts: Instants,
        symbols: tuple[str, ...],
        values: Floats,
        *,
        tradable: Booleans | None = None,
        extra: Mapping[str, Floats] | None = None,
        others: Mapping[str, Panel] | None = None,
        book: BookView | None = None,
    ) -> None:
        """Wrap `values` (5, T, N): open, high, low, close, volume. Nothing is copied or checked."""
        self.ts = ts
        self.symbols = symbols
        self.book = book
        """The strategy's own virtual book at the last row, if there is one; never the account."""
        self._fields = values
        self._tradable = tradable
        self._extra = extra
        self._others = others
        self._other_rows: Mapping[str, int] | None = None

    @classmethod
    def of(
        cls,
        ts: Instants,
        symbols: Sequence[str],
        *,
        open: Floats,
        high: Floats,
        low: Floats,
        close: Floats,
        volume: Floats,
        tradable: Booleans | None = None,
        extra: Mapping[str, Floats] | None = None,
        others: Mapping[str, Panel] | None = None,
    ) -> Panel:
        """Build from five arrays (T, N); shapes and the order of rows are checked."""
        values = np.stack([open, high, low, close, volume]).astype(np.float64, copy=False)
        instants = np.asarray(ts, dtype="datetime64[us]")
        shape = (len(FIELDS), len(instants), len(symbols))
        if values.shape != shape:
            raise ValueError(f"arrays of shape {values.shape[1:]}; expected {shape[1:]}")
        if (instants[1:] <= instants[:-1]).any():
            raise ValueError("the rows of a panel must be in order of time, each instant once")
        return cls(instants, tuple(symbols), values, tradable=tradable, extra=extra, others=others)

    @classmethod
    def from_bars(
        cls,
        symbols: Sequence[str],
        column: NDArray[np.integer[Any]],
        available_at: Instants,
        bars: Floats,
    ) -> Panel:
        """Build from a list of bars in any order: symbol number, instant, and (5, bars) values.

        Of two bars for the same symbol and instant the later in the list holds.
        """
        instants, row = np.unique(available_at.astype("datetime64[us]"), return_inverse=True)
        values = np.full((len(FIELDS), len(instants), len(symbols)), np.nan)
        values[:, row, column] = bars
        return cls(instants, tuple(symbols), values)

    @classmethod
    def of_market(cls, market: Market) -> Panel:
        """Build from the bars of a market: a file, or a generated one."""
        bars = np.stack([getattr(market, name) for name in FIELDS])
        return cls.from_bars(market.symbols, market.symbol_index, market.available_at, bars)

    @property
    def open(self) -> Floats:
        """First price of each bar, (T, N)."""
        opens: Floats = self._fields[OPEN]
        return opens

    @property
    def high(self) -> Floats:
        """Highest price of each bar, (T, N)."""
        highs: Floats = self._fields[HIGH]
        return highs

    @property
    def low(self) -> Floats:
        """Lowest price of each bar, (T, N)."""
        lows: Floats = self._fields[LOW]
        return lows

    @property
    def close(self) -> Floats:
        """Last price of each bar, (T, N)."""
        closes: Floats = self._fields[CLOSE]
        return closes

    @property
    def volume(self) -> Floats:
        """Units traded in each bar, (T, N)."""
        volumes: Floats = self._fields[VOLUME]
        return volumes

    @property
    def tradable(self) -> Booleans:
        """Where a symbol could be traded, (T, N); without better knowledge: where it has a bar."""
        if self._tradable is not None:
            return self._tradable
        present: Booleans = ~np.isnan(self.close)
        return present

    @property
    def extra(self) -> Mapping[str, Floats]:
        """Other series by name, each row as it was known then; see `as_known`."""
        return self._extra or {}

    def __len__(self) -> int:
        return len(self.ts)

    def index(self, symbol: str) -> int:
        """The column of a symbol; ValueError with the symbols there are."""
        try:
            return self.symbols.index(symbol)
        except ValueError:
            raise ValueError(f"no {symbol} here; there are {', '.join(self.symbols)}") from None

    def last(self, rows: int, other_rows: Mapping[str, int] | None = None) -> Panel:
        """The newest rows, as a view; `other_rows` also limits the panels that `at` returns."""
        view = self._cut(max(len(self.ts) - rows, 0), len(self.ts))
        if other_rows is not None:
            view._other_rows = other_rows
        return view

    def prefix(self, rows: int) -> Panel:
        """The oldest rows, as a view: what was known when row `rows - 1` ended."""
        return self._cut(0, rows)

    def with_book(self, book: BookView) -> Panel:
        """The same rows, with a virtual book to look at."""
        view = self._cut(0, len(self.ts))
        view.book = book
        return view

    def at(self, timeframe: str) -> Panel:
        """The panel of another timeframe, up to the bars that were complete at our last row.

        It has rows of its own; `align` carries what was computed on them over to ours. A strategy
        names the timeframes it reads, and how many rows of each, in `other_rows`.
        """
        other = (self._others or {}).get(timeframe)
        if other is None:
            known = ", ".join(self._others or ()) or "no other timeframe"
            raise KeyError(
                f"no bars of {timeframe} here, but {known}: name it in the strategy's other_rows"
            )
        known_rows = int(other.ts.searchsorted(self.ts[-1], "right")) if len(self.ts) else 0
        view = other.prefix(known_rows)
        limit = (self._other_rows or {}).get(timeframe)
        return view if limit is None else view.last(limit)

    def align(self, other: Panel, values: NDArray[Any]) -> NDArray[Any]:
        """Carry rows of another panel over to ours: at each row the last one known by then.

        `values` has one entry for each row of `other`; NaN where nothing was known yet.
        """
        return as_known(self.ts, other.ts, values)

    def _cut(self, first: int, end: int) -> Panel:
        rows = slice(first, end)
        extra = (
            {name: series[rows] for name, series in self._extra.items()} if self._extra else None
        )
        view = Panel(
            self.ts[rows],
            self.symbols,
            self._fields[:, rows],
            tradable=None if self._tradable is None else self._tradable[rows],
            extra=extra,
            others=self._others,
            book=self.book,
        )
        view._other_rows = self._other_rows
        return view


def as_known(ts: Instants, known_at: Instants, values: NDArray[Any]) -> NDArray[Any]:
    """A point-in-time series at each row: the last value known at or before it, else NaN.

    `known_at` must be sorted; it says when a value became public, not which period it describes.

    >>> hours = np.array([1, 2, 3], dtype="datetime64[h]").astype("datetime64[us]")
    >>> as_known(hours, hours[1:2], np.array([7.0]))
    array([nan,  7.,  7.])
    """
    latest = known_at.searchsorted(ts, "right") - 1
    found = np.full((len(ts), *values.shape[1:]), np.nan)
    known = latest >= 0
    found[known] = values[latest[known]]
    return found
