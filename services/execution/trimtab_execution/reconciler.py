"""Every few seconds, on start and on each reconnection: our books against the broker's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trimtab_common.events import Event, MismatchFound, OrderApproved, instant
from trimtab_execution.broker_desk import BrokerDesk
from trimtab_execution.core.books import Books
from trimtab_execution.core.clock import BrokerClock
from trimtab_execution.core.explain import explain
from trimtab_execution.core.order_book import OrderBook
from trimtab_execution.core.permission import Permission
from trimtab_execution.core.reconcile import Doubt, Mismatch, compare, contradiction
from trimtab_execution.core.wording import identifier
from trimtab_execution.metrics import ExecutionMetrics
from trimtab_execution.ports import (
    Account,
    Activity,
    Broker,
    BrokerOrder,
    Journal,
    OutcomeUnknown,
    Position,
)

DOUBT_CYCLES = 2
ACTIVITIES_KNOWN = timedelta(days=7)
"""How late a broker may tell of a dividend or a fee."""
RETRY_SECONDS = 1.0
SIMULATED_RETRY_SECONDS = 0.03


@dataclass(frozen=True)
class Look:
    """What the broker says of itself at one moment, or nearly one."""

    account: Account
    positions: Sequence[Position]
    open_orders: Sequence[BrokerOrder]
    ended: Sequence[BrokerOrder]
    """Orders of ours that the broker lists no more, as a look-up shows them."""
    activities: Sequence[Activity]
    """What has changed the account lately without an order."""


@dataclass(frozen=True)
class Opening:
    """What the account holds before this room does anything."""

    account: Account
    positions: Sequence[Position]
    orphans: Sequence[tuple[OrderApproved, BrokerOrder]]
    """Orders of ours still at work at the broker, of which only the journal knows."""
    activities: Sequence[Activity]
    """What is in these figures already."""


class Reconciler:
    """Asks for everything and compares. REST is the truth; updates are hints."""

    def __init__(
        self,
        broker: Broker,
        journal: Journal,
        desk: BrokerDesk,
        permission: Permission,
        clock: BrokerClock,
        metrics: ExecutionMetrics,
        *,
        account: str,
        every_seconds: float,
    ) -> None:
        self.doubt = Doubt(DOUBT_CYCLES)
        self._broker = broker
        self._journal = journal
        self._desk = desk
        self._permission = permission
        self._clock = clock
        self._metrics = metrics
        self._name = account
        self._every_seconds = every_seconds
        self._next = 0.0
        self._looking: asyncio.Future[Look] | None = None

    def restore(self, seen: dict[str, int]) -> None:
        """Go on doubting what was in doubt when the state was stored."""
        self.doubt.seen = seen
        self._permission.doubtful_symbols = self.doubt.symbols

    def soon(self) -> None:
        """Something may have been missed: do not wait for the next turn."""
        self._next = 0.0

    async def reconcile(
        self, book: OrderBook, books: Books, now: datetime, *, row_ended: bool
    ) -> list[Event]:
        """What is news in the broker's books.

        A real broker is asked in the background, whenever it is time. A simulated one only at the
        end of a row: between rows it is of another moment than our books.
        """
        timely = row_ended or not self._desk.simulated
        if self._looking is None and timely and time.monotonic() >= self._next:
            self._next = time.monotonic() + self._every_seconds
            at_work = [key for key, order in book.orders.items() if order.broker_id]
            self._looking = asyncio.ensure_future(self._look(at_work, now))
        if self._looking is None:
            return []
        if self._desk.simulated:
            await asyncio.wait([self._looking])
        if not self._looking.done():
            return []
        looking, self._looking = self._looking, None
        try:
            look = looking.result()
        except OutcomeUnknown as reason:
            self._desk.trouble = f"reconciliation: {reason}"
            return []
        return self._judge(look, book, books, now)

    async def _look(self, at_work: Collection[str], now: datetime) -> Look:
        ask, broker = self._desk.ask, self._broker
        open_orders = await ask(broker.open_orders)
        listed = {order.client_order_id for order in open_orders}
        looked_up = [await ask(broker.find, key) for key in at_work if key not in listed]
        activities = await ask(broker.activities, now - ACTIVITIES_KNOWN)
        account, positions = await self._account_and_positions()
        if not self._desk.simulated:
            asked = self._clock.wall()
            self._clock.learn(asked, await ask(broker.clock), self._clock.wall())
        ended = [order for order in looked_up if order is not None]
        return Look(account, positions, open_orders, ended, activities)

    async def _account_and_positions(self) -> tuple[Account, Sequence[Position]]:
        """Raises OutcomeUnknown also where the two contradict each other."""
        positions = await self._desk.ask(self._broker.positions)
        account = await self._desk.ask(self._broker.account)
        complaint = contradiction(account, positions)
        if complaint is not None:
            raise OutcomeUnknown(complaint)
        return account, positions

    def _judge(self, look: Look, book: OrderBook, books: Books, now: datetime) -> list[Event]:
        events: list[Event] = []
        if not self._desk.simulated:
            for order in (*look.open_orders, *look.ended):
                events.extend(book.observe(order, now))
            book.cancel_again(now)
            books.apply(events)
        adjusted = explain(
            books, look.account, look.positions, look.activities, name=self._name, at=now
        )
        books.apply(adjusted)
        events += adjusted
        known = book.orders.keys() | self._desk.in_doubt
        found = compare(books, look.account, look.positions, known, look.open_orders)
        fresh, resolved = self.doubt.judge(found)
        self._permission.doubtful_symbols = self.doubt.symbols
        self._permission.account_trouble = _account_trouble(look.account, books)
        self._desk.trouble = self._permission.account_trouble or self._clock.complaint
        self._metrics.reconciliations.inc()
        self._metrics.mismatches.set(len(self.doubt.standing))
        events += [_told(mismatch, now, resolved=False) for mismatch in fresh]
        events += [_told(Mismatch(subject, "", ""), now, resolved=True) for subject in resolved]
        return events

    # -------------------------------------------------------------------- opening

    async def opening(self, now: datetime) -> Opening:
        """What the account holds and what is at work, however long it takes to learn it."""
        pause = SIMULATED_RETRY_SECONDS if self._desk.simulated else RETRY_SECONDS
        while True:
            try:
                found = await self._opening(now)
            except OutcomeUnknown as reason:
                self._desk.trouble = f"the account cannot be read: {reason}"
            else:
                if found is not None:
                    self._desk.trouble = None
                    return found
            self._desk.waiting()
            await asyncio.sleep(pause)

    async def _opening(self, now: datetime) -> Opening | None:
        """None if something traded while it was read: then it has to be read again."""
        before = await self._desk.ask(self._broker.open_orders)
        activities = await self._desk.ask(self._broker.activities, now - ACTIVITIES_KNOWN)
        account, positions = await self._account_and_positions()
        if await self._desk.ask(self._broker.open_orders) != before:
            return None
        seen = {order.client_order_id: order for order in before}
        ours = await self._desk.ask(self._journal.recall, list(seen))
        orphans = [(approved, seen[approved.client_order_id]) for approved in ours]
        return Opening(account, positions, orphans, activities)


def _account_trouble(account: Account, books: Books) -> str | None:
    if account.blocked:
        return "the account is blocked by the broker"
    if account.number != books.account_number:
        return f"the keys belong to account {account.number}, the books to {books.account_number}"
    return None


def _told(mismatch: Mismatch, now: datetime, *, resolved: bool) -> MismatchFound:
    state = "resolved" if resolved else "found"
    return MismatchFound(
        id=f"mismatch:{identifier(mismatch.subject)}:{state}:{instant(now)}",
        at=now,
        subject=mismatch.subject,
        ours=mismatch.ours,
        brokers=mismatch.brokers,
        resolved=resolved,
    )
