"""What the stream of trade updates carries, for every change of an order.

Beside Alpaca's fields an update of ours says the `fee` of a fill and the `reason` of a rejection,
which Alpaca tells elsewhere, later, or not at all.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from trimtab_common.events import instant
from trimtab_common.money import plain
from trimtab_simulator.core.orders import Order, Status, order_json
from trimtab_trading.broker_ids import derived_id, execution_id

Update = dict[str, Any]


def update(order: Order, at: datetime) -> Update:
    """The order has become what it is now: new, canceled, expired or rejected."""
    event = order.status.value
    return {
        "event": event,
        "execution_id": derived_id(f"{event}:{order.client_order_id}"),
        "timestamp": instant(at),
        "order": order_json(order),
    }


def rejection(order: Order, at: datetime, reason: str) -> Update:
    """The account could not bear the order."""
    return update(order, at) | {"reason": reason}


def fill(
    order: Order, at: datetime, quantity: Decimal, price: Decimal, fee: Decimal, held: Decimal
) -> Update:
    """Part or all of the order traded; `held` is the position afterwards."""
    return {
        "event": "fill" if order.status is Status.FILLED else "partial_fill",
        "execution_id": execution_id(order.client_order_id, order.filled),
        "timestamp": instant(at),
        "order": order_json(order),
        "price": plain(price),
        "qty": plain(quantity),
        "position_qty": plain(held),
        "fee": plain(fee),
    }
