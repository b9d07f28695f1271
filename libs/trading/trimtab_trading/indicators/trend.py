"""Where prices have gone: changes and exponential averages."""

from __future__ import annotations

import math

import numpy as np

from trimtab_trading.arrays import Floats
from trimtab_trading.indicators.rolling import from_first_full, windows

_EMA_SPANS = 12


def change(values: Floats, rows: int) -> Floats:
    """Relative change over the last `rows` rows; NaN where either end has no bar.

    >>> change(np.array([100.0, 101.0, 110.0]), 2)
    array([nan, nan, 0.1])
    """
    changed = np.full(values.shape, np.nan)
    if len(values) > rows:
        changed[rows:] = values[rows:] / values[:-rows] - 1.0
    return changed


def ema_rows(span: int) -> int:
    """Rows that `ema` looks at: what lies before weighs less than 4e-11 of the whole."""
    return math.ceil(_EMA_SPANS * span)


def ema(values: Floats, span: int) -> Floats:
    """Exponential average with the weight 2 / (span + 1) on the newest bar.

    It looks at the last `ema_rows(span)` rows only, so it needs no memory; missing bars are left
    out and the weights of the others scaled up.

    >>> ema(np.full(60, 5.0), 5)[-1].round(9)
    np.float64(5.0)
    """
    rows = ema_rows(span)
    if len(values) < rows:
        return np.full(values.shape, np.nan)
    weights = (1.0 - 2.0 / (span + 1.0)) ** np.arange(rows - 1, -1, -1)
    view = windows(values, rows)
    present = ~np.isnan(view)
    total = np.add.reduce(np.where(present, view, 0.0) * weights, axis=-1)
    weight = np.add.reduce(present * weights, axis=-1)
    average = np.full(total.shape, np.nan)
    np.divide(total, weight, out=average, where=2.0 * weight >= weights.sum())
    return from_first_full(average, values.shape)
