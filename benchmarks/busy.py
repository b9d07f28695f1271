"""Strategies to load the spine with: one trades a dozen symbols in every row, one rests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trimtab_trading.panel import Panel

MINUTE = np.timedelta64(1, "m")


@dataclass(frozen=True)
class Busy:
    """Twelve symbols, a little more of each in one minute and a little less in the next."""

    traded: int = 12
    warmup: int = 2

    def targets(self, panel: Panel) -> NDArray[np.float64]:
        weights = np.zeros((len(panel.ts), len(panel.symbols)))
        minutes = (
            panel.ts.astype("datetime64[m]") - np.datetime64("2000-01-01T00:00", "m")
        ) / MINUTE
        weights[:, : self.traded] = np.where(minutes % 2 == 0, 0.05, 0.03)[:, None]
        return weights


@dataclass(frozen=True)
class Resting:
    """Looks at every bar and wants nothing."""

    warmup: int = 2

    def targets(self, panel: Panel) -> NDArray[np.float64]:
        return np.zeros((len(panel.ts), len(panel.symbols)))
