"""The market clock and calendar as Alpaca shows them: always New York's, as there."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from functools import cache
from typing import Any

from trimtab_common.calendars import CalendarName, calendar
from trimtab_common.xnys_table import FIRST_DATE, LAST_DATE
from trimtab_simulator.core.queries import Query
from trimtab_simulator.core.refusals import Refusal
from trimtab_trading.generated import midnight_of

SESSION_OPEN = "0400"
SESSION_CLOSE = "2000"
SESSION_CLOSE_EARLY = "1700"
REGULAR_CLOSE = "16:00"
SETTLEMENT_DAYS = ((date(2024, 5, 28), 1), (date(2017, 9, 5), 2), (FIRST_DATE, 3))
"""From which date on a trade settles how many sessions later."""
SETTLEMENT_MARGIN = timedelta(days=14)


def clock_json(at: datetime) -> dict[str, Any]:
    """The answer to `GET /v2/clock` at a moment of market time."""
    new_york = calendar(CalendarName.XNYS)
    times = {
        "timestamp": at,
        "next_open": new_york.next_open(at),
        "next_close": new_york.next_close(at),
    }
    return {
        "is_open": new_york.is_open(at),
        **{name: in_new_york(moment).isoformat() for name, moment in times.items()},
    }


def in_new_york(at: datetime) -> datetime:
    """The same moment with the offset that New York has in the session at or after it."""
    new_york = calendar(CalendarName.XNYS)
    session = new_york.next_session(at.date() - timedelta(days=1))
    midnight = midnight_of(new_york, session)
    return at.astimezone(timezone(timedelta(hours=-midnight.hour)))


def calendar_json(query: Query) -> list[dict[str, str]] | Refusal:
    """The answer to `GET /v2/calendar`: every session from `start` to `end`."""
    last_day = LAST_DATE - SETTLEMENT_MARGIN
    start, end = query.day("start") or FIRST_DATE, query.day("end") or last_day
    if query.refusal is not None:
        return query.refusal
    sessions = calendar(CalendarName.XNYS).sessions(max(start, FIRST_DATE), min(end, last_day))
    return [_day(session) for session in sessions]


@cache
def _day(session: date) -> dict[str, str]:
    new_york = calendar(CalendarName.XNYS)
    midnight = midnight_of(new_york, session)
    opens, closes = (
        at.astimezone(timezone(timedelta(hours=-midnight.hour))).strftime("%H:%M")
        for at in (new_york.open_of(session), new_york.close_of(session))
    )
    settled = session
    for _ in range(next(days for since, days in SETTLEMENT_DAYS if session >= since)):
        settled = new_york.next_session(settled)
    return {
        "date": session.isoformat(),
        "open": opens,
        "close": closes,
        "session_open": SESSION_OPEN,
        "session_close": SESSION_CLOSE if closes == REGULAR_CLOSE else SESSION_CLOSE_EARLY,
        "settlement_date": settled.isoformat(),
    }
