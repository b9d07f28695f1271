"""Silence of a feed, daily bars that are final, and long histories in stretches."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.unit.ingest.lines import MINUTE, OPEN, line, minute
from trimtab_common.timeframes import Timeframe
from trimtab_ingest.core.daily import sessions_due, stamps_of
from trimtab_ingest.core.plan import Origin
from trimtab_ingest.core.staleness import Staleness
from trimtab_ingest.core.stretches import stretches

PATIENCE = timedelta(minutes=3)
DELAY = timedelta(seconds=15)
DAYS = line(Timeframe.ONE_DAY, ("AAPL",), Origin.FETCHED)


def watch() -> Staleness:
    return Staleness(line(), after=PATIENCE, since=OPEN - timedelta(days=1))


def test_silence_is_told_once_an_outage() -> None:
    staleness = watch()
    told = [staleness.check(minute(10), minute(row)) is not None for row in range(10, 20)]
    assert told == [False] * 4 + [True] + [False] * 5
    assert staleness.check(minute(20), minute(24)) is not None, "the next outage is another one"


def test_an_outage_names_the_last_bar_and_the_moment_that_patience_ended() -> None:
    event = watch().check(minute(10), minute(30))
    assert event is not None
    assert (event.last_bar_at, event.at) == (minute(10), minute(13))
    assert event.age_seconds == PATIENCE.total_seconds()
    assert event.symbols == ("AAPL", "MSFT")


@pytest.mark.parametrize("now", [OPEN - MINUTE, OPEN + PATIENCE, minute(400), minute(60 * 24 * 4)])
def test_nobody_waits_for_bars_while_the_market_is_closed_or_has_just_opened(now: datetime) -> None:
    staleness = watch()
    assert staleness.check(OPEN - timedelta(hours=18), now) is None
    assert staleness.complaint(None, now) is None


def test_the_health_board_is_told_as_long_as_it_lasts() -> None:
    staleness = watch()
    assert staleness.complaint(minute(10), minute(13)) is None
    assert staleness.complaint(minute(10), minute(20)) == "no bar from simulated for 600 s"


def test_a_feed_that_never_brought_a_bar_is_stale_too() -> None:
    event = watch().check(None, minute(10))
    assert event is not None
    assert event.last_bar_at is None


def test_a_daily_bar_is_final_a_while_after_the_close() -> None:
    close = minute(390)
    due = [sessions_due(DAYS, minute(100), close + wait, DELAY) for wait in (DELAY - MINUTE, DELAY)]
    assert due == [(), (date(2024, 1, 2),)]
    assert sessions_due(DAYS, close, close + DELAY, DELAY) == ()


def test_sessions_that_were_missed_are_due_together() -> None:
    now = datetime(2024, 1, 8, 15, tzinfo=UTC)
    due = sessions_due(DAYS, minute(390), now, DELAY)
    assert due == (date(2024, 1, 3), date(2024, 1, 4), date(2024, 1, 5))
    first, last = stamps_of(due)
    assert first <= datetime(2024, 1, 3, tzinfo=UTC)
    assert datetime(2024, 1, 5, 5, tzinfo=UTC) <= last < datetime(2024, 1, 6, tzinfo=UTC)


def test_around_the_clock_a_day_is_final_after_midnight() -> None:
    days = line(Timeframe.ONE_DAY, ("BTC/USD",), Origin.FETCHED, name="24/7")
    midnight = datetime(2024, 1, 3, tzinfo=UTC)
    assert sessions_due(days, midnight - MINUTE, midnight, DELAY) == ()
    assert sessions_due(days, midnight - MINUTE, midnight + DELAY, DELAY) == (date(2024, 1, 2),)


@pytest.mark.parametrize("bars_max", [1, 7, 100, 10**6])
def test_stretches_cover_every_stamp_once(bars_max: int) -> None:
    parts = list(stretches(line(), minute(3), minute(40), bars_max))
    covered = [sum(first <= minute(row) <= last for first, last in parts) for row in range(50)]
    assert covered == [int(3 <= row <= 40) for row in range(50)]
    longest = max((last - first) // MINUTE + 1 for first, last in parts)
    assert longest * len(line().symbols) <= max(bars_max, len(line().symbols)) or len(parts) == 1


def test_there_is_nothing_to_fetch_before_the_first_row() -> None:
    assert list(stretches(line(), minute(3), minute(2))) == []
