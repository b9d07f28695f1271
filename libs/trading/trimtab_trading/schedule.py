"""The rows at which a strategy decides, said against the calendar: half days are no exception."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from trimtab_common.calendars import Calendar, SessionHours

EXPECTED = (
    "'every row', 'open+30m', 'close-5m' (minutes after the session's open or before its close), "
    "or '09:31-11:30' (the clock of New York; of UTC where markets never close)"
)
_OFFSET = re.compile(r"(open|close)([+-])([0-9]{1,3})m")
_SPAN = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")
_NEW_YORK_OPENS = timedelta(hours=9, minutes=30)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class EveryRow:
    """Decide at every row."""

    def is_due(self, calendar: Calendar, at: datetime, last: datetime | None) -> bool:
        """Whether to decide at this row, given the last row that was due."""
        return True


@dataclass(frozen=True)
class OncePerSession:
    """Decide at the first row at or after a moment of the session."""

    from_open: bool
    offset: timedelta

    def is_due(self, calendar: Calendar, at: datetime, last: datetime | None) -> bool:
        """Whether this is the session's first row at or after the moment."""
        hours = session_hours(calendar, at)
        if hours is None:
            return False
        moment = (hours.opened_at if self.from_open else hours.closed_at) + self.offset
        return moment <= at and (last is None or last < moment)


@dataclass(frozen=True)
class ClockSpan:
    """Decide at the rows from one time of day to another, both included."""

    first: timedelta
    last: timedelta

    def is_due(self, calendar: Calendar, at: datetime, last: datetime | None) -> bool:
        """Whether the row's time of day lies in the span."""
        hours = session_hours(calendar, at)
        if hours is None:
            return False
        # Every session in New York opens at 09:30, so its clock needs no time zone.
        since = timedelta() if calendar.never_closes else _NEW_YORK_OPENS
        return self.first <= at - hours.opened_at + since <= self.last


Schedule = EveryRow | OncePerSession | ClockSpan


def parse_schedule(text: str) -> Schedule:
    """Read a schedule as the owner writes it; ValueError with what was expected.

    >>> parse_schedule("close-5m")
    OncePerSession(from_open=False, offset=datetime.timedelta(days=-1, seconds=86100))
    """
    if text == "every row":
        return EveryRow()
    if found := _OFFSET.fullmatch(text):
        return _once(text, found[1] == "open", found[2] == "+", int(found[3]))
    if found := _SPAN.fullmatch(text):
        first = timedelta(hours=int(found[1]), minutes=int(found[2]))
        last = timedelta(hours=int(found[3]), minutes=int(found[4]))
        if first > last:
            raise ValueError(f"the schedule {text!r} ends before it begins; expected {EXPECTED}")
        return ClockSpan(first, last)
    raise ValueError(f"{text!r:.60} is no schedule; expected {EXPECTED}")


def _once(text: str, from_open: bool, after: bool, minutes: int) -> OncePerSession:
    if minutes and from_open is not after:
        side = "before a session's open" if from_open else "after a session's close"
        raise ValueError(f"the schedule {text!r} lies {side}, where no rows are")
    return OncePerSession(from_open, timedelta(minutes=minutes if after else -minutes))


def session_hours(calendar: Calendar, at: datetime) -> SessionHours | None:
    """The session that a row belongs to: the one that was open just before it.

    A row is the instant at which its bars were complete, so the last one is at the close.
    """
    session = calendar.session_of(at - _INSTANT)
    return None if session is None else calendar.hours_of(session)
