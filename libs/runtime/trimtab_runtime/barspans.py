"""What bar stamps stand for, for whole columns at once; `bar_span` says the same for one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trimtab_common.calendars import Calendar
from trimtab_common.timeframes import Timeframe

Times = NDArray[np.datetime64]
Booleans = NDArray[np.bool_]

_REGULAR_OPEN = np.timedelta64(timedelta(hours=9, minutes=30))
_NOTHING = np.timedelta64(0, "us")
_DAY = np.timedelta64(1, "D").astype("timedelta64[us]")


class Spans(NamedTuple):
    """One entry for each stamp; times mean something only where the bar is `regular`."""

    opened_at: Times
    available_at: Times
    in_session: Booleans
    """Some of the bar's time lies in a session."""
    on_grid: Booleans
    """A bar of this timeframe may begin there; told only of days with a session."""

    @property
    def regular(self) -> Booleans:
        """Where `bar_span` gives a span."""
        return self.in_session & self.on_grid


def bar_spans(calendar: Calendar, timeframe: Timeframe, stamps: Times) -> Spans:
    """The spans of bars stamped at their open; `stamps` are datetime64[us] in UTC."""
    days = stamps.astype("datetime64[D]")
    if calendar.never_closes:
        opens = days.astype("datetime64[us]")
        closes, midnights = opens + _DAY, opens
        in_session = np.ones(len(stamps), dtype=np.bool_)
    else:
        opens, closes, in_session = _hours(calendar, days)
        midnights = opens - _REGULAR_OPEN
    if timeframe.is_daily:
        on_grid = (stamps == days) | (stamps == midnights)
        return Spans(opens, closes, in_session, on_grid)
    duration = np.timedelta64(timeframe.duration)
    on_grid = (stamps - days.astype("datetime64[us]")) % duration == _NOTHING
    if not calendar.never_closes:
        on_grid |= (stamps - midnights) % duration == _NOTHING
        on_grid |= (stamps - opens) % duration == _NOTHING
    ends = stamps + duration
    in_session &= (ends > opens) & (stamps < closes)
    return Spans(np.maximum(stamps, opens), np.minimum(ends, closes), in_session, on_grid)


def _hours(calendar: Calendar, days: NDArray[np.datetime64]) -> tuple[Times, Times, Booleans]:
    """Each day's session; the days of a column are few, its stamps many."""
    distinct, places = np.unique(days, return_inverse=True)
    table = np.zeros((2, len(distinct)), dtype="datetime64[us]")
    known = np.zeros(len(distinct), dtype=np.bool_)
    for place, day in enumerate(distinct.tolist()):
        hours = _hours_of(calendar, day)
        if hours is not None:
            table[:, place], known[place] = hours, True
    return table[0][places], table[1][places], known[places]


def _hours_of(calendar: Calendar, day: date) -> list[np.datetime64] | None:
    try:
        hours = calendar.hours_of(day)
    except ValueError:  # before or after what the calendar covers
        return None
    return [np.datetime64(at.replace(tzinfo=None), "us") for at in hours] if hours else None
