"""From weights to quantities: how much of a symbol each strategy is to hold."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from trimtab_common.money import plain, to_float
from trimtab_common.symbols import Symbol
from trimtab_trading.risk.instruments import Instrument
from trimtab_trading.risk.limits import Rebalance
from trimtab_trading.risk.targets import Targets
from trimtab_trading.sizing import allocate, size

ZERO = Decimal(0)


class Aims:
    """The quantities that follow from the standing targets.

    With `drift` they are worked out anew whenever a symbol is looked at. With `on_change` the aim
    of a strategy is fixed when its target changes, kept until the position has reached it, and
    forgotten then: prices and equity that move later move nothing.
    """

    def __init__(self, targets: Targets, rebalance: Rebalance) -> None:
        self._targets = targets
        self._fixed = rebalance is Rebalance.ON_CHANGE
        self._kept: dict[Symbol, dict[str, Decimal]] = {}
        self._changed: dict[Symbol, list[str]] = {}

    def change(self, symbol: Symbol, strategy: str) -> None:
        """A strategy's target is another one now."""
        if self._fixed:
            changed = self._changed.setdefault(symbol, [])
            if strategy not in changed:
                changed.append(strategy)

    def change_all(self, symbol: Symbol) -> None:
        """Every target of a symbol is to be reached anew."""
        for strategy in self._targets.of(symbol):
            self.change(symbol, strategy)

    def rescale(self, symbol: Symbol) -> None:
        """A split has changed what a quantity means: aims not reached yet are set anew."""
        for strategy in self._kept.get(symbol, {}):
            self.change(symbol, strategy)

    def forget(self, symbol: Symbol) -> None:
        """The aim is reached, or void."""
        self._kept.pop(symbol, None)
        self._changed.pop(symbol, None)

    def of(
        self,
        instrument: Instrument,
        equity: float | None,
        price: float,
        book: Mapping[str, Decimal],
    ) -> dict[str, Decimal] | None:
        """What each strategy is to hold; None where that cannot be known."""
        portions = self._targets.portions(instrument.symbol)
        if not any(portions.values()):
            equity = 0.0  # nothing is wanted, whatever there is
        if equity is None:
            return None
        capital = max(equity, 0.0)
        if not self._fixed:
            return _divided(portions, capital, price, instrument)
        return self._fix(portions, capital, price, instrument, book)

    def _fix(
        self,
        portions: Mapping[str, Decimal],
        capital: float,
        price: float,
        instrument: Instrument,
        book: Mapping[str, Decimal],
    ) -> dict[str, Decimal]:
        symbol = instrument.symbol
        changed = self._changed.pop(symbol, [])
        if not changed and symbol not in self._kept:
            return dict(book)
        aim = self._kept.setdefault(symbol, {})
        decimals = instrument.limits.quantity_decimals
        for strategy in portions:
            if strategy in changed:
                aim[strategy] = size(to_float(portions[strategy]) * capital / price, decimals)
            elif strategy not in aim:
                aim[strategy] = book.get(strategy, ZERO)
        return dict(aim)

    def snapshot(self) -> dict[str, Any]:
        return {
            "kept": {
                symbol: {strategy: plain(quantity) for strategy, quantity in aim.items()}
                for symbol, aim in self._kept.items()
            },
            "changed": {symbol: list(changed) for symbol, changed in self._changed.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._kept = {
            symbol: {strategy: Decimal(quantity) for strategy, quantity in aim.items()}
            for symbol, aim in state["kept"].items()
        }
        self._changed = {symbol: list(changed) for symbol, changed in state["changed"].items()}


def _divided(
    portions: Mapping[str, Decimal], capital: float, price: float, instrument: Instrument
) -> dict[str, Decimal]:
    """One quantity for the account, divided among the strategies: sized once, not each for itself.

    Ten strategies that want 0.4 shares each want 4 shares.
    """
    wanted = to_float(sum(portions.values(), ZERO)) * capital / price
    quantity = size(wanted, instrument.limits.quantity_decimals)
    parts = allocate(quantity, portions, instrument.unit)
    return {strategy: parts.get(strategy, ZERO) for strategy in portions}
