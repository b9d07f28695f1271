"""Every indicator looks back only, and no further than it says."""

import numpy as np
import pytest

from tests.unit.trading.strategy_rows import walk
from trimtab_common.timeframes import Timeframe
from trimtab_trading.indicators import (
    average_true_range,
    change,
    ema,
    ema_rows,
    highest,
    lowest,
    realised_volatility,
    rolling_mean,
    rolling_std,
    zscore,
)
from trimtab_trading.indicators.volatility import rows_per_year

PANEL = walk(120, 3, missing=0.1)
WHOLE = walk(120, 3)

INDICATORS = {
    "rolling_mean": (lambda p: rolling_mean(p.close, 10), 10),
    "rolling_std": (lambda p: rolling_std(p.close, 10), 10),
    "zscore": (lambda p: zscore(p.close, 10), 10),
    "highest": (lambda p: highest(p.high, 10), 10),
    "lowest": (lambda p: lowest(p.low, 10), 10),
    "change": (lambda p: change(p.close, 10), 11),
    "ema": (lambda p: ema(p.close, 4), ema_rows(4)),
    "realised_volatility": (lambda p: realised_volatility(p.close, 10, 252), 11),
    "average_true_range": (lambda p: average_true_range(p.high, p.low, p.close, 10), 11),
}
every_indicator = pytest.mark.parametrize(
    ("indicator", "rows"), INDICATORS.values(), ids=INDICATORS
)


@every_indicator
@pytest.mark.parametrize("panel", [WHOLE, PANEL], ids=["whole", "with gaps"])
def test_the_future_changes_nothing(indicator, rows, panel):
    full = indicator(panel)
    for cut in range(1, len(panel) + 1, 7):
        np.testing.assert_allclose(indicator(panel.prefix(cut)), full[:cut], rtol=1e-12)


@every_indicator
@pytest.mark.parametrize("panel", [WHOLE, PANEL], ids=["whole", "with gaps"])
def test_the_rows_it_says_are_enough(indicator, rows, panel):
    full = indicator(panel)
    for cut in range(rows, len(panel) + 1, 7):
        window = panel.prefix(cut).last(rows)
        np.testing.assert_allclose(indicator(window)[-1], full[cut - 1], rtol=1e-10)


@every_indicator
def test_the_shape_stays(indicator, rows):
    assert indicator(WHOLE).shape == WHOLE.close.shape
    assert indicator(WHOLE.prefix(2)).shape == (2, 3)
    assert np.isnan(indicator(WHOLE.prefix(2))).all()


def test_means_and_deviations_are_those_of_numpy():
    close = WHOLE.close
    np.testing.assert_allclose(rolling_mean(close, 10)[50], close[41:51].mean(axis=0))
    np.testing.assert_allclose(rolling_std(close, 10)[50], close[41:51].std(axis=0))


def test_missing_bars_are_left_out_until_fewer_than_half_are_there():
    values = np.array([1.0, np.nan, 3.0, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(rolling_mean(values, 4), [np.nan] * 3 + [2.0, np.nan, np.nan])


def test_a_price_that_does_not_move_has_no_zscore():
    assert np.isnan(zscore(np.full(20, 0.1), 10)).all()


def test_an_exponential_average_is_the_recursive_one():
    close = walk(400, 1).close[:, 0]
    average = close[0]
    for price in close[1:]:
        average += 2 / 6 * (price - average)
    assert ema(close, 5)[-1] == pytest.approx(average, rel=1e-9)


@pytest.mark.parametrize(
    ("timeframe", "never_closes", "rows"),
    [("1d", False, 252), ("1m", False, 98_280), ("1h", False, 1764), ("1h", True, 8760)],
)
def test_rows_in_a_year(timeframe, never_closes, rows):
    assert rows_per_year(Timeframe(timeframe), never_closes=never_closes) == rows
