"""Execution's loop: take orders and rows in order, act at the broker, commit what came of it.

The journal is written before anything is sent, the commit after everything is known; what lies
between them is asked about when the process comes back. This room never re-folds: its effects are
outside, so every commit carries all its orders, and these rule.
"""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Any

from trimtab_common.events import Event, RowClosed
from trimtab_common.money import plain
from trimtab_execution.broker_desk import BrokerDesk
from trimtab_execution.core.books import Books
from trimtab_execution.core.clock import BrokerClock
from trimtab_execution.core.order_book import OrderBook
from trimtab_execution.core.reconcile import quantities
from trimtab_execution.handlers import HANDLERS
from trimtab_execution.metrics import ExecutionMetrics
from trimtab_execution.ports import Hints, Update
from trimtab_execution.reconciler import Reconciler
from trimtab_runtime.delivery.commit import Commit
from trimtab_runtime.delivery.inbox import Entry
from trimtab_runtime.delivery.life import Life
from trimtab_runtime.delivery.session import Session
from trimtab_trading.exchange import opening_balance, opening_positions
from trimtab_trading.merge import FORCED, LiveMerge

ENTRIES_PER_COMMIT = 1_000


class Stopped(Exception):
    """The room was told to end while a row was waiting for the broker: nothing is committed."""


class ExecutionRoom:
    """One account, one broker, one order at most per intent."""

    name = "execution"
    families = ("orders", "bars")
    wanted = frozenset(HANDLERS)
    linger_seconds = 0.0

    def __init__(
        self,
        desk: BrokerDesk,
        reconciler: Reconciler,
        hints: Hints,
        clock: BrokerClock,
        metrics: ExecutionMetrics,
        *,
        account: str,
        patience_seconds: float | None,
    ) -> None:
        self._desk = desk
        self._reconciler = reconciler
        self._hints = hints
        self._clock = clock
        self._metrics = metrics
        self._account = account
        self._patience = patience_seconds
        self._book = OrderBook()
        self._books = Books()
        self._merge = LiveMerge(self._book)
        self._updates: list[Update] = []
        self._blocked_since: float | None = None

    def info(self) -> dict[str, Any]:
        row = self._merge.row
        return {
            "row": row and row.at.isoformat(),
            "account": self._account,
            "orders": len(self._book.orders),
            "cash": plain(self._books.cash),
            "positions": {s: plain(q) for s, q in sorted(self._books.positions.items())},
            "in_doubt": [*self._reconciler.doubt.standing, *sorted(self._desk.in_doubt)],
        }

    async def live(self, session: Session, life: Life) -> None:
        """Recover, then step and commit until the room is told to stop."""

        def waiting() -> None:
            life.progress()
            if life.stopping:
                raise Stopped

        self._desk.waiting = waiting
        await self._recover(session)
        listening = asyncio.ensure_future(self._listen(life))
        try:
            await self._work(session, life, listening)
        except Stopped:
            return
        finally:
            listening.cancel()

    async def _recover(self, session: Session) -> None:
        """Stand where the last commit left off, and take up what was under way."""
        if session.state is not None:
            self._merge.restore(session.state["merge"])
            self._books = Books.restored(session.state["books"])
            self._reconciler.restore(session.state["doubt"])
        await self._desk.resume(self._book)

    async def _work(self, session: Session, life: Life, listening: asyncio.Future[None]) -> None:
        def deliver(family: str, entry: Entry) -> None:
            self._merge.put(family, entry, entry.event)
            life.wake.set()

        await session.subscribe(deliver)
        life.ready()
        while not life.stopping:
            life.progress()
            life.wake.clear()
            if listening.done():
                listening.result()
            if not await self._step(session, life):
                await life.wait(self._patience if self._blocked_since else None)

    async def _listen(self, life: Life) -> None:
        def hear(update: Update) -> None:
            self._updates.append(update)
            if not self._desk.simulated:
                life.wake.set()

        def look_again() -> None:
            self._reconciler.soon()
            life.wake.set()

        await self._hints.run(hear, look_again)

    async def _step(self, session: Session, life: Life) -> bool:
        """Take what is there, act, commit. False when there was nothing to do."""
        commit, marks = self._take()
        row = self._book.row if marks else None
        events = self._news()
        if row is not None:
            events.extend(await self._open_books(row))
        elif not self._desk.simulated:
            now = self._clock()
            self._book.due(now, lambda _: now)
        events.extend(await self._desk.perform(self._book))
        self._metrics.placed(events)
        if row is not None:
            events.extend(await self._desk.open(self._book, row.at))
        self._books.apply(events)
        if self._books.opened:
            now = self._time(row)
            events.extend(
                await self._reconciler.reconcile(
                    self._book, self._books, now, row_ended=row is not None
                )
            )
        commit.outputs.extend(events)
        commit.outputs.extend(marks)
        if not commit:
            return False
        started = time.perf_counter()
        await session.commit(commit, state=self._state())
        life.committed(commit, time.perf_counter() - started)
        self._metrics.count(events)
        return True

    def _time(self, row: RowClosed | None) -> datetime:
        """What time it is where the orders are: the market's in a simulation."""
        return row.at if row is not None and self._desk.simulated else self._clock()

    def _state(self) -> dict[str, Any]:
        return {
            "merge": self._merge.snapshot(),
            "books": self._books.snapshot(),
            "doubt": self._reconciler.doubt.seen,
        }

    def _take(self) -> tuple[Commit, list[Event]]:
        """The entries at hand, up to the end of one row."""
        commit, marks = Commit(), list[Event]()
        if self._out_of_patience():
            commit.forced.append(str(self._merge.blocked_on))
            self._merge.force()
            commit.record(FORCED)
        while not marks and commit.size < ENTRIES_PER_COMMIT:
            step = self._merge.step()
            if step is None:
                break
            if step.tag is not None:
                commit.take(step.tag)
            marks.extend(step.outputs)
        return commit, marks

    def _out_of_patience(self) -> bool:
        if self._patience is None or self._merge.blocked_on is None:
            self._blocked_since = None
            return False
        if self._blocked_since is None:
            self._blocked_since = time.monotonic()
        return time.monotonic() - self._blocked_since >= self._patience

    def _news(self) -> list[Event]:
        """What the update stream told since."""
        updates, self._updates = self._updates, []
        return self._desk.hear(self._book, updates, self._clock())

    async def _open_books(self, row: RowClosed) -> list[Event]:
        """Before the first row of all: what the account holds already, and what is at work."""
        if self._books.opened:
            return []
        opening = await self._reconciler.opening(self._time(row))
        self._books.account_number = opening.account.number
        self._books.activities = {activity.id for activity in opening.activities}
        events: list[Event] = [opening_balance(self._account, row.at, opening.account.cash)]
        held = quantities(opening.positions)
        events.extend(opening_positions(self._account, row.at, held))
        for approved, seen in opening.orphans:
            events.extend(self._book.adopt(approved, seen, row.at))
        return events
