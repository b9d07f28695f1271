"""A strategy in ten lines: hold each symbol while its close is above its average."""

from dataclasses import dataclass

import numpy as np

from trimtab_trading.indicators import rolling_mean


@dataclass(frozen=True)
class AboveAverage:
    """Equal capital for every symbol that closes above the mean of its last `rows` closes."""

    rows: int = 50  # a parameter: set it in config/strategies.yaml, search it with space()

    @property
    def warmup(self):  # rows of history that a target needs
        return self.rows

    def targets(self, panel):  # (rows, symbols): 0 is flat, NaN keeps the target that stands
        average = rolling_mean(panel.close, self.rows)
        weights = np.where(panel.close > average, 1 / len(panel.symbols), 0.0)
        return np.where(np.isnan(average) | np.isnan(panel.close), np.nan, weights)
