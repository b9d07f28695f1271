"""How much prices move."""

from __future__ import annotations

import math

import numpy as np

from trimtab_common.timeframes import Timeframe
from trimtab_trading.arrays import Floats
from trimtab_trading.indicators.rolling import rolling_mean, rolling_std
from trimtab_trading.indicators.trend import change

_SESSIONS_A_YEAR = 252
_SESSION_MINUTES = 390
_YEAR_MINUTES = 365 * 24 * 60


def rows_per_year(timeframe: Timeframe, *, never_closes: bool) -> float:
    """Bars in a year, for annualising: 252 sessions of 6.5 hours, or 365 days of 24.

    >>> rows_per_year(Timeframe.ONE_DAY, never_closes=False)
    252.0
    """
    minutes = timeframe.duration.total_seconds() / 60.0
    if never_closes:
        return _YEAR_MINUTES / minutes
    bars_a_session = 1 if timeframe.is_daily else -(-_SESSION_MINUTES // minutes)
    return _SESSIONS_A_YEAR * float(bars_a_session)


def realised_volatility(close: Floats, rows: int, rows_a_year: float) -> Floats:
    """Annualised standard deviation of the last `rows` returns, as a fraction (0.2 is 20 %)."""
    volatility: Floats = rolling_std(change(close, 1), rows) * math.sqrt(rows_a_year)
    return volatility


def average_true_range(high: Floats, low: Floats, close: Floats, rows: int) -> Floats:
    """Mean true range of the last `rows` rows, in units of price.

    The true range reaches from the lower to the higher of the bar's own extremes and the close
    before (Wilder, New Concepts in Technical Trading Systems, 1978, with a plain mean).

    >>> flat = np.full(3, 10.0)
    >>> average_true_range(flat + 1, flat - 1, flat, 2)
    array([nan, nan,  2.])
    """
    ranges = np.full(close.shape, np.nan)
    before = close[:-1]
    ranges[1:] = np.maximum(high[1:], before) - np.minimum(low[1:], before)
    averaged = rolling_mean(ranges, rows)
    averaged[:rows] = np.nan  # the first row has no close before it
    return averaged
