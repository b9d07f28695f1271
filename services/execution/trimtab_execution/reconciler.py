"""Every few seconds, on start and on each reconnection: our books against the broker's."""

from __future__ import annotations

import time
from datetime import datetime

from trimtab_common.events import Event, MismatchFound, instant
from trimtab_execution.broker_desk import BrokerDesk
from trimtab_execution.core.books import Books
from trimtab_execution.core.orders import OrderBook
from trimtab_execution.core.reconcile import Doubt, compare
from trimtab_execution.metrics import ExecutionMetrics
from trimtab_execution.ports import OutcomeUnknown

DOUBT_CYCLES = 2


class Reconciler:
    """Asks for everything and compares. REST is the truth; updates are hints."""

    def __init__(
        self, desk: BrokerDesk, metrics: ExecutionMetrics, *, every_seconds: float
    ) -> None:
        self._desk = desk
        self._metrics = metrics
        self._every_seconds = every_seconds
        self._doubt = Doubt(DOUBT_CYCLES)
        self._next = 0.0

    @property
    def due(self) -> bool:
        return time.monotonic() >= self._next

    def soon(self) -> None:
        """Something may have been missed: do not wait for the next turn."""
        self._next = 0.0

    @property
    def standing(self) -> list[str]:
        """What the books have disagreed on for longer than a fill takes."""
        return self._doubt.standing

    async def reconcile(self, book: OrderBook, books: Books, now: datetime) -> list[Event]:
        """Look up our orders that the broker lists no more, then compare; returns what is news."""
        self._next = time.monotonic() + self._every_seconds
        events: list[Event] = []
        try:
            open_orders = await self._desk.open_orders()
            if not self._desk.simulated:
                still_open = {order.client_order_id for order in open_orders}
                events = await self._desk.look_up(book, still_open, now)
                books.apply(events)
            account, positions = await self._desk.read_account()
        except OutcomeUnknown as reason:
            self._desk.trouble = f"reconciliation: {reason}"
            return events
        self._desk.trouble = "the account is blocked by the broker" if account.blocked else None
        self._metrics.reconciliations.inc()
        fresh, resolved = self._doubt.judge(
            compare(
                positions=books.positions,
                cash=books.cash,
                known_orders=frozenset(book.orders) | frozenset(self._desk.unsettled),
                broker_positions=positions,
                broker_cash=account.cash,
                broker_orders=open_orders,
            )
        )
        self._metrics.mismatches.set(len(self._doubt.standing))
        events += [_mismatch(m.subject, m.ours, m.brokers, now, resolved=False) for m in fresh]
        events += [_mismatch(subject, "", "", now, resolved=True) for subject in resolved]
        return events


def _mismatch(
    subject: str, ours: str, brokers: str, now: datetime, *, resolved: bool
) -> MismatchFound:
    state = "resolved" if resolved else "found"
    return MismatchFound(
        id=f"mismatch:{subject.replace(' ', '-')}:{state}:{instant(now)}",
        at=now,
        subject=subject,
        ours=ours,
        brokers=brokers,
        resolved=resolved,
    )
