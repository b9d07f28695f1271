"""Statistics of the last rows: each is computed afresh from its own rows, so no error adds up."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from trimtab_trading.arrays import Floats

_FLAT = 1e-12


def windows(values: Floats, rows: int) -> Floats:
    """The last `rows` rows at each row, (T - rows + 1, …, rows): a view, first full window first.

    >>> windows(np.array([1.0, 2.0, 3.0]), 2)
    array([[1., 2.],
           [2., 3.]])
    """
    view: Floats = sliding_window_view(values, rows, axis=0)
    return view


def from_first_full(values: Floats, shape: tuple[int, ...]) -> Floats:
    """Put NaN before the rows that have a full window."""
    whole = np.full(shape, np.nan)
    whole[shape[0] - len(values) :] = values
    return whole


def rolling_mean(values: Floats, rows: int) -> Floats:
    """Mean of the bars among the last `rows` rows; NaN unless at least half of them are there.

    >>> rolling_mean(np.array([1.0, 2.0, np.nan, 4.0]), 2)
    array([nan, 1.5, 2. , 4. ])
    """
    if len(values) < rows:
        return np.full(values.shape, np.nan)
    return from_first_full(_mean(windows(values, rows), rows), values.shape)


def rolling_std(values: Floats, rows: int) -> Floats:
    """Population standard deviation of the bars among the last `rows` rows.

    >>> rolling_std(np.array([1.0, 3.0, 3.0]), 2)
    array([nan,  1.,  0.])
    """
    if len(values) < rows:
        return np.full(values.shape, np.nan)
    view = windows(values, rows)
    return from_first_full(_deviation(view, _mean(view, rows), rows), values.shape)


def zscore(values: Floats, rows: int) -> Floats:
    """Standard deviations from the mean of the last `rows` rows; NaN where nothing has moved.

    >>> zscore(np.array([1.0, 1.0, 1.0, 5.0]), 4)[-1].round(6)
    np.float64(1.732051)
    """
    if len(values) < rows:
        return np.full(values.shape, np.nan)
    view = windows(values, rows)
    mean = _mean(view, rows)
    deviation = _deviation(view, mean, rows)
    with np.errstate(invalid="ignore", divide="ignore"):
        score = (values[rows - 1 :] - mean) / np.where(
            deviation > _FLAT * np.abs(mean), deviation, np.nan
        )
    return from_first_full(score, values.shape)


def highest(values: Floats, rows: int) -> Floats:
    """Largest value among the last `rows` rows, bars that are missing left out.

    >>> highest(np.array([3.0, 2.0, 1.0]), 2)
    array([nan,  3.,  2.])
    """
    if len(values) < rows:
        return np.full(values.shape, np.nan)
    return from_first_full(np.fmax.reduce(windows(values, rows), axis=-1), values.shape)


def lowest(values: Floats, rows: int) -> Floats:
    """Smallest value among the last `rows` rows, bars that are missing left out.

    >>> lowest(np.array([3.0, 2.0, 1.0]), 2)
    array([nan,  2.,  1.])
    """
    if len(values) < rows:
        return np.full(values.shape, np.nan)
    return from_first_full(np.fmin.reduce(windows(values, rows), axis=-1), values.shape)


def _mean(view: Floats, rows: int) -> Floats:
    total: Floats = np.add.reduce(view, axis=-1)
    if not np.isnan(total).any():
        return total / rows
    count = np.add.reduce(~np.isnan(view), axis=-1)
    total = np.add.reduce(np.where(np.isnan(view), 0.0, view), axis=-1)
    mean: Floats = np.where(2 * count >= rows, total / np.maximum(count, 1), np.nan)
    return mean


def _deviation(view: Floats, mean: Floats, rows: int) -> Floats:
    deviation: Floats = np.sqrt(_mean((view - mean[..., None]) ** 2, rows))
    return deviation
