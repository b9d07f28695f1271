"""The table of New York agrees with exchange_calendars on every session from 1990 to 2030."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import exchange_calendars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab_common.calendars import calendar
from trimtab_common.xnys_table import FIRST_DATE, LAST_DATE

NEW_YORK = ZoneInfo("America/New_York")
XNYS = calendar("XNYS")

# exchange_calendars still uses what pandas has begun to deprecate.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

instants = st.datetimes(datetime(1990, 1, 3), datetime(2030, 12, 30)).map(  # noqa: DTZ001
    lambda naive: naive.replace(second=0, microsecond=0, tzinfo=UTC)
)


@pytest.fixture(scope="module")
def reference():
    return exchange_calendars.get_calendar("XNYS", start=str(FIRST_DATE), end=str(LAST_DATE))


def test_every_session_open_and_close_is_the_same(reference):
    days = XNYS.sessions(FIRST_DATE, LAST_DATE)
    ours = [(day, XNYS.open_of(day), XNYS.close_of(day)) for day in days]
    theirs = [
        (row.Index.date(), row.open.to_pydatetime(), row.close.to_pydatetime())
        for row in reference.schedule.itertuples()
    ]
    assert len(ours) > 10_000
    assert ours == theirs


def test_midnight_in_new_york_is_where_the_zone_database_puts_it():
    day = FIRST_DATE
    while day <= LAST_DATE:
        midnight = datetime.combine(day, time(), NEW_YORK)
        assert XNYS.trading_session_for_daily(midnight) == (day if XNYS.is_session(day) else None)
        day += timedelta(days=1)


@settings(deadline=None)
@given(instants)
def test_neighbours_of_any_minute_are_the_same(reference, at):
    assert XNYS.is_open(at) == reference.is_open_on_minute(at)
    assert XNYS.next_open(at) == reference.next_open(at)
    assert XNYS.next_close(at) == reference.next_close(at)
    day = at.date()
    assert (
        XNYS.next_session(day)
        == reference.date_to_session(str(day + timedelta(days=1)), "next").date()
    )
    assert (
        XNYS.previous_session(day)
        == reference.date_to_session(str(day - timedelta(days=1)), "previous").date()
    )


@pytest.mark.parametrize("day", [FIRST_DATE, LAST_DATE])
def test_the_table_answers_to_its_very_ends(day):
    assert XNYS.is_session(day) is (day == LAST_DATE)
    assert (date(1990, 1, 1), date(2030, 12, 31)) == (FIRST_DATE, LAST_DATE)
