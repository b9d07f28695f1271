"""A file of bars as a market: checked, in order, with an account of everything left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trimtab_common.calendars import Calendar, CalendarName, calendar
from trimtab_common.symbols import Symbol, parse_symbol
from trimtab_common.timeframes import Timeframe, timeframe_of
from trimtab_runtime.barspans import bar_spans
from trimtab_runtime.marketcolumns import Columns, MarketFileError, read_columns
from trimtab_runtime.marketcut import cut, some
from trimtab_trading.market import AMOUNT_MAX, AMOUNT_MIN, Market

FEED = "simulated"
WEEKEND_SHARE_MIN = 0.05
"""Bars around the clock have two days in seven; late trading in New York a few minutes."""
PAIR_LENGTH_MIN = 6
"""No US ticker is as long as the shortest crypto pair without its slash."""
_SATURDAY = 5
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday

Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class ReadReport:
    """What became of a file's rows."""

    rows_read: int
    bars_kept: int
    dropped: Mapping[str, int]
    """Rule → number of rows it left out; each row is counted once."""
    notes: tuple[str, ...]
    """What was assumed, and which symbols were not understood."""


@dataclass(frozen=True, eq=False)
class MarketFile:
    """The bars of a file as the market that a backtest and the simulator replay."""

    path: Path
    market: Market
    report: ReadReport


def read_bars(
    path: Path,
    *,
    symbol: str | None = None,
    timeframe: Timeframe | None = None,
    rename: Mapping[str, str] | None = None,
    symbols: Sequence[str] | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    rows: int | None = None,
) -> MarketFile:
    """Read a Parquet or CSV file of bars stamped at their open.

    The calendar is told by the symbols and by bars at weekends, the timeframe (unless given) by
    the usual distance of stamps. `symbol` names the bars of a file without a column of symbols,
    `rename` replaces names that are no symbols. Kept are the bars of `symbols` that opened at or
    after `start` and were available by `end` (aware times), and of these the first `rows`
    instants.

    Raises:
        MarketFileError: where the file holds no bars that can be used; the text says why.
    """
    columns = read_columns(path, symbol)
    if not len(columns):
        raise MarketFileError(f"{path} has no rows")
    names = tuple((rename or {}).get(name, name) for name in columns.names)
    place = _calendar(names, columns)
    frame = timeframe or _timeframe(path, columns)
    canonical, unknown = _canonical(names, place)
    whole, dropped = _market(path, columns, canonical, place, frame)
    notes = list(columns.notes)
    if unknown:
        notes.append(
            f"no symbols of {place.name.value}: {some(unknown)}; "
            "`rename` can say what they stand for"
        )
    if not len(whole):
        raise MarketFileError(f"no usable bar in {path}: {'; '.join([*_lines(dropped), *notes])}")
    market = cut(whole, symbols=symbols, start=start, end=end, rows=rows)
    return MarketFile(path, market, ReadReport(len(columns), len(market), dropped, tuple(notes)))


def _calendar(names: tuple[str, ...], columns: Columns) -> Calendar:
    """Around the clock where all symbols are pairs, or may be and bars fall on weekends."""
    known = columns.stamps[~np.isnat(columns.stamps)].astype("datetime64[D]").astype(np.int64)
    at_weekends = (known + _EPOCH_WEEKDAY) % 7 >= _SATURDAY
    may_be_pairs = any(_symbol_or_none(name, crypto=True) for name in names)
    never_closes = all(_is_pair(name) for name in names) or (
        may_be_pairs and at_weekends.mean() > WEEKEND_SHARE_MIN
    )
    return calendar(CalendarName.ALWAYS if never_closes else CalendarName.XNYS)


def _is_pair(name: str) -> bool:
    if _symbol_or_none(name, crypto=True) is None:
        return False
    return "/" in name or len(name) >= PAIR_LENGTH_MIN


def _symbol_or_none(name: str, *, crypto: bool) -> Symbol | None:
    try:
        return parse_symbol(name, crypto=crypto)
    except ValueError:
        return None


def _canonical(
    names: tuple[str, ...], place: Calendar
) -> tuple[dict[int, Symbol], tuple[str, ...]]:
    """The symbol of each name, by the name's number, and the names that are none."""
    found: dict[int, Symbol] = {}
    for number, name in enumerate(names):
        symbol = _symbol_or_none(name, crypto=place.never_closes)
        # A ticker's calendar closes: a pair among stocks is not one of them.
        if symbol is not None and ("/" in symbol) == place.never_closes:
            found[number] = symbol
    return found, tuple(name for number, name in enumerate(names) if number not in found)


def _timeframe(path: Path, columns: Columns) -> Timeframe:
    """The most frequent distance between neighbouring bars of a symbol."""
    order = np.lexsort((columns.stamps, columns.name_index))
    distances = np.diff(columns.stamps[order]).astype(np.int64)
    same_symbol = np.diff(columns.name_index[order]) == 0
    usable = distances[same_symbol & (distances > 0)]
    if not len(usable):
        raise MarketFileError(f"{path} has one bar a symbol: say which timeframe it is of")
    values, counts = np.unique(usable, return_counts=True)
    usual = timedelta(microseconds=int(values[np.argmax(counts)]))
    try:
        return timeframe_of(usual)
    except ValueError as error:
        raise MarketFileError(f"{path}: bars are usually {usual} apart; {error}") from None


class _Sieve:
    """Lets rows fall through one rule after the other, and counts what each one catches."""

    def __init__(self, length: int) -> None:
        self.kept: Booleans = np.ones(length, dtype=np.bool_)
        self.dropped: dict[str, int] = {}

    def drop(self, rule: str, wrong: Booleans | np.bool_) -> None:
        caught = int((wrong & self.kept).sum())
        if caught:
            self.dropped[rule] = self.dropped.get(rule, 0) + caught
            self.kept &= ~wrong


def _market(
    path: Path,
    columns: Columns,
    canonical: Mapping[int, Symbol],
    place: Calendar,
    timeframe: Timeframe,
) -> tuple[Market, dict[str, int]]:
    symbols = tuple(sorted(set(canonical.values())))
    index_of = np.full(len(columns.names) + 1, -1, dtype=np.int32)  # the last one: no name
    for number, symbol in canonical.items():
        index_of[number] = symbols.index(symbol)
    symbol_index = index_of[columns.name_index]
    sieve = _Sieve(len(columns))
    sieve.drop("no known symbol", symbol_index < 0)
    sieve.drop("no time", np.isnat(columns.stamps))
    _check_values(columns, sieve)
    spans = bar_spans(place, timeframe, np.where(sieve.kept, columns.stamps, _SOME_TIME))
    sieve.drop("outside the sessions", ~spans.in_session)
    sieve.drop("not where a bar begins", ~spans.on_grid)
    order = _in_order(symbol_index, spans.available_at, sieve)
    used, dense_index = np.unique(symbol_index[order], return_inverse=True)
    market = Market(
        symbols=tuple(symbols[number] for number in used),
        timeframe=timeframe,
        calendar=place.name.value,
        feed=FEED,
        source=path.name,
        symbol_index=dense_index.astype(np.int32),
        opened_at=spans.opened_at[order],
        available_at=spans.available_at[order],
        volume=np.nan_to_num(columns.volume[order], nan=0.0),
        **{name: getattr(columns, name)[order] for name in ("open", "high", "low", "close")},
    )
    return market, sieve.dropped


def _in_order(
    symbol_index: NDArray[np.int32], available_at: NDArray[np.datetime64], sieve: _Sieve
) -> NDArray[np.int64]:
    """The places of the kept rows by (available_at, symbol), each bar once."""
    kept = np.flatnonzero(sieve.kept)
    # Stable, so of two rows for one bar the later one in the file comes later, and stays.
    order = kept[np.lexsort((symbol_index[kept], available_at[kept]))]
    again = (np.diff(symbol_index[order]) == 0) & (
        available_at[order][1:] == available_at[order][:-1]
    )
    if again.any():
        sieve.dropped["the same bar again"] = int(again.sum())
        order = order[np.append(~again, True)]
    return order


_SOME_TIME = np.datetime64("2000-01-03", "us")


def _check_values(columns: Columns, sieve: _Sieve) -> None:
    """What no bar can be. NaN passes every comparison, so it is looked for first."""
    prices = np.stack([columns.open, columns.high, columns.low, columns.close])
    sieve.drop("a price that is no number", ~np.isfinite(prices).all(axis=0))
    sieve.drop("a price of 0 or less", ~(prices >= AMOUNT_MIN).all(axis=0))
    sieve.drop("a price beyond reason", ~(prices < AMOUNT_MAX).all(axis=0))
    sieve.drop("high below low", columns.high < columns.low)
    for name, price in (("open", columns.open), ("close", columns.close)):
        sieve.drop(f"{name} outside high and low", (price > columns.high) | (price < columns.low))
    sieve.drop("a negative volume", columns.volume < 0)
    sieve.drop("a volume beyond reason", columns.volume >= AMOUNT_MAX)


def _lines(dropped: Mapping[str, int]) -> list[str]:
    return [f"{count} rows with {rule}" for rule, count in dropped.items()]
