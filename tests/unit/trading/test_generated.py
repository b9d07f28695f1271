"""Markets made of chance: plausible, repeatable, and labelled."""

from datetime import date

import numpy as np
import pytest

from tests.markets import minute_market
from trimtab_common.timeframes import Timeframe
from trimtab_trading.generated import generated
from trimtab_trading.random_walk import Rhythm, walk


def test_the_source_says_that_nobody_traded_there_and_how_to_make_it_again():
    market = minute_market(symbols=("MSFT", "AAPL"), sessions=2, seed=42, missing=0.25)
    assert market.source == "SIMULATED 42 XNYS 1m 2024-01-02 2 AAPL,MSFT missing 0.25"
    assert market.feed == "simulated"


def test_prices_are_in_ticks():
    market = minute_market()
    for column in (market.open, market.high, market.low, market.close):
        assert np.array_equal(column, np.round(column, 2))


def test_symbols_move_together_and_not_alike():
    market = minute_market(symbols=("AAPL", "MSFT"), sessions=20)
    returns = np.diff(np.log(market.close.reshape(-1, 2)), axis=0)
    assert 0.2 < np.corrcoef(returns.T)[0, 1] < 0.7


def test_a_year_moves_about_as_much_in_minutes_as_in_days():
    days = minute_market(timeframe=Timeframe.ONE_DAY, sessions=1000)
    yearly = np.diff(np.log(days.close.reshape(-1, 2)), axis=0).std(axis=0) * np.sqrt(252)
    assert ((yearly > 0.1) & (yearly < 0.6)).all()


def test_sessions_are_livelier_at_both_ends():
    market = minute_market(symbols=("AAPL",), sessions=60)
    ranges = np.log(market.high / market.low).reshape(60, 390).mean(axis=0)
    assert min(ranges[:30].mean(), ranges[-30:].mean()) > 1.3 * ranges[180:210].mean()


def test_the_first_session_is_the_first_day_that_is_one():
    market = minute_market(start=date(2024, 1, 6))
    assert market.instant_of(0).date() == date(2024, 1, 8)


def test_a_walk_has_no_drift():
    bars = 20_000
    rhythm = Rhythm(
        years=np.full(bars, 1 / bars),
        progress=np.full(bars, 0.5),
        opens_session=np.zeros(bars, dtype=np.bool_),
        session_years=1.0,
    )
    columns = walk(
        np.random.Generator(np.random.PCG64(5)),
        rhythm,
        start_prices=np.full(200, 100.0),
        annual_volatility=np.full(200, 0.05),
        decimals=np.full(200, 2),
        typical_volume=1000.0,
    )
    assert columns.close[-1].mean() == pytest.approx(100.0, abs=4.0)


def test_the_generator_depends_on_nothing_but_its_arguments():
    first, second = (
        generated(
            seed=3,
            symbols=["ETH/USD", "BTC/USD"],
            calendar_name="24/7",
            timeframe=Timeframe.ONE_DAY,
            start=date(2024, 1, 1),
            sessions=10,
        )
        for _ in range(2)
    )
    assert first.symbols == ("BTC/USD", "ETH/USD")
    assert np.array_equal(first.close, second.close)
