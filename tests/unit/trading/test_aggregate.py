"""Coarser bars of finer ones, and the stamps that a vendor prints on them."""

from datetime import UTC, datetime

import numpy as np
import pytest

from tests.markets import minute_market
from trimtab_common.calendars import bar_span, calendar
from trimtab_common.timeframes import Timeframe
from trimtab_trading.aggregate import aggregate, stamps
from trimtab_trading.market import aware

EVERY_TIMEFRAME = [frame for frame in Timeframe if frame is not Timeframe.ONE_MINUTE]


def test_a_day_is_what_its_minutes_come_to():
    minutes = minute_market(symbols=("AAPL", "MSFT"), sessions=3)
    days = aggregate(minutes, Timeframe.ONE_DAY)
    apple = minutes.take(np.flatnonzero(minutes.symbol_index == 0)[:390])
    assert days.rows_total == 3
    assert (days.open[0], days.close[0]) == (apple.open[0], apple.close[-1])
    assert (days.high[0], days.low[0]) == (apple.high.max(), apple.low.min())
    assert days.volume[0] == apple.volume.sum()
    assert aware(days.available_at[0].item()) == datetime(2024, 1, 2, 21, 0, tzinfo=UTC)


def test_hours_are_counted_by_the_clock_and_cut_to_the_session():
    hours = aggregate(minute_market(symbols=("AAPL",), sessions=1), Timeframe.ONE_HOUR)
    opened = [aware(at).strftime("%H:%M") for at in hours.opened_at.tolist()]
    assert opened == ["14:30", "15:00", "16:00", "17:00", "18:00", "19:00", "20:00"]
    assert stamps(hours)[0] == np.datetime64("2024-01-02T14:00")


def test_around_the_clock_a_day_ends_at_midnight():
    pairs = minute_market(
        symbols=("BTC/USD",), calendar="24/7", timeframe=Timeframe.ONE_HOUR, sessions=2
    )
    days = aggregate(pairs, Timeframe.ONE_DAY)
    assert [str(at) for at in stamps(days).astype("datetime64[D]")] == ["2024-01-02", "2024-01-03"]
    assert aware(days.available_at[0].item()) == datetime(2024, 1, 3, tzinfo=UTC)


@pytest.mark.parametrize("timeframe", EVERY_TIMEFRAME)
@pytest.mark.parametrize("name", ["XNYS", "24/7"])
def test_a_stamp_leads_back_to_what_its_bar_covers(timeframe, name):
    symbol = "AAPL" if name == "XNYS" else "BTC/USD"
    market = aggregate(minute_market(symbols=(symbol,), calendar=name, sessions=2), timeframe)
    for stamp, opened, available in zip(
        stamps(market).tolist(),
        market.opened_at.tolist(),
        market.available_at.tolist(),
        strict=True,
    ):
        span = bar_span(calendar(name), timeframe, aware(stamp))
        assert span == (aware(opened), aware(available))


@pytest.mark.parametrize("timeframe", EVERY_TIMEFRAME)
def test_a_market_made_at_a_timeframe_has_the_bars_of_one_merged_to_it(timeframe):
    merged = aggregate(minute_market(sessions=2), timeframe)
    made = minute_market(sessions=2, timeframe=timeframe)
    assert np.array_equal(merged.opened_at, made.opened_at)
    assert np.array_equal(merged.available_at, made.available_at)


def test_finer_bars_cannot_be_made():
    days = minute_market(sessions=2, timeframe=Timeframe.ONE_DAY)
    with pytest.raises(ValueError, match="cannot be made"):
        aggregate(days, Timeframe.ONE_HOUR)
    assert aggregate(days, Timeframe.ONE_DAY) is days
