"""Coarser bars made of finer ones, by the calendar: what a whole window of a market comes to."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from trimtab_common.calendars import BarSpan, Calendar, bar_span, calendar
from trimtab_common.timeframes import Timeframe
from trimtab_trading.generated import midnight_of
from trimtab_trading.market import Market, Times, aware

NATURAL = "datetime64[us]"


def aggregate(market: Market, timeframe: Timeframe) -> Market:
    """Merge a market's bars into bars of a coarser timeframe.

    Windows are counted from midnight where the market is and cut to its sessions. The last window
    of each symbol may be incomplete; like every other it is available when its window ends.

    Raises:
        ValueError: where the timeframe is finer than the market's own.
    """
    if timeframe is market.timeframe or not len(market):
        return market
    if timeframe.duration < market.timeframe.duration:
        raise ValueError(f"{timeframe.value} bars cannot be made of {market.timeframe.value} bars")
    spans, window = _windows(market, timeframe)
    order = np.lexsort((market.opened_at, market.symbol_index, window))
    keys = np.stack((window[order], market.symbol_index[order]))
    starts = np.flatnonzero(np.r_[True, (keys[:, 1:] != keys[:, :-1]).any(axis=0)])
    ends = np.r_[starts[1:], len(order)] - 1
    which = window[order][starts]
    return Market(
        symbols=market.symbols,
        timeframe=timeframe,
        calendar=market.calendar,
        feed=market.feed,
        source=market.source,
        symbol_index=market.symbol_index[order][starts],
        opened_at=_column([span.opened_at for span in spans])[which],
        available_at=_column([span.available_at for span in spans])[which],
        open=market.open[order][starts],
        high=np.maximum.reduceat(market.high[order], starts),
        low=np.minimum.reduceat(market.low[order], starts),
        close=market.close[order][ends],
        volume=np.add.reduceat(market.volume[order], starts),
    )


def stamps(market: Market) -> Times:
    """The stamp that a vendor would print on each bar: where its uncut window begins.

    Daily bars are stamped at midnight where the market is. `bar_span` turns a stamp back into
    what the bar covers.
    """
    its_calendar = calendar(market.calendar)
    if market.timeframe.is_daily:
        days, day_of = np.unique(market.opened_at.astype("datetime64[D]"), return_inverse=True)
        return _column([midnight_of(its_calendar, day) for day in days.tolist()])[day_of]
    found = market.opened_at.copy()
    length = np.timedelta64(market.timeframe.duration)
    lasts = market.available_at - market.opened_at
    for place in np.flatnonzero(lasts < length).tolist():
        span = BarSpan(_instant(market.opened_at, place), _instant(market.available_at, place))
        if bar_span(its_calendar, market.timeframe, span.opened_at) != span:
            found[place] -= length - lasts[place]
    return found


def _windows(market: Market, timeframe: Timeframe) -> tuple[list[BarSpan], NDArray[np.int64]]:
    """Every window that holds a bar, in order, and the number of each bar's window."""
    its_calendar = calendar(market.calendar)
    days, day_of = np.unique(market.opened_at.astype("datetime64[D]"), return_inverse=True)
    midnights = _column([midnight_of(its_calendar, day) for day in days.tolist()])[day_of]
    length = np.timedelta64(timeframe.duration)
    begun = midnights + (market.opened_at - midnights) // length * length
    begins, window = np.unique(begun, return_inverse=True)
    spans = [_span(its_calendar, timeframe, aware(stamp)) for stamp in begins.tolist()]
    return spans, window.astype(np.int64)


def _span(its_calendar: Calendar, timeframe: Timeframe, stamp: datetime) -> BarSpan:
    span = bar_span(its_calendar, timeframe, stamp)
    if span is None:
        raise ValueError(f"a bar at {stamp} lies outside the sessions of {its_calendar.name}")
    return span


def _instant(times: Times, place: int) -> datetime:
    at: datetime = times[place].item()
    return aware(at)


def _column(instants: list[datetime]) -> Times:
    return np.array([at.replace(tzinfo=None) for at in instants], dtype=NATURAL)
