"""Every order this room still answers for, and what has to be done about it next.

`OrderBook` is a stage without effects: the merge feeds it orders and rows, and it notes what to do
(`Send`, `Cancel`) or to say at once (`Tell`). The room does it and hands back what came of it,
which gives the events. It must say what the backtest's `Exchange` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from trimtab_common.events import (
    Event,
    OrderApproved,
    OrderCancelRequested,
    OrderFilled,
    RowClosed,
    fill_id,
)
from trimtab_common.money import plain
from trimtab_execution.ports import BrokerOrder, Update
from trimtab_trading.exchange import (
    EXPIRED,
    accepted,
    cancelled,
    opened_at_by_symbol,
    rejected,
)
from trimtab_trading.stage import Input

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
    """The broker was asked to take it back and has not said that it did."""


@dataclass(frozen=True)
class Order:
    """An order that is not over."""

    approved: OrderApproved
    state: State
    filled: Decimal = ZERO
    value: Decimal = ZERO
    """Σ quantity × price of its fills."""
    broker_id: str | None = None
    cancel_reason: str = ""


@dataclass(frozen=True)
class Hold:
    """Write the order down; it is sent when its session opens."""

    order: OrderApproved


@dataclass(frozen=True)
class Send:
    """Submit the order, once."""

    order: OrderApproved
    at: datetime


@dataclass(frozen=True)
class Cancel:
    """Ask the broker to take the rest of the order back."""

    client_order_id: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Tell:
    """Nothing to do any more, only to say."""

    event: Event


Task = Hold | Send | Cancel | Tell


class OrderBook:
    """Execution's orders as a stage of the merge."""

    name = "execution"
    output = "fills"
    inputs = (Input("orders", -1), Input("bars"))
    asides: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.tasks: list[Task] = []
        """What follows from the entries taken since the last `take_tasks`."""
        self.row: RowClosed | None = None
        """The row that was closed last."""
        self._acts: Mapping[type[Event], Callable[[Any], None]] = {
            OrderApproved: self.on_order,
            OrderCancelRequested: self.on_cancel,
        }

    def handle(self, event: Event) -> Iterable[Event]:
        act = self._acts.get(type(event))
        if act is not None:
            act(event)
        return ()

    def close(self, row: RowClosed) -> Iterable[Event]:
        """The row's bars are known to the venue: what is too late dies, what waited goes."""
        self.row = row
        if self.orders:
            self.due(row.at, opened_at_by_symbol(row).get)
        return ()

    def on_order(self, order: OrderApproved) -> None:
        if order.client_order_id in self.orders:
            return
        now = order.not_before <= order.at
        state = State.SENDING if now else State.HELD
        self.orders[order.client_order_id] = Order(order, state)
        self.tasks.append(Send(order, order.at) if now else Hold(order))

    def on_cancel(self, request: OrderCancelRequested) -> None:
        if request.client_order_id in self.orders:
            self._drop(request.client_order_id, request.reason, request.at)

    def due(self, at: datetime, opened_at: Callable[[str], datetime | None]) -> None:
        """Cancel what is past its `valid_until` and send what has reached its `not_before`.

        `opened_at(symbol)`: when the bar at hand opened, None when the symbol is not concerned.
        Live, the broker's clock stands for it.
        """
        for key, order in list(self.orders.items()):
            opened = opened_at(order.approved.symbol)
            if opened is not None and order.approved.valid_until < opened:
                self._drop(key, EXPIRED, at)
        for key, order in self.orders.items():
            opened = opened_at(order.approved.symbol)
            if (
                order.state is State.HELD
                and opened is not None
                and order.approved.not_before <= opened
            ):
                self.orders[key] = replace(order, state=State.SENDING)
                self.tasks.append(Send(order.approved, at))

    def _drop(self, key: str, reason: str, at: datetime) -> None:
        order = self.orders[key]
        if order.state is State.HELD:
            del self.orders[key]
            self.tasks.append(Tell(cancelled(order.approved, at, ZERO, reason)))
        elif order.state is not State.CANCELLING:
            self.orders[key] = replace(order, state=State.CANCELLING, cancel_reason=reason)
            self.tasks.append(Cancel(key, reason, at))

    def in_doubt(self) -> list[OrderApproved]:
        """Orders that were on their way when this was stored."""
        doubtful = (State.SENDING, State.CANCELLING)
        return [o.approved for o in self.orders.values() if o.state in doubtful and not o.broker_id]

    def take_tasks(self) -> list[Task]:
        """What has to be done now, in the order in which it must be told."""
        tasks, self.tasks = self.tasks, []
        return tasks

    # ------------------------------------------------------------------ outcomes

    def accept(self, key: str, broker_id: str, at: datetime) -> list[Event]:
        """The broker has the order."""
        order = self.orders[key]
        state = State.WORKING if order.state is State.SENDING else order.state
        self.orders[key] = replace(order, state=state, broker_id=broker_id)
        if state is State.CANCELLING:  # asked for while nobody knew whether it had arrived
            self.tasks.append(Cancel(key, order.cancel_reason, at))
        return [accepted(order.approved, at, broker_id)]

    def reject(self, key: str, reason: str, at: datetime) -> list[Event]:
        """The order will never trade (any more)."""
        order = self.orders.pop(key, None)
        return [] if order is None else [rejected(order.approved, at, reason[:500])]

    def observe(self, seen: BrokerOrder, at: datetime, last: Update | None = None) -> list[Event]:
        """Learn an order's state from a look-up or an update; only news become events.

        Cumulative quantities make repeated, reordered and missing updates harmless: what a lost
        update would have told, the next look at the order tells.
        """
        order = self.orders.get(seen.client_order_id)
        if order is None:
            return []
        events: list[Event] = []
        if seen.filled_quantity > order.filled:
            events.append(self._fill(order, seen, at, last))
            order = self.orders.get(seen.client_order_id)
        if order is not None and seen.over:
            events.extend(self._end(order, seen, at))
        return events

    def _fill(
        self, order: Order, seen: BrokerOrder, at: datetime, last: Update | None
    ) -> OrderFilled:
        approved = order.approved
        quantity = seen.filled_quantity - order.filled
        price = fill_price(order, seen, quantity, last)
        if seen.filled_quantity >= approved.quantity:
            del self.orders[approved.client_order_id]
        else:
            value = order.value + quantity * price
            grown = replace(order, filled=seen.filled_quantity, value=value)
            self.orders[approved.client_order_id] = grown
        return OrderFilled(
            id=fill_id(approved.client_order_id, seen.filled_quantity),
            at=at,
            client_order_id=approved.client_order_id,
            symbol=approved.symbol,
            side=approved.side,
            quantity=quantity,
            price=price,
            fee=last.fee if last else ZERO,
            cumulative_quantity=seen.filled_quantity,
            order_quantity=approved.quantity,
        )

    def _end(self, order: Order, seen: BrokerOrder, at: datetime) -> list[Event]:
        key = order.approved.client_order_id
        if seen.status == "rejected":
            return self.reject(key, seen.reason or "rejected by the broker", at)
        del self.orders[key]
        reason = order.cancel_reason or f"{seen.status} by the broker"
        return [cancelled(order.approved, at, order.filled, reason)]

    # --------------------------------------------------------------------- state

    def snapshot(self) -> dict[str, Any]:
        return {
            "orders": [
                [
                    order.approved.model_dump_json(),
                    order.state.value,
                    plain(order.filled),
                    plain(order.value),
                    order.broker_id,
                    order.cancel_reason,
                ]
                for order in self.orders.values()
            ],
        }

    def restore(self, state: dict[str, Any]) -> None:
        orders = [
            Order(
                OrderApproved.model_validate_json(approved),
                State(name),
                Decimal(filled),
                Decimal(value),
                broker_id,
                reason,
            )
            for approved, name, filled, value, broker_id, reason in state["orders"]
        ]
        self.orders = {order.approved.client_order_id: order for order in orders}
        self.tasks = []


def fill_price(order: Order, seen: BrokerOrder, quantity: Decimal, last: Update | None) -> Decimal:
    """The price of what traded since the last look.

    An update that tells exactly this execution tells its price; otherwise it follows from the
    averages before and after: (average after × filled after − value before) / quantity.
    """
    if last is not None and last.price is not None and last.quantity == quantity:
        return last.price
    average = seen.average_price or order.approved.reference_price
    return ((seen.filled_quantity * average - order.value) / quantity).quantize(PRICE_STEP)
