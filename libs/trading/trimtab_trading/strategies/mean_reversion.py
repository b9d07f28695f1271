"""Mean reversion with hysteresis: buy what fell far below its mean, sell when it is back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from trimtab_trading.arrays import Booleans, Floats
from trimtab_trading.panel import Panel
from trimtab_trading.strategy import FloatRange, IntegerRange, Range

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
        score = self._score(panel)
        held: Booleans = np.array(state or [False] * len(panel.symbols))
        # NaN compares as False on both sides: what has no score stays as it is.
        held = (held & ~(score >= -self.exit_zscore)) | (score <= -self.entry_zscore)
        weights: Floats = held / len(panel.symbols)
        return weights, held.tolist()

    def _score(self, panel: Panel) -> Floats:
        """The z-score of the last row, (N,); the same as `zscore`, of this one row only."""
        close = panel.close[-self.lookback_rows :]
        count: Floats | float = float(self.lookback_rows)
        total = np.add.reduce(close, axis=0)
        gaps = np.isnan(close) if np.isnan(total).any() else None
        if gaps is not None:
            count = self.lookback_rows - np.add.reduce(gaps, axis=0, dtype=np.float64)
            total = np.add.reduce(np.where(gaps, 0.0, close), axis=0)
            total[2.0 * count < self.lookback_rows] = np.nan
            count = np.maximum(count, 1.0)
        mean = total / count
        distance = close - mean
        squares = distance * distance
        if gaps is not None:
            squares[gaps] = 0.0
        deviation = np.sqrt(np.add.reduce(squares, axis=0) / count)
        score: Floats = np.full(len(mean), np.nan)
        np.divide(distance[-1], deviation, out=score, where=deviation > _FLAT * mean)
        return score

    def explain(self, panel: Panel, symbol_index: int) -> str:
        """Why the target of a symbol changed."""
        score = float(self._score(panel)[symbol_index])
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
