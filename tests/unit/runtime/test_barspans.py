"""Spans of whole columns are those that `bar_span` gives for each stamp alone."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from trimtab_common.calendars import CalendarName, bar_span, calendar
from trimtab_common.timeframes import Timeframe
from trimtab_runtime.barspans import bar_spans

ZONE_FREE = "datetime64[us]"


def stamps_of_strange_days() -> list[datetime]:
    """Every half hour, and odd minutes, around a half day, a holiday, and both clock changes."""
    days = ["2019-12-23", "2019-12-24", "2019-12-25", "2019-03-08", "2019-03-11", "2019-11-01",
            "2019-11-04", "2019-11-03", "2020-02-29", "2023-07-03"]  # fmt: skip
    starts = [datetime.fromisoformat(day).replace(tzinfo=UTC) for day in days]
    minutes = sorted({*range(0, 1440, 30), *range(0, 1440, 37), 1439, 870, 871, 1259})
    return [start + timedelta(minutes=minute) for start in starts for minute in minutes]


def one_by_one(name: CalendarName, timeframe: Timeframe, stamp: datetime) -> str:
    try:
        span = bar_span(calendar(name), timeframe, stamp)
    except ValueError:
        return "off the grid"
    return f"{span.opened_at} {span.available_at}" if span else "no session"


@pytest.mark.parametrize("name", CalendarName)
@pytest.mark.parametrize("timeframe", Timeframe)
def test_columns_and_single_stamps_agree(name, timeframe):
    stamps = stamps_of_strange_days()
    column = np.array([stamp.replace(tzinfo=None) for stamp in stamps], dtype=ZONE_FREE)
    spans = bar_spans(calendar(name), timeframe, column)
    for place, stamp in enumerate(stamps):
        expected = one_by_one(name, timeframe, stamp)
        if spans.regular[place]:
            opened, available = (
                times[place].item().replace(tzinfo=UTC)
                for times in (spans.opened_at, spans.available_at)
            )
            assert f"{opened} {available}" == expected
        else:
            assert expected in ("off the grid", "no session")


def test_days_that_the_calendar_does_not_know_have_no_session():
    column = np.array(["1970-01-05T15:00", "2045-01-05T15:00"], dtype=ZONE_FREE)
    spans = bar_spans(calendar("XNYS"), Timeframe.ONE_MINUTE, column)
    assert spans.regular.tolist() == [False, False]


def test_an_empty_column_has_empty_spans():
    spans = bar_spans(calendar("XNYS"), Timeframe.ONE_DAY, np.array([], dtype=ZONE_FREE))
    assert len(spans.opened_at) == len(spans.regular) == 0
