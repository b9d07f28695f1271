"""Markets made of chance, for the demo and the tests: the same seed gives the same market."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab_common.calendars import BarSpan, Calendar, CalendarName, bar_span, calendar
from trimtab_common.symbols import Symbol
from trimtab_common.timeframes import Timeframe
from trimtab_trading.market import SIMULATED, Market
from trimtab_trading.random_walk import Columns, Rhythm, walk

FEED = "simulated"
CHEAP = 100.0
NEW_YORK_OPENS = timedelta(hours=9, minutes=30)
_YEAR = {CalendarName.XNYS: timedelta(hours=6.5 * 252), CalendarName.ALWAYS: timedelta(days=365)}
_VOLATILITIES = {CalendarName.XNYS: (0.15, 0.45), CalendarName.ALWAYS: (0.40, 0.80)}
_PRICES = {CalendarName.XNYS: (20.0, 400.0), CalendarName.ALWAYS: (1.0, 4000.0)}
_VOLUME_A_DAY = {CalendarName.XNYS: 2_000_000, CalendarName.ALWAYS: 50_000}


def generated(
    *,
    seed: int,
    symbols: Sequence[Symbol],
    calendar_name: str,
    timeframe: Timeframe,
    start: date,
    sessions: int,
    missing: float = 0.0,
    feed: str = FEED,
) -> Market:
    """Make a market of the first `sessions` sessions from `start` on.

    `missing` is the probability that a bar was not printed. The source is labelled SIMULATED.
    """
    market_calendar = calendar(calendar_name)
    days = _sessions(market_calendar, start, sessions)
    spans = [session_spans(market_calendar, timeframe, day) for day in days]
    names = tuple(sorted(set(symbols)))
    generator = np.random.Generator(np.random.PCG64(seed))
    columns = _columns(generator, market_calendar, timeframe, spans, len(names))
    printed = generator.random(columns.open.shape) >= missing
    flat = [span for session in spans for span in session]
    row, symbol = np.nonzero(printed)
    return Market(
        symbols=names,
        timeframe=timeframe,
        calendar=market_calendar.name.value,
        feed=feed,
        source=_source(seed, names, market_calendar, timeframe, days, missing),
        symbol_index=symbol,
        opened_at=_times([span.opened_at for span in flat])[row],
        available_at=_times([span.available_at for span in flat])[row],
        open=columns.open[printed],
        high=columns.high[printed],
        low=columns.low[printed],
        close=columns.close[printed],
        volume=columns.volume[printed],
    )


def session_spans(market_calendar: Calendar, timeframe: Timeframe, session: date) -> list[BarSpan]:
    """The bars of one session: intraday ones counted from midnight, as Alpaca counts them."""
    hours = market_calendar.hours_of(session)
    if hours is None:
        raise ValueError(f"{session} is not a session of {market_calendar.name.value}")
    if timeframe.is_daily:
        return [BarSpan(*hours)]
    stamp = midnight_of(market_calendar, session)
    stamp += (hours.opened_at - stamp) // timeframe.duration * timeframe.duration
    spans = []
    while stamp < hours.closed_at:
        span = bar_span(market_calendar, timeframe, stamp)
        spans.extend([span] if span else [])
        stamp += timeframe.duration
    return spans


def midnight_of(market_calendar: Calendar, session: date) -> datetime:
    """When the day of a session begins where the market is: in New York, or in UTC."""
    opened_at = market_calendar.open_of(session)
    return opened_at if market_calendar.never_closes else opened_at - NEW_YORK_OPENS


def _sessions(market_calendar: Calendar, start: date, count: int) -> list[date]:
    days = [start if market_calendar.is_session(start) else market_calendar.next_session(start)]
    while len(days) < count:
        days.append(market_calendar.next_session(days[-1]))
    return days


def _columns(
    generator: np.random.Generator,
    market_calendar: Calendar,
    timeframe: Timeframe,
    spans: list[list[BarSpan]],
    count: int,
) -> Columns:
    name = market_calendar.name
    low, high = np.log(_PRICES[name])
    prices = np.exp(generator.uniform(low, high, count))
    a_day = market_calendar.close_of(spans[0][0].opened_at.date()) - spans[0][0].opened_at
    share = min(1.0, timeframe.duration / a_day)
    return walk(
        generator,
        _rhythm(spans, _YEAR[name]),
        start_prices=prices,
        annual_volatility=generator.uniform(*_VOLATILITIES[name], count),
        decimals=np.where((prices < CHEAP) & market_calendar.never_closes, 4, 2),
        typical_volume=_VOLUME_A_DAY[name] * share,
    )


def _rhythm(spans: list[list[BarSpan]], year: timedelta) -> Rhythm:
    flat = [span for session in spans for span in session]
    length = spans[0][-1].available_at - spans[0][0].opened_at
    return Rhythm(
        years=np.array([(span.available_at - span.opened_at) / year for span in flat]),
        progress=np.concatenate([(np.arange(len(s)) + 0.5) / len(s) for s in spans]),
        opens_session=np.concatenate([np.arange(len(s)) == 0 for s in spans]),
        session_years=length / year,
    )


def _times(instants: list[datetime]) -> NDArray[np.datetime64]:
    return np.array([at.replace(tzinfo=None) for at in instants], dtype="datetime64[us]")


def _source(
    seed: int,
    symbols: Sequence[Symbol],
    market_calendar: Calendar,
    timeframe: Timeframe,
    days: list[date],
    missing: float,
) -> str:
    parts: list[Any] = [seed, market_calendar.name.value, timeframe.value, days[0], len(days)]
    tail = f" missing {missing}" if missing else ""
    return f"{SIMULATED} {' '.join(str(p) for p in parts)} {','.join(symbols)}{tail}"
