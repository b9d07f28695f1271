"""The built-in strategies, by the name that a configuration file gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trimtab_trading.strategies.buy_and_hold import BuyAndHold
from trimtab_trading.strategies.fixed_weights import FixedWeights
from trimtab_trading.strategies.mean_reversion import MeanReversion
from trimtab_trading.strategies.volatility_managed_momentum import VolatilityManagedMomentum

__all__ = [
    "REGISTRY",
    "BuyAndHold",
    "FixedWeights",
    "MeanReversion",
    "VolatilityManagedMomentum",
]

REGISTRY: Final[Mapping[str, type]] = {
    "buy_and_hold": BuyAndHold,
    "fixed_weights": FixedWeights,
    "mean_reversion": MeanReversion,
    "volatility_managed_momentum": VolatilityManagedMomentum,
}
