"""What execution learns from the broker: acceptance, rejection, fills, cancels, corrections."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from trimtab_common.events.base import Event, Name, Text
from trimtab_common.money import Money, NonNegative, Price, Quantity, SignedQuantity, plain
from trimtab_common.sides import Side
from trimtab_common.symbols import Symbol


class OrderAccepted(Event):
    """The broker holds the order under `order_id`."""

    stream: ClassVar[str] = "fills"
    produced_by: ClassVar[str] = "execution"

    client_order_id: Name
    order_id: Name
    symbol: Symbol
    side: Side
    quantity: Quantity


class OrderRejected(Event):
    """The order will never trade: the broker, or the last check before sending, said no."""

    stream: ClassVar[str] = "fills"
    produced_by: ClassVar[str] = "execution"

    client_order_id: Name
    symbol: Symbol
    reason: Text


class OrderFilled(Event):
    """Part or all of an order traded. Cumulative, so that stream and REST agree."""

    stream: ClassVar[str] = "fills"
    produced_by: ClassVar[str] = "execution"

    client_order_id: Name
    symbol: Symbol
    side: Side
    quantity: Quantity
    price: Price
    fee: NonNegative
    cumulative_quantity: Quantity
    order_quantity: Quantity


class OrderCancelled(Event):
    """What was left of the order is gone; `cumulative_quantity` had traded before."""

    stream: ClassVar[str] = "fills"
    produced_by: ClassVar[str] = "execution"

    client_order_id: Name
    symbol: Symbol
    cumulative_quantity: NonNegative
    remaining_quantity: Quantity
    reason: Text


class CashAdjusted(Event):
    """Cash changed without an order: dividend, fee, interest, transfer."""

    stream: ClassVar[str] = "fills"
    produced_by: ClassVar[str] = "execution"

    account: Name
    amount: Money
    reason: Text


class PositionAdjusted(Event):
    """A position changed without an order: split, transfer, coin fee."""

    stream: ClassVar[str] = "fills"
    produced_by: ClassVar[str] = "execution"

    account: Name
    symbol: Symbol
    quantity: SignedQuantity
    reason: Text


def fill_id(client_order_id: str, cumulative_quantity: Decimal) -> str:
    """One id per state of the order, whoever reports it: stream, REST look-up or replay."""
    return f"fill:{client_order_id}:{plain(cumulative_quantity)}"
