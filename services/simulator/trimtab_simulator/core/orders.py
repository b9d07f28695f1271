"""An order's life at the exchange, and how Alpaca shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from trimtab_common.events import instant
from trimtab_common.money import plain
from trimtab_common.sides import Side
from trimtab_common.symbols import Symbol
from trimtab_simulator.core.assets import asset_id, class_of
from trimtab_trading.broker_ids import broker_order_id

ZERO = Decimal(0)
SMALLEST = Decimal("1e-9")


class Status(StrEnum):
    """Where an order stands; PENDING_NEW is only ever seen in the answer to its submission."""

    PENDING_NEW = "pending_new"
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


NEXT = {
    Status.NEW: frozenset(
        {
            Status.PARTIALLY_FILLED,
            Status.FILLED,
            Status.CANCELED,
            Status.EXPIRED,
            Status.REJECTED,
        }
    ),
    Status.PARTIALLY_FILLED: frozenset(
        {
            Status.PARTIALLY_FILLED,
            Status.FILLED,
            Status.CANCELED,
            Status.EXPIRED,
            Status.REJECTED,
        }
    ),
}
"""From which status an order can go where; what is not here is the end."""

ENDED_AT = {
    Status.FILLED: "filled_at",
    Status.CANCELED: "canceled_at",
    Status.EXPIRED: "expired_at",
    Status.REJECTED: "failed_at",
}
ABSENT = dict.fromkeys(
    (
        "replaced_at",
        "replaced_by",
        "replaces",
        "limit_price",
        "stop_price",
        "trail_percent",
        "trail_price",
        "hwm",
        "legs",
    )
)
"""What market orders do not have."""


@dataclass(slots=True)
class Order:
    """A market order as the exchange remembers it."""

    client_order_id: str
    symbol: Symbol
    side: Side
    quantity: Decimal
    time_in_force: str
    submitted_at: datetime
    expires_at: datetime | None
    status: Status = Status.NEW
    filled: Decimal = ZERO
    value: Decimal = ZERO
    """The sum of quantity × price over all fills."""
    updated_at: datetime | None = None
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = broker_order_id(self.client_order_id)

    @property
    def is_open(self) -> bool:
        return self.status in NEXT

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled

    def become(self, status: Status, at: datetime) -> None:
        """Go on to another status; what is not in the table cannot happen."""
        if status not in NEXT.get(self.status, ()):
            raise RuntimeError(f"order {self.client_order_id} is {self.status}, not {status}")
        self.status = status
        self.updated_at = at

    def fill(self, quantity: Decimal, price: Decimal, at: datetime) -> None:
        """Take in one trade."""
        self.filled += quantity
        self.value += quantity * price
        self.become(Status.PARTIALLY_FILLED if self.remaining else Status.FILLED, at)

    @property
    def average_price(self) -> Decimal | None:
        """What the filled part cost per unit, to nine places."""
        return (self.value / self.filled).quantize(SMALLEST) if self.filled else None


def order_json(order: Order, status: Status | None = None) -> dict[str, Any]:
    """An order as Alpaca shows it; `status` stands in for the order's own."""
    shown = status or order.status
    submitted = instant(order.submitted_at)
    average = order.average_price
    ended = dict.fromkeys(ENDED_AT.values())
    if shown in ENDED_AT and order.updated_at is not None:
        ended[ENDED_AT[shown]] = instant(order.updated_at)
    shown_order = {
        "id": order.id,
        "client_order_id": order.client_order_id,
        "created_at": submitted,
        "updated_at": instant(order.updated_at or order.submitted_at),
        "submitted_at": submitted,
        **ended,
        "asset_id": asset_id(order.symbol),
        "symbol": order.symbol,
        "asset_class": class_of(order.symbol),
        "notional": None,
        "qty": plain(order.quantity),
        "filled_qty": plain(order.filled),
        "filled_avg_price": None if average is None else plain(average),
        "order_class": "simple",
        "order_type": "market",
        "type": "market",
        "side": order.side.value,
        "position_intent": "buy_to_open" if order.side is Side.BUY else "sell_to_close",
        "time_in_force": order.time_in_force,
        "status": shown.value,
        "extended_hours": False,
        **ABSENT,
    }
    if order.expires_at is not None:
        shown_order["expires_at"] = instant(order.expires_at)
    return shown_order
