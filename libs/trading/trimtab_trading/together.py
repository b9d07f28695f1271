"""Bars of several timeframes as one market: what a strategy on hours sees beside one on minutes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from heapq import merge
from itertools import groupby
from operator import itemgetter

from trimtab_common.events import BarClosed, Due, RowClosed, mark
from trimtab_common.timeframes import Timeframe
from trimtab_trading.aggregate import aggregate
from trimtab_trading.engine import Row
from trimtab_trading.market import Market, replay


def with_coarser(market: Market, timeframes: Iterable[Timeframe]) -> list[Market]:
    """The market and what it comes to in coarser timeframes; what is finer is left out.

    A window that ends after the last row is never over, so its bar never becomes available.
    """
    coarser = sorted(
        {each for each in timeframes if each.duration > market.timeframe.duration},
        key=lambda each: each.duration,
    )
    if not len(market):
        return [market]
    last = market.available_at[-1]
    made = (aggregate(market, timeframe) for timeframe in coarser)
    return [market, *(each.take(each.available_at <= last) for each in made)]


def replay_together(markets: Sequence[Market]) -> Iterator[Row]:
    """Every instant at which one of the markets has bars, the finest first, and its one mark."""
    ordered = sorted(markets, key=lambda each: (each.timeframe.duration, each.calendar))
    streams = [_numbered(number, market) for number, market in enumerate(ordered)]
    for at, parts in groupby(merge(*streams, key=itemgetter(0, 1)), key=itemgetter(0)):
        bars: list[BarClosed] = []
        due: list[Due] = []
        for _, _, of_market, closed in parts:
            bars += of_market
            due += closed.due
        yield bars, mark(at, "bars", "ingest", tuple(due))


def _numbered(
    number: int, market: Market
) -> Iterator[tuple[datetime, int, list[BarClosed], RowClosed]]:
    for bars, closed in replay(market):
        yield closed.at, number, bars, closed
