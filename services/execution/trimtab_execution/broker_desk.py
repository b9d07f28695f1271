"""Does at the broker what the order book decided, and turns the outcomes into events."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from trimtab_common.events import Event, OrderApproved
from trimtab_execution.core.order_book import OrderBook
from trimtab_execution.core.orders import Cancel, Hold, Order, Send, Task, Tell
from trimtab_execution.core.placing import NotPlaced, Placed, Placing
from trimtab_execution.metrics import ExecutionMetrics
from trimtab_execution.ports import (
    Broker,
    BrokerOrder,
    Journal,
    NotCancelable,
    OutcomeUnknown,
    Update,
)

RETRY_SECONDS = 0.03
HINTS_AWAITED_MAX = 2_000

Result = TypeVar("Result")
Learnt = Placed | NotPlaced | BrokerOrder | None
"""What an errand brought back; None: nothing that is certain."""


class Errand(NamedTuple):
    """Something asked of the broker that may be answered after its row."""

    at: datetime
    answer: asyncio.Future[Learnt]


class BrokerDesk:
    """The hands of execution: threads for the blocking client, and one journal."""

    def __init__(
        self,
        broker: Broker,
        journal: Journal,
        veto: Callable[[OrderApproved], str | None],
        metrics: ExecutionMetrics,
        *,
        posters: int,
        place_seconds: float,
    ) -> None:
        self.simulated = broker.final_at_once
        self.trouble: str | None = None
        """What the broker keeps from us, for the health board."""
        self.waiting: Callable[[], None] = lambda: None
        """Called while a row waits for the broker, so that waiting is told from being stuck; it
        may raise to end the wait."""
        self._broker = broker
        self._journal = journal
        self._metrics = metrics
        self._place_seconds = None if self.simulated else place_seconds
        self._posting = ThreadPoolExecutor(posters, thread_name_prefix="posting")
        self._asking = ThreadPoolExecutor(posters, thread_name_prefix="asking")
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._placing = Placing(
            broker=broker,
            post=self._post,
            ask=self.ask,
            sleep=self._sleep,
            veto=veto,
            doubted=metrics.unknown.inc,
        )
        self._errands: dict[tuple[type[Task], str], Errand] = {}
        self._awaited: deque[str] = deque()

    @property
    def in_doubt(self) -> frozenset[str]:
        """Orders whose outcome nobody knows yet."""
        return frozenset(self._placing.in_doubt)

    # ------------------------------------------------------------------- threads

    async def ask(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Run a blocking call of the broker where it keeps no order from leaving."""
        return await asyncio.get_running_loop().run_in_executor(self._asking, function, *arguments)

    async def _post(self, function: Callable[..., Result], *arguments: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._posting, function, *arguments)

    async def _write(self, function: Callable[..., Result], *arguments: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._writing, function, *arguments)

    async def _sleep(self, seconds: float) -> None:
        if self.simulated:  # then the row waits too
            self.waiting()
        await asyncio.sleep(seconds)

    # -------------------------------------------------------------------- acting

    async def resume(self, book: OrderBook) -> None:
        """Find out which orders an earlier life may have sent, and go on where it ended.

        A simulation sends and asks again in the order of its rows, so there the journal speaks
        when an order's turn comes.
        """
        book.resume(frozenset() if self.simulated else await self._write(self._journal.sent))

    async def perform(self, book: OrderBook) -> list[Event]:
        """Hold, send, cancel and tell; the events come in the order in which the book noted it."""
        tasks = book.take_tasks()
        if tasks:
            started = time.perf_counter()
            begun = await self._begin(book, tasks)
            if begun:
                await asyncio.wait(begun, timeout=self._place_seconds)
                self._metrics.place_seconds.observe(time.perf_counter() - started)
        events: list[Event] = []
        for task in tasks:
            if isinstance(task, Tell):
                events.append(task.event)
            elif not isinstance(task, Hold):
                events.extend(await self._outcome(book, task))
        events.extend(self._late_outcomes(book))
        return events

    async def _begin(self, book: OrderBook, tasks: Sequence[Task]) -> list[asyncio.Future[Learnt]]:
        """Journal all in one transaction, then send and cancel in parallel."""
        sending = {t.order.client_order_id: t.order for t in tasks if isinstance(t, Send)}
        held = [task.order for task in tasks if isinstance(task, Hold)]
        maybe_sent: set[str] = set()
        if sending or held:
            held = [order for order in held if order.client_order_id not in sending]
            maybe_sent = await self._write(self._journal.intend, held, list(sending.values()))
        begun = []
        for task in tasks:
            if isinstance(task, Send):
                key = task.order.client_order_id
                known = task.maybe_sent or key in maybe_sent
                placing = self._placing.place(task.order, maybe_sent=known)
                begun.append(self._start(key, task, placing))
            elif isinstance(task, Cancel):
                order = book.orders.get(task.client_order_id)
                asked = (Cancel, task.client_order_id) in self._errands
                if order is not None and order.broker_id is not None and not asked:
                    begun.append(self._start(task.client_order_id, task, self._cancel(order)))
        return begun

    def _start(
        self, key: str, task: Send | Cancel, asking: Coroutine[Any, Any, Learnt]
    ) -> asyncio.Future[Learnt]:
        answer = asyncio.ensure_future(asking)
        self._errands[type(task), key] = Errand(task.at, answer)
        return answer

    async def _outcome(self, book: OrderBook, task: Send | Cancel) -> list[Event]:
        """What came of a task, nothing while that is not known."""
        key = task.order.client_order_id if isinstance(task, Send) else task.client_order_id
        errand = self._errands.get((type(task), key))
        if errand is None:
            order = book.orders.get(key)  # sent and taken back in one go
            if order is None or order.broker_id is None or not self.simulated:
                return []
            return self._learn(book, key, await self._cancel(order), task.at)
        if not errand.answer.done():
            return []
        del self._errands[type(task), key]
        return self._learn(book, key, errand.answer.result(), task.at)

    def _late_outcomes(self, book: OrderBook) -> list[Event]:
        """Errands of earlier rows that have come back by now."""
        events: list[Event] = []
        for (kind, key), errand in list(self._errands.items()):
            if errand.answer.done():
                del self._errands[kind, key]
                events.extend(self._learn(book, key, errand.answer.result(), errand.at))
        return events

    def _learn(self, book: OrderBook, key: str, learnt: Learnt, at: datetime) -> list[Event]:
        if isinstance(learnt, BrokerOrder):
            return book.observe(learnt, at)
        if isinstance(learnt, Placed):
            events = book.accept(key, learnt.order_id, at)
            # In a simulation a late look-up shows the future; there the opened rows tell.
            if learnt.found is not None and not self.simulated:
                events += book.observe(learnt.found, at)
            return events
        order = book.orders.get(key)
        if learnt is None or order is None or order.broker_id is not None:
            return []  # an update has told meanwhile that the broker has it
        return book.reject(key, learnt.reason, at)

    async def _cancel(self, order: Order) -> BrokerOrder | None:
        """Ask to take the rest back; what the broker says of the order afterwards rules.

        To a real broker it is only a request: an update, or the next look, tells what came of it.
        """
        while True:
            try:
                await self.ask(self._broker.cancel, order.broker_id)
                return taken_back(order) if self.simulated else None
            except NotCancelable:
                with_id = order.approved.client_order_id
                try:
                    found = await self.ask(self._broker.find, with_id)
                    return taken_back(order) if found is None else found
                except OutcomeUnknown as reason:
                    self.trouble = str(reason)
            except OutcomeUnknown as reason:
                self.trouble = str(reason)
            if not self.simulated:
                return None
            await self._sleep(RETRY_SECONDS)

    # ------------------------------------------------------------------ learning

    async def open(self, book: OrderBook, row: datetime) -> list[Event]:
        """Let a simulated exchange open the row; its answer tells every fill of it."""
        if not self.simulated:
            return []
        started = time.perf_counter()
        while True:
            try:
                updates = await self.ask(self._broker.open_row, row)
                break
            except OutcomeUnknown as reason:
                self.trouble = f"the row of {row.isoformat()} cannot be opened: {reason}"
                await self._sleep(RETRY_SECONDS)
        self.trouble = None
        self._metrics.open_seconds.observe(time.perf_counter() - started)
        self._await_hints(updates)
        return [event for u in updates for event in book.observe(u.order, row, u)]

    def _await_hints(self, updates: Sequence[Update]) -> None:
        """The update stream should tell the same; it is never waited for."""
        self._awaited.extend(update.execution_id for update in updates)
        while len(self._awaited) > HINTS_AWAITED_MAX:
            self._awaited.popleft()
            self._metrics.hints_missed.inc()

    def hear(self, book: OrderBook, updates: Sequence[Update], at: datetime) -> list[Event]:
        """Messages of the update stream; of a simulated exchange the opened rows tell the same."""
        if not updates:
            return []
        self._metrics.hints.inc(len(updates))
        if not self.simulated:
            return [event for u in updates for event in book.observe(u.order, at, u)]
        heard = {update.execution_id for update in updates}
        self._awaited = deque(key for key in self._awaited if key not in heard)
        return []


def taken_back(order: Order) -> BrokerOrder:
    """The order as it is when the broker has it no more."""
    return BrokerOrder(
        order_id=order.broker_id or "",
        client_order_id=order.approved.client_order_id,
        symbol=order.approved.symbol,
        status="canceled",
        quantity=order.approved.quantity,
        filled_quantity=order.filled,
        average_price=None,
    )
