"""Every order this room still answers for, and what has to be done about it next.

`OrderBook` is a stage without effects: the merge feeds it orders and rows, and it notes what to do
(`Hold`, `Send`, `Cancel`) or to say at once (`Tell`). The room does it and hands back what came of
it, which gives the events. It must say what the backtest's `Exchange` says.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from trimtab_common.events import (
    Event,
    OrderApproved,
    OrderCancelRequested,
    OrderFilled,
    RowClosed,
    fill_id,
)
from trimtab_execution.core.orders import (
    ZERO,
    Cancel,
    Hold,
    Order,
    Send,
    State,
    Task,
    Tell,
    fill_price,
    restored,
)
from trimtab_execution.core.wording import printable
from trimtab_execution.ports import BrokerOrder, Update
from trimtab_trading.exchange import (
    EXPIRED,
    accepted,
    cancelled,
    opened_at_by_symbol,
    rejected,
)
from trimtab_trading.stage import Input

REASON_LENGTH_MAX = 500


class OrderBook:
    """Execution's orders as a stage of the merge."""

    name = "execution"
    output = "fills"
    inputs = (Input("orders", -1), Input("bars"))
    asides: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.row: RowClosed | None = None
        """The row that was closed last."""
        self._tasks: list[Task] = []
        self._sent_before: Container[str] = ()
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
        key = order.client_order_id
        if key in self.orders:
            return
        now = order.not_before <= order.at or key in self._sent_before
        state = State.SENDING if now else State.HELD
        self.orders[key] = Order(order, order.model_dump_json(), state)
        self._tasks.append(Send(order, order.at) if now else Hold(order))

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
        for order in self.orders.values():
            opened = opened_at(order.approved.symbol)
            held = order.state is State.HELD
            if held and opened is not None and order.approved.not_before <= opened:
                self._send(order, at)

    def _send(self, order: Order, at: datetime) -> None:
        self.orders[order.approved.client_order_id] = replace(order, state=State.SENDING)
        self._tasks.append(Send(order.approved, at))

    def _drop(self, key: str, reason: str, at: datetime) -> None:
        order = self.orders[key]
        if order.state is State.HELD:
            del self.orders[key]
            self._tasks.append(Tell(cancelled(order.approved, at, ZERO, reason)))
        elif order.state is not State.CANCELLING:
            self.orders[key] = replace(order, state=State.CANCELLING, cancel_reason=reason)
            self._tasks.append(Cancel(key, at))

    def take_tasks(self) -> list[Task]:
        """What has to be done now, in the order in which it must be told."""
        tasks, self._tasks = self._tasks, []
        return tasks

    # ------------------------------------------------------------------ outcomes

    def accept(self, key: str, broker_id: str, at: datetime) -> list[Event]:
        """The broker has the order; nothing new if an update told it before the answer did."""
        order = self.orders.get(key)
        if order is None or order.broker_id is not None:
            return []
        cancelling = order.state is State.CANCELLING
        state = State.CANCELLING if cancelling else State.WORKING
        self.orders[key] = replace(order, state=state, broker_id=broker_id)
        if cancelling:  # asked for while nobody knew whether the order had arrived
            self._tasks.append(Cancel(key, at))
        return [accepted(order.approved, at, broker_id)]

    def reject(self, key: str, reason: str, at: datetime) -> list[Event]:
        """The order will never trade (any more)."""
        order = self.orders.pop(key, None)
        if order is None:
            return []
        return [rejected(order.approved, at, printable(reason)[:REASON_LENGTH_MAX])]

    def observe(self, seen: BrokerOrder, at: datetime, last: Update | None = None) -> list[Event]:
        """Learn an order's state from a look-up or an update; only news become events.

        Cumulative quantities make repeated, reordered and missing updates harmless: what a lost
        update would have told, the next look at the order tells. Whoever sees the order at the
        broker has learnt that it was accepted.
        """
        key = seen.client_order_id
        events = self.accept(key, seen.order_id, at)
        order = self.orders.get(key)
        if order is not None and seen.filled_quantity > order.filled:
            events.append(self._fill(order, seen, at, last))
            order = self.orders.get(key)
        if order is not None and seen.over:
            events.extend(self._end(order, seen, at))
        return events

    def _fill(
        self, order: Order, seen: BrokerOrder, at: datetime, last: Update | None
    ) -> OrderFilled:
        approved = order.approved
        key = approved.client_order_id
        quantity = seen.filled_quantity - order.filled
        price = fill_price(order, seen, quantity, last)
        if seen.filled_quantity >= approved.quantity:
            del self.orders[key]
        else:
            value = order.value + quantity * price
            self.orders[key] = replace(order, filled=seen.filled_quantity, value=value)
        return OrderFilled(
            id=fill_id(key, seen.filled_quantity),
            at=at,
            client_order_id=key,
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

    # ------------------------------------------------------------ coming back

    def adopt(self, approved: OrderApproved, seen: BrokerOrder, at: datetime) -> list[Event]:
        """Answer again for an order of ours that the broker has and the room has forgotten.

        What it has filled so far is in the account already and is not told as a fill.
        """
        key = approved.client_order_id
        value = seen.filled_quantity * (seen.average_price or ZERO)
        self.orders[key] = Order(
            approved, approved.model_dump_json(), State.WORKING, seen.filled_quantity, value
        )
        return self.accept(key, seen.order_id, at)

    def resume(self, sent_before: Container[str]) -> None:
        """Note anew what was under way when the state was stored.

        `sent_before`: the orders that an earlier life of the room may have sent without storing
        it. A held one among them waits no longer, it has to be asked about.
        """
        self._sent_before = sent_before
        for key, order in list(self.orders.items()):
            at = order.approved.at
            held = order.state is State.HELD
            if held and key in sent_before:
                self.orders[key] = replace(order, state=State.SENDING)
            if order.broker_id is None and (not held or key in sent_before):
                self._tasks.append(Send(order.approved, at, maybe_sent=True))
        self.cancel_again()

    def cancel_again(self, at: datetime | None = None) -> None:
        """A request to cancel may have been lost; repeating it does no harm."""
        self._tasks.extend(
            Cancel(key, at or order.approved.at)
            for key, order in self.orders.items()
            if order.state is State.CANCELLING and order.broker_id is not None
        )

    def snapshot(self) -> dict[str, Any]:
        return {"orders": [order.snapshot() for order in self.orders.values()]}

    def restore(self, state: dict[str, Any]) -> None:
        orders = [restored(order) for order in state["orders"]]
        self.orders = {order.approved.client_order_id: order for order in orders}
        self._tasks = []
