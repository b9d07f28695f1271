"""Volatility-managed momentum: hold what has risen, less of it when it moves wildly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from trimtab_common.symbols import AssetClass, asset_class
from trimtab_common.timeframes import parse_timeframe
from trimtab_trading.arrays import Floats
from trimtab_trading.indicators import change, realised_volatility
from trimtab_trading.indicators.volatility import rows_per_year
from trimtab_trading.panel import Panel
from trimtab_trading.strategy import FloatRange, IntegerRange, Range


@dataclass(frozen=True, kw_only=True)
class VolatilityManagedMomentum:
    """Hold a symbol while its past change is positive, scaled by target over realised volatility.

    Past change: from `lookback_rows` to `skip_rows` rows ago; 252 and 21 daily rows are the
    classical 12-1 momentum (Jegadeesh & Titman, Journal of Finance 48, 1993; of a symbol's own
    past: Moskowitz, Ooi & Pedersen, Journal of Financial Economics 104, 2012). Scaling a strategy
    down when volatility was high: Moreira & Muir, Volatility-Managed Portfolios, Journal of Finance
    72, 2017. Capital is shared equally among the symbols; the scale is never above 1.
    """

    timeframe: str = "1d"
    """The bars it runs on; only used to annualise."""
    lookback_rows: int = 252
    """Where the past change begins, in rows before the present one."""
    skip_rows: int = 21
    """The newest rows that the past change leaves out."""
    volatility_rows: int = 21
    """Returns that the realised volatility is measured on."""
    target_volatility: float = 0.15
    """Volatility a year at which the whole part is held, as a fraction: 0.15 is 15 %."""
    scale_step: float = 0.05
    """The scale is rounded to multiples of this, so that targets do not change at every row."""

    def __post_init__(self) -> None:
        if not 0 <= self.skip_rows < self.lookback_rows:
            raise ValueError(
                f"skip_rows {self.skip_rows} must be 0 or more and below lookback_rows "
                f"{self.lookback_rows}"
            )
        if self.volatility_rows < 2:  # noqa: PLR2004  (one return has no deviation)
            raise ValueError(f"volatility_rows is {self.volatility_rows}; expected 2 or more")
        if not (self.target_volatility > 0 and 0 < self.scale_step <= 1):
            raise ValueError("target_volatility must be above 0, scale_step above 0 and at most 1")

    @property
    def warmup(self) -> int:
        """As far back as the change and the volatility reach, and the present row."""
        return max(self.lookback_rows, self.volatility_rows) + 1

    def targets(self, panel: Panel) -> Floats:
        """Weights of all rows; NaN, which keeps the target, where a bar needed is missing."""
        momentum, volatility = self._measures(panel)
        with np.errstate(invalid="ignore", divide="ignore"):
            scale = np.minimum(self.target_volatility / volatility, 1.0)
        scale = np.rint(scale / self.scale_step) * self.scale_step
        weights = np.where(momentum > 0.0, scale, 0.0) / len(panel.symbols)
        known = ~np.isnan(momentum) & ~np.isnan(volatility) & ~np.isnan(panel.close)
        return np.where(known, np.minimum(weights, 1.0 / len(panel.symbols)), np.nan)

    def _measures(self, panel: Panel) -> tuple[Floats, Floats]:
        """The past change and the annualised volatility, (T, N) each; NaN in the warm-up.

        On a live window, which is as long as the warm-up, only the last row is computed.
        """
        close = panel.close
        first = self.warmup - 1
        momentum, volatility = np.full(close.shape, np.nan), np.full(close.shape, np.nan)
        if len(close) > first:
            rows = self.lookback_rows - self.skip_rows
            recent = close[first - self.lookback_rows : len(close) - self.skip_rows]
            momentum[first:] = change(recent, rows)[rows:]
            recent = close[first - self.volatility_rows :]
            moves = realised_volatility(recent, self.volatility_rows, self._rows_a_year(panel))
            volatility[first:] = moves[self.volatility_rows :]
        return momentum, volatility

    def _rows_a_year(self, panel: Panel) -> float:
        never_closes = asset_class(panel.symbols[0]) is AssetClass.CRYPTO
        return rows_per_year(parse_timeframe(self.timeframe), never_closes=never_closes)

    def explain(self, panel: Panel, symbol_index: int) -> str:
        """Why the target of a symbol changed."""
        momentum, volatility = (float(each[-1, symbol_index]) for each in self._measures(panel))
        text = f"{100 * momentum:+.1f} % over {self.lookback_rows - self.skip_rows} rows"
        if not momentum > 0.0:
            return f"{text}: no position"
        return (
            f"{text}, volatility {100 * volatility:.0f} % a year against a target of "
            f"{100 * self.target_volatility:g} %: hold"
        )

    @staticmethod
    def space() -> Mapping[str, Range]:
        """Where to search for parameters."""
        return {
            "lookback_rows": IntegerRange(60, 300),
            "skip_rows": IntegerRange(0, 40),
            "volatility_rows": IntegerRange(10, 60),
            "target_volatility": FloatRange(0.05, 0.5, log=True),
        }
