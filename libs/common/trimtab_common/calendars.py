"""When markets are open, and which span of time a bar stamp stands for.

Everything is a pure function of dates and aware datetimes; answers are in UTC. Questions about
days before 1990 or after 2030 are refused, because no table answers them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from typing import Final, NamedTuple

from trimtab_common import xnys_table
from trimtab_common.timeframes import Timeframe
from trimtab_common.xnys_table import FIRST_DATE, LAST_DATE

_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5
_REGULAR_OPEN: Final = timedelta(hours=9, minutes=30)
_REGULAR_CLOSE: Final = timedelta(hours=16)
_WINTER: Final = timedelta(hours=5)
_SUMMER: Final = timedelta(hours=4)


class CalendarName(StrEnum):
    """The calendars there are, as the owner writes them in a configuration file."""

    XNYS = "XNYS"
    ALWAYS = "24/7"


class SessionHours(NamedTuple):
    """A session is open from `opened_at` on and closed from `closed_at` on."""

    opened_at: datetime
    closed_at: datetime


class BarSpan(NamedTuple):
    """A bar shows nothing before `opened_at`, and may be known from `available_at` on."""

    opened_at: datetime
    available_at: datetime


class Calendar:
    """The sessions of one market; a session is named by its date and lies within one UTC day.

    Methods that take `at` need an aware datetime. All raise ValueError outside 1990 to 2030.
    Get one from `calendar`; there is one object for each name.
    """

    __slots__ = ("_hours", "name", "never_closes")

    def __init__(
        self,
        name: CalendarName,
        hours: Callable[[date], SessionHours | None],
        *,
        never_closes: bool,
    ) -> None:
        self.name: Final = name
        self.never_closes: Final = never_closes
        self._hours = hours

    def __repr__(self) -> str:
        return f"calendar({self.name.value!r})"

    def hours_of(self, session: date) -> SessionHours | None:
        """Return the opening hours of a date, None if the market stays closed."""
        return self._hours(session)

    def is_session(self, day: date) -> bool:
        """Tell whether the market opens at all on a date."""
        return self._hours(day) is not None

    def open_of(self, session: date) -> datetime:
        """Return the instant at which a session opens; ValueError if there is none."""
        return self._required_hours(session).opened_at

    def close_of(self, session: date) -> datetime:
        """Return the instant at which a session closes; ValueError if there is none."""
        return self._required_hours(session).closed_at

    def session_of(self, at: datetime) -> date | None:
        """Return the session whose [open, close) contains the instant, None between sessions."""
        at = _utc(at)
        day = at.date()
        hours = self._hours(day)
        return day if hours and hours.opened_at <= at < hours.closed_at else None

    def is_open(self, at: datetime) -> bool:
        """Tell whether the instant lies in a session; an open does, a close does not."""
        return self.session_of(at) is not None

    def next_session(self, day: date) -> date:
        """Return the first session after a date, which need not be a session itself."""
        day += _DAY
        while self._hours(day) is None:
            day += _DAY
        return day

    def previous_session(self, day: date) -> date:
        """Return the last session before a date, which need not be a session itself."""
        day -= _DAY
        while self._hours(day) is None:
            day -= _DAY
        return day

    def sessions(self, first: date, last: date) -> tuple[date, ...]:
        """Return the sessions from first to last, both included, in order."""
        days = (first + n * _DAY for n in range((last - first).days + 1))
        return tuple(day for day in days if self._hours(day))

    def next_open(self, at: datetime) -> datetime:
        """Return the first open strictly after the instant."""
        at = _utc(at)
        hours = self._hours(at.date())
        if hours and at < hours.opened_at:
            return hours.opened_at
        return self.open_of(self.next_session(at.date()))

    def next_close(self, at: datetime) -> datetime:
        """Return the first close strictly after the instant."""
        at = _utc(at)
        hours = self._hours(at.date())
        if hours and at < hours.closed_at:
            return hours.closed_at
        return self.close_of(self.next_session(at.date()))

    def trading_session_for_daily(self, label: date) -> date | None:
        """Return the session a daily bar is of, None if the market was closed on that date.

        The label is a date, or a stamp at midnight: in UTC or, for XNYS, in New York.
        """
        if not isinstance(label, datetime):
            return label if self._hours(label) else None
        stamp = _utc(label)
        day = stamp.date()
        if stamp.time() != time() and (self.never_closes or stamp != _midnight_in_new_york(day)):
            zones = "UTC" if self.never_closes else "UTC or in New York"
            raise ValueError(f"a daily bar is stamped at midnight in {zones}, not at {label}")
        return day if self._hours(day) else None

    def _required_hours(self, session: date) -> SessionHours:
        hours = self._hours(session)
        if hours is None:
            raise ValueError(f"{session} is not a session of {self.name.value}")
        return hours


def _utc(at: datetime) -> datetime:
    if at.tzinfo is UTC:
        return at
    if at.utcoffset() is None:
        raise ValueError(f"{at} has no time zone; expected an aware datetime such as {at}+00:00")
    return at.astimezone(UTC)


def _checked(day: date) -> date:
    if isinstance(day, datetime):
        raise ValueError(f"{day} is an instant; expected a date, the name of a session")
    if not FIRST_DATE <= day <= LAST_DATE:
        raise ValueError(f"{day} is outside the calendar, which covers {FIRST_DATE}..{LAST_DATE}")
    return day


def _midnight_utc(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


@cache
def _hours_always(day: date) -> SessionHours | None:
    opened_at = _midnight_utc(_checked(day))
    return SessionHours(opened_at, opened_at + _DAY)


@cache
def _hours_xnys(day: date) -> SessionHours | None:
    if _checked(day).weekday() >= _SATURDAY or day in _closed_weekdays():
        return None
    midnight = _midnight_in_new_york(day)
    closes = _early_closes().get(day, _REGULAR_CLOSE)
    return SessionHours(midnight + _REGULAR_OPEN, midnight + closes)


def _midnight_in_new_york(day: date) -> datetime:
    first, last = _summers()[_checked(day).year]
    return _midnight_utc(day) + (_SUMMER if first <= day <= last else _WINTER)


def _rows(text: str) -> list[tuple[str, list[str]]]:
    """Split a table into its years and their entries."""
    return [(row[:4], row[5:].split()) for row in text.split("\n") if row]


@cache
def _closed_weekdays() -> frozenset[date]:
    table = _rows(xnys_table.CLOSED_WEEKDAYS)
    return frozenset(date.fromisoformat(year + entry) for year, row in table for entry in row)


@cache
def _early_closes() -> dict[date, timedelta]:
    table = _rows(xnys_table.EARLY_CLOSES)
    entries = ((year, *entry.split("@")) for year, row in table for entry in row)
    return {
        date.fromisoformat(year + day): timedelta(hours=int(clock[:2]), minutes=int(clock[3:]))
        for year, day, clock in entries
    }


@cache
def _summers() -> dict[int, tuple[date, date]]:
    table = _rows(xnys_table.SUMMER_TIME)
    return {
        int(year): (date.fromisoformat(year + first), date.fromisoformat(year + last))
        for year, (first, last) in table
    }


_CALENDARS: Final[dict[str, Calendar]] = {
    CalendarName.XNYS: Calendar(CalendarName.XNYS, _hours_xnys, never_closes=False),
    CalendarName.ALWAYS: Calendar(CalendarName.ALWAYS, _hours_always, never_closes=True),
}


def calendar(name: str) -> Calendar:
    """Return a calendar by its name: `XNYS` for US stocks, `24/7` for crypto.

    >>> calendar("XNYS").close_of(date(2026, 11, 27)).isoformat()  # a half day
    '2026-11-27T18:00:00+00:00'
    """
    found = _CALENDARS.get(name)
    if found is None:
        raise ValueError(f"{name!r:.40} is not a calendar; expected XNYS or 24/7")
    return found


def bar_span(calendar: Calendar, timeframe: Timeframe, stamp: datetime) -> BarSpan | None:
    """Return what a bar stamped at its open covers, cut to the session; None outside sessions.

    A daily bar spans its session, whatever midnight it is stamped at. An intraday bar that begins
    before the open or ends after the close is cut there, so its trades must be regular ones.

    >>> stamp = datetime(2026, 1, 5, 20, 30, tzinfo=UTC)
    >>> span = bar_span(calendar("XNYS"), Timeframe.ONE_HOUR, stamp)
    >>> span.available_at.isoformat()  # half an hour, to the close
    '2026-01-05T21:00:00+00:00'

    Raises:
        ValueError: for a stamp that is naive, outside the calendar, or not where a bar begins.
    """
    return _bar_span(calendar, timeframe, stamp)


@lru_cache(maxsize=4096)  # the bars of a row share one stamp
def _bar_span(calendar: Calendar, timeframe: Timeframe, stamp: datetime) -> BarSpan | None:
    if timeframe.is_daily:
        session = calendar.trading_session_for_daily(stamp)
        hours = calendar.hours_of(session) if session else None
        return BarSpan(*hours) if hours else None
    opened_at = _utc(stamp)
    if not _on_grid(calendar, opened_at, timeframe.duration):
        raise ValueError(f"no {timeframe.value} bar begins at {stamp}; expected the bar's open")
    closed_at = opened_at + timeframe.duration
    hours = calendar.hours_of(opened_at.date())
    if hours is None or closed_at <= hours.opened_at or opened_at >= hours.closed_at:
        return None
    return BarSpan(max(opened_at, hours.opened_at), min(closed_at, hours.closed_at))


def _on_grid(calendar: Calendar, stamp: datetime, duration: timedelta) -> bool:
    """Bars are counted from midnight in UTC or, where sessions close, in New York or the open."""
    midnight = _midnight_utc(stamp.date())
    if not (stamp - midnight) % duration:
        return True
    if calendar.never_closes:
        return False
    since_midnight = stamp - _midnight_in_new_york(stamp.date())
    return not since_midnight % duration or not (since_midnight - _REGULAR_OPEN) % duration


def next_decision_open(calendar: Calendar, timeframe: Timeframe, at: datetime) -> datetime:
    """Return the earliest open of a bar that an order decided at `at` may be filled at.

    Intraday that is `at` itself while the market is open; a daily decision waits for the next
    session, which on a market that never closes begins at once.
    """
    at = _utc(at)
    if calendar.never_closes or (not timeframe.is_daily and calendar.is_open(at)):
        return at
    return calendar.next_open(at)
