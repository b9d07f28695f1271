"""Whose a position is: one book per strategy and symbol, whose sum is the account's position."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from trimtab_common.sides import Side
from trimtab_common.symbols import Symbol
from trimtab_trading import holding
from trimtab_trading.holding import Holding
from trimtab_trading.open_orders import UNASSIGNED
from trimtab_trading.sizing import NANO, allocate, unit_among

ZERO = Decimal(0)


class Books:
    """The strategies' parts of every position; what nobody owns is in the book `unassigned`."""

    def __init__(self) -> None:
        self._parts: dict[Symbol, dict[str, Holding]] = {}

    def symbols(self) -> tuple[Symbol, ...]:
        """Every symbol anybody ever held, sorted."""
        return tuple(sorted(self._parts))

    def holdings(self, symbol: Symbol) -> dict[str, Holding]:
        """The books of a symbol by strategy, sorted."""
        parts = self._parts.get(symbol, {})
        return {strategy: parts[strategy] for strategy in sorted(parts)}

    def quantities(self, symbol: Symbol) -> dict[str, Decimal]:
        """Who holds how much of a symbol."""
        return {strategy: part.quantity for strategy, part in self.holdings(symbol).items()}

    def trade(
        self, symbol: Symbol, side: Side, parts: Mapping[str, Decimal], price: Decimal, fee: Decimal
    ) -> None:
        """Book a trade that is divided into parts; the fee is divided in proportion."""
        if side is Side.SELL:
            parts = self._from_holders(symbol, parts)
        fees = allocate(fee, parts, NANO)
        for strategy, part in parts.items():
            signed = part * side.sign
            self._part(symbol, strategy).trade(signed, price, fees.get(strategy, ZERO))

    def adjust(self, symbol: Symbol, quantity: Decimal, mark: Decimal | None) -> None:
        """Change every book of a symbol in proportion, as a split does."""
        held = {s: q for s, q in self.quantities(symbol).items() if q > 0}
        parts = {UNASSIGNED: abs(quantity)}
        if held:
            parts = allocate(abs(quantity), held, unit_among([quantity, *held.values()]))
        for strategy, part in parts.items():
            self._part(symbol, strategy).adjust(part.copy_sign(quantity), mark)

    def cross(self, symbol: Symbol, strategy: str, quantity: Decimal, price: Decimal) -> None:
        """One side of an exchange between strategies, without a fee."""
        self._part(symbol, strategy).trade(quantity, price, ZERO)

    def see(self, symbol: Symbol, price: Decimal) -> None:
        """The first price of a symbol values what came without one."""
        for part in self._parts.get(symbol, {}).values():
            part.see(price)

    def _from_holders(self, symbol: Symbol, parts: Mapping[str, Decimal]) -> dict[str, Decimal]:
        """What is sold and was nobody's is taken from all strategies, pro rata to what they hold.

        Somebody sold by hand, or more was sold than ordered: the strategies hold it no longer.
        """
        book = self.quantities(symbol)
        nobodys = max(book.pop(UNASSIGNED, ZERO), ZERO)
        excess = parts.get(UNASSIGNED, ZERO) - nobodys
        free = {s: max(q - parts.get(s, ZERO), ZERO) for s, q in book.items()}
        taken = min(excess, sum(free.values(), ZERO))
        if taken <= 0:
            return dict(parts)
        shared = {**parts, UNASSIGNED: parts[UNASSIGNED] - taken}
        for strategy, part in allocate(taken, free, unit_among([taken, *free.values()])).items():
            shared[strategy] = shared.get(strategy, ZERO) + part
        return {strategy: part for strategy, part in shared.items() if part}

    def _part(self, symbol: Symbol, strategy: str) -> Holding:
        return self._parts.setdefault(symbol, {}).setdefault(strategy, Holding())

    def snapshot(self) -> dict[Symbol, dict[str, list[str]]]:
        return {
            symbol: {strategy: part.snapshot() for strategy, part in parts.items()}
            for symbol, parts in self._parts.items()
        }

    def restore(self, state: dict[Symbol, dict[str, list[str]]]) -> None:
        self._parts = {
            symbol: {strategy: holding.restored(part) for strategy, part in parts.items()}
            for symbol, parts in state.items()
        }
