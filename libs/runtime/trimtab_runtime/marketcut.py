"""Takes a part of a market: some symbols, a span of time, the first rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from trimtab_common.calendars import calendar
from trimtab_common.symbols import parse_symbol
from trimtab_runtime.marketcolumns import MarketFileError
from trimtab_trading.market import COLUMNS, Market

_NEVER = np.datetime64("9999-01-01", "us")


def cut(
    market: Market,
    *,
    symbols: Sequence[str] | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    rows: int | None = None,
) -> Market:
    """The bars of `symbols` that opened at or after `start` and were available by `end`.

    Of these the first `rows` instants; times are aware. Symbols without a bar are left out.

    Raises:
        MarketFileError: where nothing is left, or a symbol is not there at all.
    """
    kept = np.ones(len(market), dtype=np.bool_)
    if symbols is not None:
        kept &= np.isin(market.symbol_index, _numbers(market, symbols))
    if start is not None:
        kept &= market.opened_at >= _naive(start)
    if end is not None:
        kept &= market.available_at <= _naive(end)
    if rows is not None:
        instants = np.unique(market.available_at[kept])
        kept &= market.available_at < (instants[rows] if rows < len(instants) else _NEVER)
    if kept.all():
        return market
    if not kept.any():
        raise MarketFileError(
            f"{market.source}: nothing is left of its {len(market)} bars after the cut"
        )
    return _only_used_symbols(market.take(np.flatnonzero(kept)))


def some(names: Sequence[str], shown: int = 8) -> str:
    """A list of names for an error, cut where it is long."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def _only_used_symbols(market: Market) -> Market:
    used, index = np.unique(market.symbol_index, return_inverse=True)
    columns: dict[str, Any] = {name: getattr(market, name) for name in COLUMNS}
    columns["symbol_index"] = index.astype(np.int32)
    return Market(
        symbols=tuple(market.symbols[number] for number in used),
        timeframe=market.timeframe,
        calendar=market.calendar,
        feed=market.feed,
        source=market.source,
        **columns,
    )


def _numbers(market: Market, symbols: Sequence[str]) -> list[int]:
    crypto = calendar(market.calendar).never_closes
    wanted = {_canonical(symbol, crypto=crypto) for symbol in symbols}
    missing = wanted - set(market.symbols)
    if missing:
        raise MarketFileError(
            f"{market.source} has no bars of {some(sorted(missing))}; it has {some(market.symbols)}"
        )
    return [number for number, symbol in enumerate(market.symbols) if symbol in wanted]


def _canonical(symbol: str, *, crypto: bool) -> str:
    try:
        return parse_symbol(symbol, crypto=crypto)
    except ValueError as error:
        raise MarketFileError(str(error)) from None


def _naive(at: datetime) -> np.datetime64:
    if at.utcoffset() is None:
        raise MarketFileError(f"{at} has no time zone; write it as {at}+00:00")
    return np.datetime64(at.astimezone(UTC).replace(tzinfo=None), "us")
