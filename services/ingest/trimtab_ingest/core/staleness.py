"""When a feed is silent although its market is open."""

from __future__ import annotations

from datetime import datetime, timedelta

from trimtab_common.events import FeedStale, instant
from trimtab_ingest.core.plan import Line


class Staleness:
    """Watches one streamed line; every outage is told once."""

    def __init__(self, line: Line, *, after: timedelta, since: datetime) -> None:
        self._line = line
        self._after = after
        self._since = since
        self._told: datetime | None = None

    def check(self, newest: datetime | None, now: datetime) -> FeedStale | None:
        """The outage that has just become one. `newest` is when the last bar became available."""
        reference = self._reference(newest, now)
        if reference is None or now - reference <= self._after:
            return None
        if self._told == reference:
            return None
        self._told = reference
        return stale_event(self._line, newest, reference + self._after, self._after)

    def complaint(self, newest: datetime | None, now: datetime) -> str | None:
        """The outage as a sentence for the health board, while it lasts."""
        reference = self._reference(newest, now)
        if reference is None or now - reference <= self._after:
            return None
        return f"no bar from {self._line.feed} for {(now - reference).total_seconds():.0f} s"

    def _reference(self, newest: datetime | None, now: datetime) -> datetime | None:
        """Since when bars are due and do not come; None while the market is closed."""
        session = self._line.calendar.session_of(now)
        if session is None:
            return None
        opened_at = self._line.calendar.open_of(session)
        return max(opened_at, self._since, newest or self._since)


def stale_event(line: Line, newest: datetime | None, at: datetime, age: timedelta) -> FeedStale:
    """The feed was silent for `age` at market time `at`."""
    return FeedStale(
        id=f"stale:{line.feed}:{line.timeframe.value}:{instant(at)}",
        at=at,
        feed=line.feed,
        symbols=line.symbols,
        last_bar_at=newest,
        age_seconds=age.total_seconds(),
    )
