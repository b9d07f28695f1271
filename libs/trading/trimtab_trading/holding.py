"""One holding with what it cost: average cost, realised and unrealised profit, exact in Decimal."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from trimtab_common.money import plain

ZERO = Decimal(0)
COST_STEP = Decimal("1e-9")


@dataclass(slots=True)
class Holding:
    """A signed quantity of one symbol and the money in it.

    Whatever happens in trades, `realised - cost` changes by exactly the cash that flowed, so
    profits add up to the cent over strategies and over time.
    """

    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    """What the present quantity cost, fees apart; negative for a short one."""
    realised: Decimal = ZERO
    """Profit of what was closed, less all fees."""
    unpriced: Decimal = ZERO
    """Quantity that came without a price, until the first one is seen."""

    @property
    def average_cost(self) -> Decimal | None:
        """Cost of one unit; None for nothing, and while no price was seen."""
        if not self.quantity or self.unpriced:
            return None
        return self.cost / self.quantity

    def unrealised(self, mark: Decimal) -> Decimal:
        """Profit if the whole were closed at the mark."""
        return self.quantity * mark - self.cost if not self.unpriced else ZERO

    def trade(self, quantity: Decimal, price: Decimal, fee: Decimal) -> None:
        """Buy (positive) or sell (negative) at a price; the fee is realised at once."""
        self.see(price)
        self.realised -= fee
        held = self.quantity
        if held * quantity < 0:
            closing = quantity if abs(quantity) <= abs(held) else -held
            released = self._released(-closing)
            self.cost -= released
            self.realised -= closing * price + released
            self.quantity += closing
            quantity -= closing
        self.quantity += quantity
        self.cost += quantity * price

    def adjust(self, quantity: Decimal, mark: Decimal | None) -> None:
        """Change the quantity without a trade.

        A split or a coin fee changes what one unit cost, not what the whole did. What arrives
        where nothing was, is taken in at the mark, or at the first price seen.
        """
        before = self.quantity
        self.quantity += quantity
        if before * self.quantity > 0:
            if self.unpriced:
                self.unpriced = self.quantity
            return
        self.cost = self.unpriced = ZERO
        if mark is None:
            self.unpriced = self.quantity
        else:
            self.cost = self.quantity * mark

    def see(self, price: Decimal) -> None:
        """Give what came without a price the first one there is."""
        if self.unpriced:
            self.cost += self.unpriced * price
            self.unpriced = ZERO

    def _released(self, quantity: Decimal) -> Decimal:
        """The cost of a part of the holding, by average cost."""
        if quantity == self.quantity:
            return self.cost
        part = self.cost * quantity / self.quantity
        return part.quantize(COST_STEP, ROUND_HALF_EVEN)

    @property
    def is_blank(self) -> bool:
        """Nothing held and nothing ever earned."""
        return not (self.quantity or self.realised or self.cost)

    def snapshot(self) -> list[str]:
        return [plain(value) for value in (self.quantity, self.cost, self.realised, self.unpriced)]


def restored(state: list[str]) -> Holding:
    """The holding whose `snapshot()` this was."""
    return Holding(*(Decimal(value) for value in state))
