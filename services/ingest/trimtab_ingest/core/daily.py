"""Which daily bars are final and not yet in a closed row."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from trimtab_ingest.core.plan import SMALLEST, Line

A_DAY = timedelta(days=1)


def sessions_due(
    line: Line, closed_until: datetime, now: datetime, delay: timedelta
) -> tuple[date, ...]:
    """The sessions that closed after the last closed row, and `delay` ago at least."""
    final = now - delay
    sessions = line.calendar.sessions(closed_until.date() - A_DAY, final.date())
    return tuple(
        session for session in sessions if closed_until < line.calendar.close_of(session) <= final
    )


def stamps_of(sessions: tuple[date, ...]) -> tuple[datetime, datetime]:
    """The span of stamps in which the daily bars of these sessions lie, whatever the zone."""
    first = datetime.combine(sessions[0], time(), UTC)
    return first, datetime.combine(sessions[-1] + A_DAY, time(), UTC) - SMALLEST
