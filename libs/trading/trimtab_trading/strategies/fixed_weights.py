"""Fixed weights: an allocation that is kept, the strategy behind a rebalancer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trimtab_trading.arrays import Floats
from trimtab_trading.panel import Panel


@dataclass(frozen=True, kw_only=True)
class FixedWeights:
    """Hold each symbol at a given part of the capital.

    Source: strategic allocation, rebalanced to constant weights (Perold & Sharpe, Dynamic
    Strategies for Asset Allocation, Financial Analysts Journal 44, 1988). The target never
    changes; trading back what has drifted is the risk room's `rebalance: drift`. A schedule such as
    `close-5m` says when the target is first made known.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    """Symbol → fraction of the capital, 0.6 is 60 %; symbols left out get 0. Empty: equal parts."""

    def __post_init__(self) -> None:
        for symbol, weight in self.weights.items():
            if type(weight) not in (int, float) or not weight >= 0:
                raise ValueError(f"the weight of {symbol} is {weight!r}; expected 0 or more")
        if sum(self.weights.values()) > 1.0 + 1e-9:
            raise ValueError(f"the weights add up to {sum(self.weights.values()):g}, at most 1")

    @property
    def warmup(self) -> int:
        """The present row."""
        return 1

    def targets(self, panel: Panel) -> Floats:
        """The same weights at every row; a weight for a symbol not traded here is an error."""
        count = len(panel.symbols)
        row = np.full(count, 1.0 / count)
        if self.weights:
            row[:] = 0.0
            for symbol, weight in self.weights.items():
                row[panel.index(symbol)] = weight
        return np.tile(row, (len(panel), 1))

    def explain(self, panel: Panel, symbol_index: int) -> str:
        """Why a target changed."""
        weight = self.targets(panel.last(1))[0, symbol_index]
        return f"allocation: {100 * weight:g} % of the capital"

    @staticmethod
    def space() -> dict[str, Any]:
        """Weights are the owner's decision, not a search's."""
        return {}
