"""Calendars: sessions, hours and neighbours of New York and of a market that never closes."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from trimtab_common.calendars import CalendarName, calendar

NEW_YORK = ZoneInfo("America/New_York")
XNYS = calendar("XNYS")
ALWAYS = calendar("24/7")
BOTH = pytest.mark.parametrize("market", [XNYS, ALWAYS], ids=str)

MONDAY = date(2026, 1, 5)
HALF_DAY = date(2026, 11, 27)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def new_york(text):
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


def test_a_calendar_is_found_by_its_name_and_is_always_the_same():
    for name in CalendarName:
        assert calendar(name) is calendar(name.value)
        assert calendar(name).name is name
    assert [calendar(name).never_closes for name in CalendarName] == [False, True]


@pytest.mark.parametrize("name", ["", "NYSE", "xnys", "24x7", "XNYS\n", "X" * 5_000])
def test_an_unknown_calendar_is_refused_with_the_choices(name):
    with pytest.raises(ValueError, match="expected XNYS or 24/7") as refusal:
        calendar(name)
    assert len(str(refusal.value)) < 100


@pytest.mark.parametrize(
    ("session", "opened_at", "closed_at"),
    [
        ("2026-01-05", "14:30", "21:00"),  # winter
        ("2026-07-06", "13:30", "20:00"),  # summer
        ("2026-03-06", "14:30", "21:00"),  # the Friday before summer time
        ("2026-03-09", "13:30", "20:00"),  # the Monday after
        ("2026-10-30", "13:30", "20:00"),  # the Friday before winter time
        ("2026-11-02", "14:30", "21:00"),  # the Monday after
        ("2006-04-03", "13:30", "20:00"),  # summer time began in April until 2006
        ("2006-03-31", "14:30", "21:00"),
        ("2006-10-30", "14:30", "21:00"),  # and ended in October
        ("2026-11-27", "14:30", "18:00"),  # the day after Thanksgiving closes at 13:00
        ("2024-07-03", "13:30", "17:00"),  # the eve of Independence Day too
        ("1992-11-27", "14:30", "19:00"),  # half days ended at 14:00 before 1993
    ],
)
def test_new_york_keeps_its_hours_in_summer_in_winter_and_on_half_days(
    session, opened_at, closed_at
):
    day = date.fromisoformat(session)
    assert XNYS.open_of(day) == utc(f"{session}T{opened_at}")
    assert XNYS.close_of(day) == utc(f"{session}T{closed_at}")
    assert XNYS.hours_of(day) == (XNYS.open_of(day), XNYS.close_of(day))
    assert XNYS.open_of(day).tzinfo is UTC


@pytest.mark.parametrize(
    "day",
    [
        "2026-01-03",  # a Saturday
        "2026-01-04",  # a Sunday
        "2026-01-01",
        "2026-04-03",  # Good Friday
        "2026-07-03",  # Independence Day, observed
        "2022-06-20",  # Juneteenth, observed
        "2001-09-11",
        "2001-09-14",
        "2012-10-29",  # a hurricane
        "2018-12-05",  # a day of mourning
        "2025-01-09",
    ],
)
def test_new_york_is_closed_on_weekends_holidays_and_days_of_grief(day):
    closed = date.fromisoformat(day)
    assert not XNYS.is_session(closed)
    assert XNYS.hours_of(closed) is None
    assert ALWAYS.is_session(closed)
    assert XNYS.session_of(utc(f"{day}T15:00")) is None
    for ask in (XNYS.open_of, XNYS.close_of):
        with pytest.raises(ValueError, match=rf"{day} is not a session of XNYS"):
            ask(closed)


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-01-05T14:29:59.999999", False),
        ("2026-01-05T14:30", True),
        ("2026-01-05T20:59:59.999999", True),
        ("2026-01-05T21:00", False),
        ("2026-01-05T00:00", False),
        ("2026-11-27T17:59", True),
        ("2026-11-27T18:00", False),
    ],
)
def test_a_session_contains_its_open_and_not_its_close(at, is_open):
    assert XNYS.is_open(utc(at)) is is_open
    assert XNYS.session_of(utc(at)) == (utc(at).date() if is_open else None)


def test_the_market_that_never_closes_has_the_days_of_utc_as_sessions():
    midnight = utc("2026-01-05T00:00")
    assert ALWAYS.session_of(midnight) == MONDAY
    assert ALWAYS.session_of(midnight - timedelta(microseconds=1)) == date(2026, 1, 4)
    assert ALWAYS.close_of(MONDAY) == ALWAYS.open_of(date(2026, 1, 6)) == utc("2026-01-06T00:00")
    assert ALWAYS.next_open(midnight) == ALWAYS.next_close(midnight) == utc("2026-01-06T00:00")
    assert ALWAYS.is_open(midnight)


def test_neighbours_skip_the_days_between_sessions():
    assert XNYS.next_session(date(2001, 9, 10)) == date(2001, 9, 17)
    assert XNYS.previous_session(date(2001, 9, 17)) == date(2001, 9, 10)
    assert XNYS.next_session(date(2026, 1, 3)) == MONDAY
    assert XNYS.previous_session(date(2026, 1, 4)) == date(2026, 1, 2)
    assert ALWAYS.next_session(date(2026, 2, 28)) == date(2026, 3, 1)
    assert ALWAYS.previous_session(date(2026, 3, 1)) == date(2026, 2, 28)


def test_sessions_include_both_ends():
    week = XNYS.sessions(date(2026, 1, 1), date(2026, 1, 6))
    assert week == (date(2026, 1, 2), MONDAY, date(2026, 1, 6))
    assert XNYS.sessions(MONDAY, MONDAY) == (MONDAY,)
    assert XNYS.sessions(MONDAY, date(2026, 1, 2)) == ()


@pytest.mark.parametrize(
    ("at", "next_open", "next_close"),
    [
        ("2026-01-05T14:29", "2026-01-05T14:30", "2026-01-05T21:00"),
        ("2026-01-05T14:30", "2026-01-06T14:30", "2026-01-05T21:00"),
        ("2026-01-05T21:00", "2026-01-06T14:30", "2026-01-06T21:00"),
        ("2026-01-02T21:00", "2026-01-05T14:30", "2026-01-05T21:00"),
        ("2026-01-03T12:00", "2026-01-05T14:30", "2026-01-05T21:00"),
        ("2026-11-26T12:00", "2026-11-27T14:30", "2026-11-27T18:00"),
        ("2026-03-06T21:00", "2026-03-09T13:30", "2026-03-09T20:00"),
    ],
)
def test_the_next_open_and_close_lie_strictly_ahead(at, next_open, next_close):
    assert XNYS.next_open(utc(at)) == utc(next_open)
    assert XNYS.next_close(utc(at)) == utc(next_close)


@BOTH
@pytest.mark.parametrize("ask", ["session_of", "is_open", "next_open", "next_close"])
def test_a_time_without_a_zone_is_refused(market, ask):
    with pytest.raises(ValueError, match="no time zone"):
        getattr(market, ask)(datetime(2026, 1, 5, 15))  # noqa: DTZ001


@BOTH
def test_the_zone_an_instant_is_written_in_changes_nothing(market):
    at = utc("2026-01-05T14:30")
    for zone in (NEW_YORK, ZoneInfo("Asia/Tokyo"), timezone(timedelta(hours=-11)), UTC):
        assert market.session_of(at.astimezone(zone)) == MONDAY
        assert market.next_open(at.astimezone(zone)) == market.next_open(at)
        assert market.next_open(at.astimezone(zone)).tzinfo is UTC


def test_the_hour_that_comes_twice_in_autumn_is_two_hours():
    first = datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK)
    second = first.replace(fold=1)
    assert ALWAYS.session_of(first) == ALWAYS.session_of(second) == date(2026, 11, 1)
    last_minute = datetime(2026, 10, 31, 19, 59, tzinfo=NEW_YORK)
    assert ALWAYS.session_of(last_minute) == date(2026, 10, 31)
    assert XNYS.next_open(first) == XNYS.next_open(second) == utc("2026-11-02T14:30")


@BOTH
@pytest.mark.parametrize(
    "at",
    [
        datetime.fromtimestamp(0, UTC),
        datetime.fromtimestamp(1_767_623_400 / 1_000, UTC),  # seconds taken for milliseconds
        datetime(1989, 12, 31, 23, 59, tzinfo=UTC),
        datetime(2031, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, tzinfo=UTC),
    ],
    ids=str,
)
def test_an_instant_no_table_covers_is_refused_with_the_range(market, at):
    for ask in (market.session_of, market.is_open, market.next_open, market.next_close):
        with pytest.raises(ValueError, match=r"covers 1990-01-01\.\.2030-12-31"):
            ask(at)


@BOTH
def test_a_date_no_table_covers_is_refused_with_the_range(market):
    for ask in (market.is_session, market.open_of, market.hours_of):
        with pytest.raises(ValueError, match=r"covers 1990-01-01\.\.2030-12-31"):
            ask(date(2031, 1, 2))
    for ask, end in (
        (market.next_session, (2030, 12, 31)),
        (market.previous_session, (1990, 1, 1)),
    ):
        with pytest.raises(ValueError, match="covers"):
            ask(date(*end))
    with pytest.raises(ValueError, match="covers"):
        market.sessions(date(2030, 12, 30), date(2031, 1, 2))


@BOTH
def test_an_instant_is_not_taken_for_the_name_of_a_session(market):
    for ask in (market.is_session, market.open_of, market.close_of, market.next_session):
        with pytest.raises(ValueError, match="expected a date"):
            ask(utc("2026-01-05T00:00"))


@pytest.mark.parametrize(
    "label",
    [
        MONDAY,
        utc("2026-01-05T00:00"),
        utc("2026-01-05T05:00"),
        new_york("2026-01-05T00:00"),
    ],
    ids=str,
)
def test_a_daily_bar_of_new_york_is_named_by_its_date_or_by_midnight(label):
    assert XNYS.trading_session_for_daily(label) == MONDAY


def test_midnight_in_new_york_follows_summer_time():
    assert XNYS.trading_session_for_daily(utc("2026-07-06T04:00")) == date(2026, 7, 6)
    with pytest.raises(ValueError, match="midnight in UTC or in New York"):
        XNYS.trading_session_for_daily(utc("2026-07-06T05:00"))
    with pytest.raises(ValueError, match="midnight in UTC or in New York"):
        XNYS.trading_session_for_daily(utc("2026-01-05T04:00"))


def test_a_daily_label_on_a_closed_day_has_no_session():
    assert XNYS.trading_session_for_daily(date(2026, 1, 3)) is None
    assert XNYS.trading_session_for_daily(utc("2026-01-03T00:00")) is None
    assert XNYS.trading_session_for_daily(utc("2026-01-01T05:00")) is None
    assert ALWAYS.trading_session_for_daily(date(2026, 1, 3)) == date(2026, 1, 3)


@pytest.mark.parametrize("label", ["2026-01-05T05:00", "2026-01-05T14:30", "2026-01-05T00:00:01"])
def test_a_daily_bar_of_a_market_that_never_closes_is_stamped_at_midnight_utc(label):
    assert ALWAYS.trading_session_for_daily(utc("2026-01-05T00:00")) == MONDAY
    with pytest.raises(ValueError, match="midnight in UTC, not at"):
        ALWAYS.trading_session_for_daily(utc(label))
