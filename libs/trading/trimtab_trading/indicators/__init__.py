"""Functions of price arrays that strategies are made of; every one looks back only.

All take arrays (T,) or (T, N) with NaN where there is no bar, and answer with the same shape. A
value at row t is a function of the last `rows` rows up to t and of nothing else, so it is the same
in a backtest over years and on a live window that is just long enough.
"""

from trimtab_trading.indicators.rolling import (
    highest,
    lowest,
    rolling_mean,
    rolling_std,
    windows,
    zscore,
)
from trimtab_trading.indicators.trend import change, ema, ema_rows
from trimtab_trading.indicators.volatility import average_true_range, realised_volatility

__all__ = [
    "average_true_range",
    "change",
    "ema",
    "ema_rows",
    "highest",
    "lowest",
    "realised_volatility",
    "rolling_mean",
    "rolling_std",
    "windows",
    "zscore",
]
