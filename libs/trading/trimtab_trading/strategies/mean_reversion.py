"""Mean reversion with hysteresis: buy what fell far below its mean, sell when it is back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from trimtab_trading.arrays import Floats
from trimtab_trading.panel import Panel
from trimtab_trading.strategy import FloatRange, IntegerRange, Range

_ROWS_AT_ONCE = 1024
_FLAT = 1e-12
"""A deviation below this part of the price is rounding, not movement."""


@dataclass(frozen=True, kw_only=True)
class MeanReversion:
    """Hold a symbol from z ≤ -entry_zscore until z ≥ -exit_zscore; equal capital among symbols.

    z is the close's distance from the mean of the last `lookback_rows` closes in their standard
    deviations (population). The gap between the two levels keeps it from trading to and fro.
    Source: Bollinger's bands (Bollinger on Bollinger Bands, 2001) traded as in Chan, Algorithmic
    Trading, 2013, chapter 3; long only. A symbol without a bar, or with bars at fewer than half of
    the rows, keeps its target.
    """

    lookback_rows: int = 60
    """Rows of the mean and the deviation."""
    entry_zscore: float = 2.0
    """Standard deviations below the mean at which to buy."""
    exit_zscore: float = 0.5
    """Standard deviations below the mean from which on to sell; negative waits until above it."""

    def __post_init__(self) -> None:
        if self.lookback_rows < 2:  # noqa: PLR2004  (one row has no deviation)
            raise ValueError(f"lookback_rows is {self.lookback_rows}; expected 2 or more")
        if not self.exit_zscore < self.entry_zscore:
            raise ValueError(
                f"exit_zscore {self.exit_zscore:g} must be below entry_zscore {self.entry_zscore:g}"
            )

    @property
    def warmup(self) -> int:
        """One full lookback."""
        return self.lookback_rows

    def start(self) -> list[bool]:
        """Nothing is held."""
        return []

    def step(self, panel: Panel, state: list[bool]) -> tuple[Floats, list[bool]]:
        """The last row's targets; the state is which symbols are held."""
        held = self._held(self._last_scores(panel), state or [False] * len(panel.symbols))
        weights: Floats = np.array(held) / len(held)
        return weights, held

    def foresee(self, panel: Panel, state: list[bool]) -> tuple[Floats, list[list[bool]]]:
        """The answers of `step` at each row from the `warmup`-th on."""
        windows = sliding_window_view(panel.close, self.lookback_rows, axis=0)
        scores = np.concatenate(
            [
                self._scores(np.ascontiguousarray(windows[first : first + _ROWS_AT_ONCE]))
                for first in range(0, len(windows), _ROWS_AT_ONCE)
            ]
        )
        entries = scores <= -self.entry_zscore
        decides = entries | (scores >= -self.exit_zscore)
        decides[0] = True  # the first row stands for the state before
        entries[0] = self._held(scores[0].tolist(), state or [False] * len(panel.symbols))
        rows = np.arange(len(scores))[:, np.newaxis]
        last = np.maximum.accumulate(np.where(decides, rows, 0), axis=0)
        held = np.take_along_axis(entries, last, axis=0)
        return held / len(panel.symbols), held.tolist()

    def _held(self, scores: list[float], before: list[bool]) -> list[bool]:
        """Which symbols are held; NaN compares as False: what has no score stays as it is."""
        return [
            score <= -self.entry_zscore or (was_held and not score >= -self.exit_zscore)
            for score, was_held in zip(scores, before, strict=True)
        ]

    def _last_scores(self, panel: Panel) -> list[float]:
        """The z-score of each symbol at the last row."""
        closes = np.ascontiguousarray(panel.close[-self.lookback_rows :].T)
        scores: list[float] = self._scores(closes).tolist()
        return scores

    def _scores(self, closes: Floats) -> Floats:
        """The z-scores (...) of the last of `lookback_rows` closes (..., lookback_rows).

        The closes of a symbol must lie side by side, so that they are summed in one order,
        whatever else is computed with them.
        """
        count: Floats | float = float(self.lookback_rows)
        total = np.add.reduce(closes, axis=-1)
        gaps = np.isnan(closes) if isnan(np.add.reduce(total, axis=None)) else None
        if gaps is not None:
            count = self.lookback_rows - np.add.reduce(gaps, axis=-1, dtype=np.float64)
            total = np.add.reduce(np.where(gaps, 0.0, closes), axis=-1)
            total[2.0 * count < self.lookback_rows] = np.nan
            count = np.maximum(count, 1.0)
        mean = total / count
        distance = closes - mean[..., np.newaxis]
        squares = distance * distance
        if gaps is not None:
            squares[gaps] = 0.0
        deviation = np.sqrt(np.add.reduce(squares, axis=-1) / count)
        score: Floats = np.full(mean.shape, np.nan)
        np.divide(distance[..., -1], deviation, out=score, where=deviation > _FLAT * mean)
        return score

    def explain(self, panel: Panel, symbol_index: int) -> str:
        """Why the target of a symbol changed."""
        score = self._last_scores(panel)[symbol_index]
        if score <= -self.entry_zscore:
            return f"z-score {score:.2f} below {-self.entry_zscore:g}: buy"
        return f"z-score {score:.2f} above {-self.exit_zscore:g}: sell"

    @staticmethod
    def space() -> Mapping[str, Range]:
        """Where to search for parameters."""
        return {
            "lookback_rows": IntegerRange(10, 240),
            "entry_zscore": FloatRange(1.0, 4.0),
            "exit_zscore": FloatRange(-0.5, 0.9),
        }
