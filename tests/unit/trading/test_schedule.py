"""A schedule names rows against the calendar: summer, winter, half days and markets without end."""

from datetime import UTC, datetime, timedelta

import pytest

from trimtab_common.calendars import calendar
from trimtab_trading.schedule import parse_schedule

NEW_YORK, ALWAYS = calendar("XNYS"), calendar("24/7")


def due(text, first, rows, *, market=NEW_YORK, every=timedelta(minutes=1)):
    """The rows at which a schedule is due, of `rows` rows from `first` on."""
    schedule, last, found = parse_schedule(text), None, []
    for number in range(rows):
        at = first + number * every
        if schedule.is_due(market, at, last):
            last = at
            found.append(f"{at:%H:%M}")
    return found


def morning(month, day, *, summer=False):
    return datetime(2024, month, day, 13 if summer else 14, 31, tzinfo=UTC)


def test_every_row_is_every_row():
    assert len(due("every row", morning(3, 5), 390)) == 390


def test_after_the_open_is_the_first_row_at_or_after_it():
    assert due("open+30m", morning(3, 5), 390) == ["15:00"]
    assert due("open+30m", morning(3, 5), 7, every=timedelta(hours=1)) == ["15:31"]
    assert due("open+0m", morning(3, 5), 390) == ["14:31"]


def test_a_row_that_is_missing_at_the_moment_is_made_good_by_the_next():
    schedule = parse_schedule("open+30m")
    moment = datetime(2024, 3, 5, 15, 0, tzinfo=UTC)
    assert schedule.is_due(NEW_YORK, moment + timedelta(minutes=7), None)


def test_before_the_close_knows_half_days():
    assert due("close-5m", morning(3, 5), 390) == ["20:55"]
    assert due("close-5m", morning(7, 3, summer=True), 390) == ["16:55"]  # closes at 13:00
    assert due("close-5m", morning(7, 5, summer=True), 390) == ["19:55"]


def test_each_session_has_its_own_moment():
    schedule = parse_schedule("close-5m")
    yesterday = datetime(2024, 3, 4, 20, 55, tzinfo=UTC)
    assert not schedule.is_due(NEW_YORK, datetime(2024, 3, 5, 20, 54, tzinfo=UTC), yesterday)
    assert schedule.is_due(NEW_YORK, datetime(2024, 3, 5, 20, 55, tzinfo=UTC), yesterday)


def test_a_daily_row_is_due_at_its_close():
    close = datetime(2024, 3, 5, 21, 0, tzinfo=UTC)
    for text in ("open+5m", "close-5m"):
        assert parse_schedule(text).is_due(NEW_YORK, close, close - timedelta(days=1))


def test_a_clock_span_is_new_yorks_in_winter_and_summer():
    winter = due("09:31-11:30", morning(3, 5), 390)
    assert (winter[0], winter[-1], len(winter)) == ("14:31", "16:30", 120)
    summer = due("09:31-11:30", morning(7, 5, summer=True), 390)
    assert (summer[0], summer[-1], len(summer)) == ("13:31", "15:30", 120)


def test_where_markets_never_close_the_clock_is_utc_and_a_day_ends_at_midnight():
    first = datetime(2024, 3, 5, 0, 1, tzinfo=UTC)
    assert due("open+30m", first, 1440, market=ALWAYS) == ["00:30"]
    assert due("close-5m", first, 1440, market=ALWAYS) == ["23:55"]
    assert due("09:31-09:32", first, 1440, market=ALWAYS) == ["09:31", "09:32"]


def test_outside_sessions_nothing_but_every_row_is_due():
    night = datetime(2024, 3, 5, 3, 0, tzinfo=UTC)
    assert not parse_schedule("open+30m").is_due(NEW_YORK, night, None)
    assert not parse_schedule("00:00-23:59").is_due(NEW_YORK, night, None)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("noon", "'noon' is no schedule; expected 'every row', 'open"),
        ("open+30", "no schedule"),
        ("09:31-25:00", "no schedule"),
        ("11:30-09:31", "ends before it begins"),
        ("open-5m", "before a session's open, where no rows are"),
        ("close+5m", "after a session's close"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_with_the_reason(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        parse_schedule(text)
