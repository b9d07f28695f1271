"""Ends the process at a named point, for the tests that prove what a crash cannot do.

The points lie around the two things that outlive the process, the journal and the broker, so they
are put around these two; nothing of this exists in a room that was not told to crash.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from trimtab_common.events import OrderApproved
from trimtab_execution.ports import Broker, Journal, Update


class Point(StrEnum):
    """Where a room can be made to end."""

    COMMITTED = "committed"
    """What happened before is committed; the journal knows nothing of what comes next."""
    JOURNALLED = "journalled"
    """The journal says that orders are sent, and none was."""
    SUBMITTED = "submitted"
    """The broker has an order and nobody has heard its answer."""
    CANCELLED = "cancelled"
    """The broker has taken an order back and nobody has heard its answer."""
    ACCEPTED = "accepted"
    """Every order was answered; nothing is committed and the row is not open."""
    OPENED = "opened"
    """The row is open and nothing of it is committed."""


class Crash:
    """Kills this process at the given passage of a point: `submitted:3` at the third."""

    def __init__(self, wanted: str) -> None:
        name, _, passage = wanted.partition(":")
        self._point = Point(name)
        self._left = int(passage or 1)
        self._lock = threading.Lock()

    def passing(self, point: Point) -> None:
        """Does not return at the passage at which the process is to end."""
        if point is not self._point:
            return
        with self._lock:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)


class CrashingJournal:
    """A journal with points around it."""

    def __init__(self, journal: Journal, crash: Crash) -> None:
        self._crash = crash
        self._intend = journal.intend
        self.sent = journal.sent
        self.recall = journal.recall

    def intend(self, held: Sequence[OrderApproved], sending: Sequence[OrderApproved]) -> set[str]:
        self._crash.passing(Point.COMMITTED)
        maybe_sent = self._intend(held, sending)
        self._crash.passing(Point.JOURNALLED)
        return maybe_sent


class CrashingBroker:
    """A broker with points around it."""

    def __init__(self, broker: Broker, crash: Crash) -> None:
        self._crash = crash
        self._broker = broker
        self.final_at_once = broker.final_at_once
        self.await_turn = broker.await_turn
        self.find = broker.find
        self.open_orders = broker.open_orders
        self.positions = broker.positions
        self.account = broker.account
        self.activities = broker.activities
        self.clock = broker.clock

    def submit(self, order: OrderApproved) -> str:
        order_id = self._broker.submit(order)
        self._crash.passing(Point.SUBMITTED)
        return order_id

    def cancel(self, order_id: str) -> None:
        self._broker.cancel(order_id)
        self._crash.passing(Point.CANCELLED)

    def open_row(self, row: datetime) -> Sequence[Update]:
        self._crash.passing(Point.ACCEPTED)
        updates = self._broker.open_row(row)
        self._crash.passing(Point.OPENED)
        return updates
