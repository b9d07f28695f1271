"""The market clock and calendar, as New York keeps them."""

from datetime import datetime

import pytest

from tests.markets import minute_market
from tests.simulators import a_simulator, asked, at
from trimtab_simulator.core.clock import clock_json


def test_the_clock_stands_at_the_last_released_row():
    _, clock = asked(a_simulator(released=0), "GET /v2/clock")
    assert clock["timestamp"] == "2024-01-02T09:30:00-05:00"
    _, clock = asked(a_simulator(released=5), "GET /v2/clock")
    assert clock["timestamp"] == "2024-01-02T09:35:00-05:00"
    assert clock["is_open"] is True
    assert clock["next_close"] == "2024-01-02T16:00:00-05:00"
    assert clock["next_open"] == "2024-01-03T09:30:00-05:00"


def test_after_the_last_bar_of_the_day_the_market_is_closed():
    _, clock = asked(a_simulator(minute_market(sessions=1)), "GET /v2/clock")
    assert clock["is_open"] is False


def test_summer_has_its_own_offset():
    summer = clock_json(datetime.fromisoformat("2024-07-03T16:00:00+00:00"))
    assert summer["next_close"] == "2024-07-03T13:00:00-04:00"
    assert clock_json(at("03:00"))["timestamp"] == "2024-01-01T22:00:00-05:00"


def test_the_calendar_knows_holidays_short_days_and_settlement():
    _, days = asked(
        a_simulator(), "GET /v2/calendar", query={"start": "2024-07-02", "end": "2024-07-05"}
    )
    assert [(day["date"], day["open"], day["close"]) for day in days] == [
        ("2024-07-02", "09:30", "16:00"),
        ("2024-07-03", "09:30", "13:00"),
        ("2024-07-05", "09:30", "16:00"),
    ]
    assert days[1]["session_close"] == "1700"
    assert days[1]["settlement_date"] == "2024-07-05"


@pytest.mark.parametrize(
    ("day", "settled"),
    [("2024-05-24", "2024-05-29"), ("2024-05-28", "2024-05-29"), ("2010-01-04", "2010-01-07")],
)
def test_settlement_became_faster_twice(day, settled):
    _, (found,) = asked(a_simulator(), "GET /v2/calendar", query={"start": day, "end": day})
    assert found["settlement_date"] == settled


def test_without_bounds_the_whole_calendar_is_shown():
    _, days = asked(a_simulator(), "GET /v2/calendar")
    assert (days[0]["date"], days[-1]["date"][:4]) == ("1990-01-02", "2030")
    assert asked(a_simulator(), "GET /v2/calendar", query={"start": "soon"})[0] == 422
