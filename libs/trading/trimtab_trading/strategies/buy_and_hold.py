"""Buy and hold: the yardstick that every other strategy is measured against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from trimtab_trading.arrays import Floats
from trimtab_trading.panel import Panel


@dataclass(frozen=True, kw_only=True)
class BuyAndHold:
    """Give every symbol the same part of the capital at its first bar, and then do nothing.

    Source: the benchmark of every textbook; nothing is optimised. Its target is said once and
    stands, so only the risk room's drift rule ever trades it again.
    """

    @property
    def warmup(self) -> int:
        """The present row."""
        return 1

    def start(self) -> list[bool]:
        """Nothing is bought."""
        return []

    def step(self, panel: Panel, state: list[bool]) -> tuple[Floats, list[bool]]:
        """Buy what has a bar and was not bought before."""
        bought = state or [False] * len(panel.symbols)
        has_bar = ~np.isnan(panel.close[-1])
        buys = has_bar & ~np.array(bought)
        weights = np.where(buys, 1.0 / len(panel.symbols), np.nan)
        return weights, (np.array(bought) | has_bar).tolist()

    def explain(self, panel: Panel, symbol_index: int) -> str:
        """Why a target changed."""
        return f"first bar: buy and hold 1/{len(panel.symbols)} of the capital"

    @staticmethod
    def space() -> dict[str, Any]:
        """There is nothing to search."""
        return {}
