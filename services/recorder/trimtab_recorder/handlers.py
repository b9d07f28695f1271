"""What is kept of an event beside its own words. The table at the end says of which ones.

Every event but bars and marks is kept as it is; these are also folded into tables of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trimtab_common.events import (
    AlertRaised,
    Event,
    OrderAccepted,
    OrderApproved,
    OrderCancelled,
    OrderCancelRequested,
    OrderFilled,
    OrderRejected,
)
from trimtab_recorder.core.orders import OrderNews, OrderState
from trimtab_recorder.core.rows import Batch


def on_approval(order: OrderApproved, batch: Batch) -> None:
    """An order begins."""
    batch.learn(
        OrderNews(
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            at=order.at,
            created_at=order.at,
            state=OrderState.APPROVED,
            side=order.side.value,
            quantity=order.quantity,
            reason=order.reason,
        )
    )


def on_cancel_request(request: OrderCancelRequested, batch: Batch) -> None:
    """The reason for an order is gone; the order itself not yet."""
    batch.learn(
        OrderNews(
            client_order_id=request.client_order_id,
            symbol=request.symbol,
            at=request.at,
            created_at=request.at,
            state=OrderState.CANCELLING,
        )
    )


def on_acceptance(order: OrderAccepted, batch: Batch) -> None:
    """The broker holds it."""
    batch.learn(
        OrderNews(
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            at=order.at,
            created_at=order.at,
            state=OrderState.ACCEPTED,
            side=order.side.value,
            quantity=order.quantity,
        )
    )


def on_fill(fill: OrderFilled, batch: Batch) -> None:
    """Some of it traded; the fill is a row of its own."""
    done = fill.cumulative_quantity >= fill.order_quantity
    batch.learn(
        OrderNews(
            client_order_id=fill.client_order_id,
            symbol=fill.symbol,
            at=fill.at,
            created_at=fill.at,
            state=OrderState.FILLED if done else OrderState.PARTLY_FILLED,
            side=fill.side.value,
            quantity=fill.order_quantity,
            filled_quantity=fill.cumulative_quantity,
        )
    )
    batch.fills.append(
        {
            "id": fill.id,
            "client_order_id": fill.client_order_id,
            "symbol": fill.symbol,
            "side": fill.side.value,
            "quantity": fill.quantity,
            "price": fill.price,
            "fee": fill.fee,
            "cumulative_quantity": fill.cumulative_quantity,
            "at": fill.at,
        }
    )


def on_cancellation(order: OrderCancelled, batch: Batch) -> None:
    """What was left of it is gone."""
    batch.learn(
        OrderNews(
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            at=order.at,
            created_at=order.at,
            state=OrderState.CANCELLED,
            quantity=order.cumulative_quantity + order.remaining_quantity,
            filled_quantity=order.cumulative_quantity,
            reason=order.reason,
        )
    )


def on_rejection(order: OrderRejected, batch: Batch) -> None:
    """It will never trade."""
    batch.learn(
        OrderNews(
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            at=order.at,
            created_at=order.at,
            state=OrderState.REJECTED,
            reason=order.reason,
        )
    )


def on_alert(alert: AlertRaised, batch: Batch) -> None:
    """The owner was told something."""
    batch.alerts.append(
        {
            "id": alert.id,
            "rule": alert.rule,
            "key": alert.key,
            "severity": alert.severity.value,
            "title": alert.title,
            "text": alert.text,
            "cause": alert.cause,
            "count": alert.count,
            "at": alert.at,
            "recorded_at": batch.recorded_at,
        }
    )


HANDLERS: Mapping[type[Event], Callable[[Any, Batch], None]] = {
    OrderApproved: on_approval,
    OrderCancelRequested: on_cancel_request,
    OrderAccepted: on_acceptance,
    OrderFilled: on_fill,
    OrderCancelled: on_cancellation,
    OrderRejected: on_rejection,
    AlertRaised: on_alert,
}
