"""Bar stamps: what span a bar covers, when it may be known, and when an order may follow it."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab_common.calendars import bar_span, calendar, next_decision_open
from trimtab_common.timeframes import Timeframe

NEW_YORK = ZoneInfo("America/New_York")
XNYS = calendar("XNYS")
ALWAYS = calendar("24/7")
INTRADAY = [timeframe for timeframe in Timeframe if not timeframe.is_daily]

days = st.dates(date(1990, 1, 2), date(2030, 12, 30))


def at(clock, day="2026-01-05"):
    """An instant named by the clock in New York; 2026-01-05 is a Monday in winter."""
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=NEW_YORK)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("timeframe", "stamp", "opened_at", "available_at"),
    [
        ("1m", "09:30", "09:30", "09:31"),
        ("1m", "15:59", "15:59", "16:00"),
        ("5m", "15:55", "15:55", "16:00"),
        ("15m", "09:30", "09:30", "09:45"),
        ("30m", "15:30", "15:30", "16:00"),
        ("1h", "09:00", "09:30", "10:00"),  # hours of the clock: the open cuts the first one
        ("1h", "15:00", "15:00", "16:00"),
        ("1h", "09:30", "09:30", "10:30"),  # hours of the session: the close cuts the last one
        ("1h", "15:30", "15:30", "16:00"),
        ("4h", "08:00", "09:30", "12:00"),
        ("4h", "12:00", "12:00", "16:00"),
        ("4h", "09:30", "09:30", "13:30"),
        ("4h", "13:30", "13:30", "16:00"),
        ("4h", "07:00", "09:30", "11:00"),  # 12:00 UTC
    ],
)
def test_an_intraday_bar_is_cut_to_its_session(timeframe, stamp, opened_at, available_at):
    span = bar_span(XNYS, Timeframe(timeframe), at(stamp))
    assert span == (at(opened_at), at(available_at))


def test_a_half_day_cuts_its_last_bar():
    begin, end = at("12:30", day="2026-11-27"), at("13:00", day="2026-11-27")
    assert bar_span(XNYS, Timeframe.ONE_HOUR, begin) == (begin, end)
    assert bar_span(XNYS, Timeframe.ONE_HOUR, at("13:00", day="2026-11-27")) is None


@pytest.mark.parametrize(
    ("timeframe", "stamp", "day"),
    [
        ("1m", "09:29", "2026-01-05"),
        ("1m", "16:00", "2026-01-05"),
        ("1m", "04:00", "2026-01-05"),
        ("1h", "08:30", "2026-01-05"),
        ("1h", "16:00", "2026-01-05"),
        ("4h", "04:00", "2026-01-05"),
        ("4h", "16:00", "2026-01-05"),
        ("1m", "10:00", "2026-01-03"),
        ("4h", "08:00", "2026-01-03"),
        ("1h", "10:00", "2026-01-01"),
        ("1m", "20:30", "2026-01-05"),  # the next day in UTC
    ],
)
def test_a_bar_outside_the_sessions_has_no_span(timeframe, stamp, day):
    assert bar_span(XNYS, Timeframe(timeframe), at(stamp, day)) is None


@pytest.mark.parametrize(
    "stamp",
    [
        at("00:00"),
        at("19:00", day="2026-01-04"),
        utc("2026-01-05T00:00"),
        utc("2026-01-05T05:00"),
    ],
    ids=str,
)
def test_a_daily_bar_of_new_york_spans_its_real_session(stamp):
    assert bar_span(XNYS, Timeframe.ONE_DAY, stamp) == (at("09:30"), at("16:00"))


def test_a_daily_bar_of_a_half_day_is_known_at_its_early_close():
    span = bar_span(XNYS, Timeframe.ONE_DAY, utc("2026-11-27T00:00"))
    assert span == (utc("2026-11-27T14:30"), utc("2026-11-27T18:00"))


def test_a_daily_bar_of_a_closed_day_has_no_span():
    assert bar_span(XNYS, Timeframe.ONE_DAY, utc("2026-01-03T00:00")) is None
    assert bar_span(XNYS, Timeframe.ONE_DAY, utc("2026-01-01T05:00")) is None


def test_a_market_that_never_closes_cuts_nothing():
    midnight, next_midnight = utc("2026-01-03T00:00"), utc("2026-01-04T00:00")
    assert bar_span(ALWAYS, Timeframe.ONE_DAY, midnight) == (midnight, next_midnight)
    late = utc("2026-01-03T20:00")
    assert bar_span(ALWAYS, Timeframe.FOUR_HOURS, late) == (late, next_midnight)
    last = utc("2030-12-31T23:59")
    assert bar_span(ALWAYS, Timeframe.ONE_MINUTE, last) == (last, utc("2031-01-01T00:00"))


@pytest.mark.parametrize(
    ("market", "timeframe", "stamp"),
    [
        (XNYS, "1m", "2026-01-05T15:00:01"),
        (XNYS, "1m", "2026-01-05T15:00:00.000001"),
        (XNYS, "5m", "2026-01-05T15:01"),
        (XNYS, "15m", "2026-01-05T15:10"),
        (XNYS, "30m", "2026-01-05T15:15"),
        (XNYS, "1h", "2026-01-05T15:15"),
        (XNYS, "1h", "2026-01-05T15:59"),  # stamped at the end
        (XNYS, "4h", "2026-01-05T15:00"),
        (XNYS, "1d", "2026-01-05T14:30"),
        (XNYS, "1d", "2026-01-05T21:00"),
        (ALWAYS, "1m", "2026-01-05T15:00:30"),
        (ALWAYS, "1h", "2026-01-05T15:30"),
        (ALWAYS, "4h", "2026-01-05T02:30"),
        (ALWAYS, "4h", "2026-01-05T05:00"),
        (ALWAYS, "1d", "2026-01-05T05:00"),
        (ALWAYS, "1d", "2026-01-05T12:00"),
    ],
)
def test_a_stamp_at_which_no_bar_begins_is_refused(market, timeframe, stamp):
    with pytest.raises(ValueError, match=r"no .* bar begins at|a daily bar is stamped at"):
        bar_span(market, Timeframe(timeframe), utc(stamp))


@pytest.mark.parametrize("market", [XNYS, ALWAYS], ids=str)
@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_a_stamp_without_a_zone_or_far_from_any_market_is_refused(market, timeframe):
    with pytest.raises(ValueError, match="no time zone"):
        bar_span(market, timeframe, datetime(2026, 1, 5))  # noqa: DTZ001
    for stamp in ("1970-01-01T00:00", "1989-12-31T00:00", "2031-01-01T00:00", "3999-01-01T00:00"):
        with pytest.raises(ValueError, match=r"covers 1990-01-01\.\.2030-12-31"):
            bar_span(market, timeframe, utc(stamp))


@given(days, st.sampled_from(INTRADAY), st.integers(0, 1439))
def test_every_span_lies_within_one_session_and_no_longer_than_its_timeframe(
    day, timeframe, minute
):
    step = timeframe.duration // timedelta(minutes=1)
    stamp = datetime(day.year, day.month, day.day, tzinfo=UTC)
    stamp += timedelta(minutes=minute // step * step)
    assert bar_span(ALWAYS, timeframe, stamp) == (stamp, stamp + timeframe.duration)
    span = bar_span(XNYS, timeframe, stamp)
    if span is not None:
        assert XNYS.open_of(day) <= span.opened_at < span.available_at <= XNYS.close_of(day)
        assert stamp <= span.opened_at
        assert span.available_at <= stamp + timeframe.duration


@given(days, st.sampled_from(INTRADAY))
def test_the_bars_of_a_session_tile_it(day, timeframe):
    if not XNYS.is_session(day):
        return
    stamp = covered_until = XNYS.open_of(day)
    while span := bar_span(XNYS, timeframe, stamp):
        assert span.opened_at == covered_until
        covered_until = span.available_at
        stamp += timeframe.duration
    assert covered_until == XNYS.close_of(day)


@pytest.mark.parametrize("timeframe", INTRADAY)
@pytest.mark.parametrize(
    ("row", "not_before"),
    [
        (at("10:00"), at("10:00")),
        (at("09:30"), at("09:30")),
        (at("15:59"), at("15:59")),
        (at("16:00"), at("09:30", day="2026-01-06")),
        (at("09:00"), at("09:30")),
        (at("16:00", day="2026-01-02"), at("09:30")),
        (at("13:00", day="2026-11-27"), at("09:30", day="2026-11-30")),
    ],
    ids=str,
)
def test_an_intraday_decision_may_fill_from_its_own_row_on_while_the_market_is_open(
    timeframe, row, not_before
):
    assert next_decision_open(XNYS, timeframe, row) == not_before


@pytest.mark.parametrize(
    ("row", "not_before"),
    [
        (at("16:00"), at("09:30", day="2026-01-06")),
        (at("16:00", day="2026-01-02"), at("09:30")),
        (at("13:00", day="2026-11-27"), at("09:30", day="2026-11-30")),
        (at("16:00", day="2026-03-06"), at("09:30", day="2026-03-09")),
        (at("11:00"), at("09:30", day="2026-01-06")),
    ],
    ids=str,
)
def test_a_daily_decision_waits_for_the_next_session(row, not_before):
    assert next_decision_open(XNYS, Timeframe.ONE_DAY, row) == not_before


@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_a_market_that_never_closes_fills_from_the_row_itself_on(timeframe):
    row = utc("2026-01-04T00:00")
    assert next_decision_open(ALWAYS, timeframe, row) == row


@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_a_decision_without_a_zone_is_refused(timeframe):
    for market in (XNYS, ALWAYS):
        with pytest.raises(ValueError, match="no time zone"):
            next_decision_open(market, timeframe, datetime(2026, 1, 5))  # noqa: DTZ001
