"""Prices that nobody ever paid: a geometric random walk with the rhythm of a trading day."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MARKET_SHARE = 0.4
"""The part of a bar's variance that all symbols share."""
CALMEST = 0.6
"""Volatility in the middle of a session, relative to its mean; open and close lie above."""
GAP_SHARE = 0.5
"""A night's move relative to a session's."""
TICK_SHARE = 0.1
"""How far a bar opens from the last close, relative to the bar's own move."""
WICK_SHARE = 0.5


class Rhythm(NamedTuple):
    """What the calendar says about each bar, all arrays of length T."""

    years: Floats
    """How long the bar lasts, in years of trading time."""
    progress: Floats
    """Where in its session the bar lies, from 0 to 1."""
    opens_session: NDArray[np.bool_]
    session_years: float


class Columns(NamedTuple):
    """Prices and volumes, each of shape (T, N)."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


def walk(
    generator: np.random.Generator,
    rhythm: Rhythm,
    *,
    start_prices: Floats,
    annual_volatility: Floats,
    decimals: NDArray[np.int64],
    typical_volume: float,
) -> Columns:
    """Draw bars for N symbols; arrays per symbol have length N.

    Volatility follows a parabola over the session (high at both ends), sessions open with a gap,
    and a common factor correlates the symbols. The walk has no drift: E[price] stays put.
    """
    shape = len(rhythm.years), len(start_prices)
    smile = CALMEST + (1 - CALMEST) * 3 * (2 * rhythm.progress - 1) ** 2
    smile /= np.sqrt(np.mean(smile**2))
    sigma = np.sqrt(rhythm.years)[:, None] * smile[:, None] * annual_volatility[None, :]
    night = GAP_SHARE * np.sqrt(rhythm.session_years) * annual_volatility[None, :]
    gap_sigma = np.where(rhythm.opens_session[:, None], night, TICK_SHARE * sigma)
    gap = gap_sigma * generator.standard_normal(shape) - gap_sigma**2 / 2
    move = sigma * _correlated(generator, shape) - sigma**2 / 2
    after = np.log(start_prices)[None, :] + np.cumsum(gap + move, axis=0)
    opens, closes = np.exp(after - move), np.exp(after)
    up, down = np.abs(generator.standard_normal((2, *shape))) * WICK_SHARE * sigma
    volume = typical_volume * smile[:, None] * generator.lognormal(0.0, 0.5, shape)
    return Columns(
        open=_ticks(opens, decimals),
        high=_ticks(np.maximum(opens, closes) * np.exp(up), decimals),
        low=_ticks(np.minimum(opens, closes) * np.exp(-down), decimals),
        close=_ticks(closes, decimals),
        volume=np.maximum(np.round(volume), 1.0),
    )


def _correlated(generator: np.random.Generator, shape: tuple[int, int]) -> Floats:
    common = generator.standard_normal((shape[0], 1))
    own = generator.standard_normal(shape)
    mixed: Floats = math.sqrt(MARKET_SHARE) * common + math.sqrt(1 - MARKET_SHARE) * own
    return mixed


def _ticks(prices: Floats, decimals: NDArray[np.int64]) -> Floats:
    """Round each symbol's prices to its tick, and never below one."""
    rounded = np.empty_like(prices)
    for place in np.unique(decimals):
        columns = decimals == place
        rounded[:, columns] = np.maximum(np.round(prices[:, columns], place), 10.0**-place)
    return rounded
