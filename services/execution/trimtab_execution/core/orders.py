"""An order that is not over, and what there can be to do about one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from trimtab_common.events import Event, OrderApproved
from trimtab_common.money import plain
from trimtab_execution.ports import BrokerOrder, Update

ZERO = Decimal(0)
PRICE_STEP = Decimal("1e-9")


class State(StrEnum):
    """How far an order is. Terminal orders are forgotten here; the record keeps them."""

    HELD = "held"
    """Approved, and waiting for its session."""
    SENDING = "sending"
    """On its way, outcome not known yet."""
    WORKING = "working"
    """The broker has it."""
    CANCELLING = "cancelling"
    """It is to be taken back, and the broker has not said that it was."""


@dataclass(frozen=True)
class Order:
    """An order that is not over."""

    approved: OrderApproved
    written: str
    """The approval as JSON: every commit stores it."""
    state: State
    filled: Decimal = ZERO
    value: Decimal = ZERO
    """Σ quantity × price of its fills."""
    broker_id: str | None = None
    cancel_reason: str = ""

    def snapshot(self) -> list[Any]:
        return [
            self.written,
            self.state.value,
            plain(self.filled),
            plain(self.value),
            self.broker_id,
            self.cancel_reason,
        ]


def restored(state: list[Any]) -> Order:
    """The order whose `snapshot()` this was."""
    written, name, filled, value, broker_id, reason = state
    return Order(
        OrderApproved.model_validate_json(written),
        written,
        State(name),
        Decimal(filled),
        Decimal(value),
        broker_id,
        reason,
    )


@dataclass(frozen=True)
class Hold:
    """Write the order down; it is sent when its session opens."""

    order: OrderApproved


@dataclass(frozen=True)
class Send:
    """Submit the order, once; if it may have been sent before, ask about it first."""

    order: OrderApproved
    at: datetime
    maybe_sent: bool = False
    """By an earlier life of this room; the journal may know of more."""


@dataclass(frozen=True)
class Cancel:
    """Ask the broker to take the rest of the order back."""

    client_order_id: str
    at: datetime


@dataclass(frozen=True)
class Tell:
    """Nothing to do any more, only to say."""

    event: Event


Task = Hold | Send | Cancel | Tell


def fill_price(order: Order, seen: BrokerOrder, quantity: Decimal, last: Update | None) -> Decimal:
    """The price of what traded since the last look.

    An update that tells exactly this execution tells its price; otherwise it follows from the
    averages before and after: (average after × filled after − value before) / quantity. Averages
    are rounded, so where that gives no price the average itself has to do.
    """
    if last is not None and last.price is not None and last.quantity == quantity:
        return last.price
    average = seen.average_price or order.approved.reference_price
    price = ((seen.filled_quantity * average - order.value) / quantity).quantize(PRICE_STEP)
    return price if price > 0 else average
