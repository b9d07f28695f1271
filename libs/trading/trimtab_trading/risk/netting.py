"""Between what is held, what works and what is wanted: the next order, or a cancel."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from trimtab_trading.open_orders import OpenOrder
from trimtab_trading.sizing import rounded_down

ZERO = Decimal(0)


class Plan(NamedTuple):
    """What is to be done about a symbol."""

    order: Decimal
    """Signed quantity to order now; 0 for none."""
    cancel: tuple[OpenOrder, ...]
    """Orders whose reason is gone."""
    waits: bool
    """A cancel is on its way: nothing is ordered until it is answered."""


def plan(
    *,
    target: Decimal,
    held: Decimal,
    orders: Sequence[OpenOrder],
    price: Decimal,
    unit: Decimal,
    tolerance: Decimal,
    least: Decimal,
) -> Plan:
    """Compare the target with holdings plus open orders.

    `tolerance` is the value of a difference that is left alone, `least` the value below which no
    order is made. An order is cancelled when the opposite is wanted or it would go beyond the
    target; the opposite order waits until the cancel is answered, so that the account never trades
    with itself. Only what is sold out leaves no fraction behind.
    """
    working = sum((order.signed_remaining for order in orders), ZERO)
    rest = target - held - working
    value = abs(rest) * price
    if any(order.cancelling for order in orders):
        return Plan(ZERO, (), waits=True)
    if not rest or value <= tolerance:
        return Plan(ZERO, (), waits=False)
    against = tuple(order for order in orders if order.signed_remaining * rest < 0)
    if against:
        return Plan(ZERO, against, waits=True)
    if target:
        rest = rounded_down(abs(rest), unit).copy_sign(rest)
    return Plan(rest if abs(rest) * price >= least else ZERO, (), waits=False)


class Wanted(NamedTuple):
    """A purchase that competes for cash."""

    quantity: Decimal
    unit: Decimal
    price: Decimal
    cost_of_one: Decimal
    worthwhile: Decimal
    """The value below which a part of it is not worth an order."""

    def part(self, cash: Decimal) -> Decimal:
        """What of it an amount of cash pays for; nothing rather than a crumb."""
        quantity = min(self.quantity, rounded_down(cash / self.cost_of_one, self.unit))
        whole = quantity == self.quantity
        return quantity if whole or quantity * self.price >= self.worthwhile else ZERO


def fit(purchases: Sequence[Wanted], cash: Decimal) -> list[Decimal]:
    """Scale purchases down to the cash there is, in whole units.

    All shrink by the same factor, and what rounding leaves over buys one more unit here and there
    in their order. Where that would make crumbs, they are served one after the other.
    """
    total = sum((each.quantity * each.cost_of_one for each in purchases), ZERO)
    if total <= cash:
        return [each.quantity for each in purchases]
    if cash <= 0:
        return [ZERO for _ in purchases]
    fitted = [each.part(each.quantity * each.cost_of_one * cash / total) for each in purchases]
    if not all(fitted):
        return _one_by_one(purchases, cash)
    left = cash - sum((q * w.cost_of_one for q, w in zip(fitted, purchases, strict=True)), ZERO)
    for index, each in enumerate(purchases):
        more = min(each.unit, each.quantity - fitted[index])
        if more > 0 and more * each.cost_of_one <= left:
            fitted[index] += more
            left -= more * each.cost_of_one
    return fitted


def _one_by_one(purchases: Sequence[Wanted], cash: Decimal) -> list[Decimal]:
    fitted = []
    for each in purchases:
        quantity = each.part(cash)
        cash -= quantity * each.cost_of_one
        fitted.append(quantity)
    return fitted
