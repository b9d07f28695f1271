"""Does at the broker what the order book decided, and turns the outcomes into events."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from trimtab_common.events import Event, OrderApproved, instant
from trimtab_common.symbols import Symbol
from trimtab_execution.core.orders import Cancel, Hold, OrderBook, Send, Tell
from trimtab_execution.core.placing import NotPlaced, Placed, Placing
from trimtab_execution.metrics import ExecutionMetrics
from trimtab_execution.ports import (
    Account,
    Broker,
    BrokerOrder,
    DuplicateId,
    Journal,
    NotCancelable,
    OutcomeUnknown,
    Refused,
    Switch,
    Update,
)

RETRY_SECONDS = 0.03
HINTS_AWAITED_MAX = 2_000

Result = TypeVar("Result")
Outcome = Placed | NotPlaced | None


class BrokerDesk:
    """The hands of execution: threads for the blocking client, one journal, one switch."""

    def __init__(
        self,
        broker: Broker,
        journal: Journal,
        switch: Switch,
        metrics: ExecutionMetrics,
        *,
        posters: int,
        place_seconds: float,
        now: Callable[[], datetime],
    ) -> None:
        self.simulated = broker.final_at_once
        self.trouble: str | None = None
        """Why the broker cannot be reached, for the health board."""
        self._broker = broker
        self._journal = journal
        self._switch = switch
        self._metrics = metrics
        self._place_seconds = place_seconds
        self._now = now
        self._threads = ThreadPoolExecutor(posters, thread_name_prefix="broker")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._posters = posters
        self._placing = Placing(broker, self._call, asyncio.sleep, self._still_valid)
        self._unsettled: dict[str, tuple[asyncio.Future[Outcome], datetime]] = {}
        self._settled: list[tuple[str, str, str | None]] = []
        self._awaited: deque[str] = deque()

    async def _call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, function, *arguments)

    async def _write(self, function: Callable[..., Result], *arguments: Any) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, function, *arguments)

    def _still_valid(self, order: OrderApproved) -> bool:
        if self._switch.halted() is not None:
            return False
        return self.simulated or self._now() <= order.valid_until

    # ------------------------------------------------------------------ placing

    async def perform(self, book: OrderBook) -> list[Event]:
        """Send, cancel and tell, in the order in which the book noted it."""
        tasks = book.take_tasks()
        held = [task.order for task in tasks if isinstance(task, Hold)]
        if held:
            await self._write(lambda: self._journal.intend(held, send=False))
        sends = [task for task in tasks if isinstance(task, Send)]
        outcomes = await self._send([send.order for send in sends]) if sends else {}
        events = self._late_outcomes(book)
        for task in tasks:
            if isinstance(task, Tell):
                events.append(task.event)
            elif isinstance(task, Cancel):
                events.extend(await self._cancel(book, task))
            elif isinstance(task, Send):
                key = task.order.client_order_id
                events.extend(self._settle(book, key, outcomes.get(key), task.at))
        return events

    async def _send(self, orders: Sequence[OrderApproved]) -> dict[str, Outcome]:
        """Journal all in one transaction, then submit; doubtful ones are asked about."""
        settled, self._settled = self._settled, []
        await self._write(self._journal.settle, settled)
        sent_before = await self._write(lambda: self._journal.intend(orders, send=True))
        started = time.perf_counter()
        outcomes: dict[str, Outcome] = {}
        fresh = [order for order in orders if order.client_order_id not in sent_before]
        shares = [fresh[start :: self._posters] for start in range(self._posters)]
        for share in await asyncio.gather(
            *(self._call(self._submit_share, share) for share in shares if share)
        ):
            outcomes.update(share)
        doubtful = [o for o in orders if outcomes.get(o.client_order_id) is None]
        outcomes.update(await self._resolve(doubtful))
        self._metrics.place_seconds.observe(time.perf_counter() - started)
        return outcomes

    def _submit_share(self, orders: Sequence[OrderApproved]) -> dict[str, Outcome]:
        """One thread's part. None: the outcome is unknown."""
        outcomes: dict[str, Outcome] = {}
        for order in orders:
            if not self._still_valid(order):
                reason = self._switch.halted() or "past its time"
                outcomes[order.client_order_id] = NotPlaced(f"not sent: {reason}")
                continue
            try:
                outcomes[order.client_order_id] = Placed(self._broker.submit(order))
            except Refused as reason:
                outcomes[order.client_order_id] = NotPlaced(str(reason))
            except (OutcomeUnknown, DuplicateId):
                outcomes[order.client_order_id] = None
        return outcomes

    async def _resolve(self, orders: Sequence[OrderApproved]) -> dict[str, Outcome]:
        """Ask about doubtful orders. A simulation waits; a live row does not wait for ever."""
        if not orders:
            return {}
        self._metrics.unknown.inc(len(orders))
        asking: dict[str, asyncio.Future[Outcome]] = {
            order.client_order_id: asyncio.ensure_future(self._ask(order)) for order in orders
        }
        self._unsettled |= {o.client_order_id: (asking[o.client_order_id], o.at) for o in orders}
        timeout = None if self.simulated else self._place_seconds
        await asyncio.wait(asking.values(), timeout=timeout)
        known = [key for key, future in asking.items() if future.done()]
        return {key: self._unsettled.pop(key)[0].result() for key in known}

    def _ask(self, order: OrderApproved) -> Coroutine[Any, Any, Outcome]:
        return self._placing.place(order, maybe_sent=True)

    def _late_outcomes(self, book: OrderBook) -> list[Event]:
        """Doubtful orders of earlier rows that are known by now."""
        events: list[Event] = []
        for key, (future, at) in list(self._unsettled.items()):
            if future.done():
                del self._unsettled[key]
                events.extend(self._settle(book, key, future.result(), at))
        return events

    async def resume(self, book: OrderBook) -> None:
        """Ask about the orders that were on their way when this room ended."""
        for order in book.in_doubt():
            asking = asyncio.ensure_future(self._ask(order))
            self._unsettled[order.client_order_id] = (asking, order.at)

    def _settle(self, book: OrderBook, key: str, outcome: Outcome, at: datetime) -> Iterable[Event]:
        if outcome is None:
            return ()
        if isinstance(outcome, Placed):
            self._metrics.orders.labels("accepted").inc()
            self._settled.append((key, "accepted", outcome.order_id))
            return book.accept(key, outcome.order_id, at)
        self._metrics.orders.labels("rejected").inc()
        self._settled.append((key, "rejected", None))
        return book.reject(key, outcome.reason, at)

    # --------------------------------------------------------------- cancelling

    async def _cancel(self, book: OrderBook, task: Cancel) -> list[Event]:
        """Ask to take the rest back. What the broker says of the order afterwards rules."""
        order = book.orders.get(task.client_order_id)
        if order is None or order.broker_id is None:
            return []
        while True:
            try:
                await self._call(self._broker.cancel, order.broker_id)
                if not self.simulated:
                    return []  # only a request: the update, or the next look, tells
                over = BrokerOrder(
                    order.broker_id, task.client_order_id, order.approved.symbol, "canceled",
                    order.approved.quantity, order.filled, None,
                )  # fmt: skip
                return book.observe(over, task.at)
            except NotCancelable:
                found = await self._find(task.client_order_id)
                return [] if found is None else book.observe(found, task.at)
            except OutcomeUnknown:
                if not self.simulated:
                    return []
                await asyncio.sleep(RETRY_SECONDS)

    async def _find(self, client_order_id: str) -> BrokerOrder | None:
        while True:
            try:
                return await self._call(self._broker.find, client_order_id)
            except OutcomeUnknown as reason:
                self.trouble = str(reason)
                if not self.simulated:
                    return None
                await asyncio.sleep(RETRY_SECONDS)

    # ------------------------------------------------------------------ learning

    async def open(self, book: OrderBook, row: datetime) -> list[Event]:
        """Let a simulated exchange open the row; its answer tells every fill of it."""
        if not self.simulated:
            return []
        started = time.perf_counter()
        while True:
            try:
                updates = await self._call(self._broker.open_row, row)
                break
            except OutcomeUnknown as reason:
                self.trouble = f"the row of {instant(row)} cannot be opened: {reason}"
                await asyncio.sleep(RETRY_SECONDS)
        self.trouble = None
        self._metrics.open_seconds.observe(time.perf_counter() - started)
        self._await_hints(updates)
        return [e for u in updates for e in book.observe(u.order, row, u)]

    def _await_hints(self, updates: Sequence[Update]) -> None:
        """The update stream should tell the same; it is never waited for."""
        self._awaited.extend(update.execution_id for update in updates)
        while len(self._awaited) > HINTS_AWAITED_MAX:
            self._awaited.popleft()
            self._metrics.hints_missed.inc()

    def hear(self, book: OrderBook, updates: Sequence[Update], at: datetime) -> list[Event]:
        """Messages of the update stream."""
        if not updates:
            return []
        self._metrics.hints.inc(len(updates))
        if not self.simulated:
            return [e for u in updates for e in book.observe(u.order, at, u)]
        heard = {update.execution_id for update in updates}
        self._awaited = deque(key for key in self._awaited if key not in heard)
        return []

    async def holdings(self) -> tuple[Account, dict[Symbol, Decimal]]:
        """The account and its positions, however long it takes to learn them."""
        while True:
            try:
                account, positions = await self.read_account()
            except OutcomeUnknown as reason:
                self.trouble = f"the account cannot be read: {reason}"
                await asyncio.sleep(RETRY_SECONDS if self.simulated else 1.0)
            else:
                self.trouble = None
                return account, positions

    async def read_account(self) -> tuple[Account, dict[Symbol, Decimal]]:
        """One look at cash and positions; may raise OutcomeUnknown."""
        positions = await self._call(self._broker.positions)
        return await self._call(self._broker.account), positions

    async def open_orders(self) -> Sequence[BrokerOrder]:
        """One look at what may still trade; may raise OutcomeUnknown."""
        return await self._call(self._broker.open_orders)

    async def look_up(self, book: OrderBook, still_open: set[str], now: datetime) -> list[Event]:
        """Our orders that the broker no longer lists as open: they ended unseen."""
        events: list[Event] = []
        for key, order in list(book.orders.items()):
            if order.broker_id is not None and key not in still_open:
                found = await self._find(key)
                if found is not None:
                    events.extend(book.observe(found, now))
        return events

    @property
    def unsettled(self) -> list[str]:
        """Orders whose outcome nobody knows yet."""
        return list(self._unsettled)
