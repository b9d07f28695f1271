"""A whole execution room in memory: its broker, its journal, its streams, and many lives of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from tests.unit.execution.examples import ACCOUNT
from tests.unit.execution.fakes import (
    FakeBroker,
    FakeHints,
    FakeSession,
    FakeSwitch,
    MemoryJournal,
    Streams,
    a_life,
    openings_of,
)
from trimtab_common.events import BarClosed, Event
from trimtab_execution.broker_desk import BrokerDesk
from trimtab_execution.core.clock import BrokerClock
from trimtab_execution.core.permission import Permission
from trimtab_execution.metrics import ExecutionMetrics
from trimtab_execution.reconciler import Reconciler
from trimtab_execution.room import ExecutionRoom
from trimtab_runtime.delivery.session import Session
from trimtab_runtime.metrics import RoomMetrics
from trimtab_trading.venue import FREE, Venue

PATIENCE_SECONDS = 10.0


@dataclass
class World:
    """Everything that outlives a room, and the room of the present life.

    `begin` makes the next life's room; without it a second life begins as the first one ended.
    """

    broker: FakeBroker
    streams: Streams
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    switch: FakeSwitch = field(default_factory=FakeSwitch)
    feed: Callable[[], int] = lambda: 1_000
    reconcile_seconds: float = 0.0
    place_seconds: float = 1.0

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A new process: nothing is left of the old one but what it wrote."""
        measured = ExecutionMetrics(RoomMetrics("execution", "test", "sim"))
        simulated = self.broker.final_at_once
        self.clock = BrokerClock(lambda: self.broker.time)
        self.hints = FakeHints()
        self.permission = Permission([self.switch], self.clock, simulated=simulated)
        self.desk = BrokerDesk(
            self.broker,
            self.journal,
            self.permission.veto,
            measured,
            posters=3,
            place_seconds=self.place_seconds,
        )
        self.reconciler = Reconciler(
            self.broker,
            self.journal,
            self.desk,
            self.permission,
            self.clock,
            measured,
            account=ACCOUNT,
            every_seconds=self.reconcile_seconds,
        )
        self.room = ExecutionRoom(
            self.desk,
            self.reconciler,
            self.hints,
            self.clock,
            measured,
            account=ACCOUNT,
            patience_seconds=None if simulated else 0.05,
        )

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[World]:
        """One life of the room, as long as the block lasts. What breaks it comes out."""
        life = a_life()
        self.session = FakeSession(self.streams, self.feed)
        self.living = asyncio.ensure_future(self.room.live(cast(Session, self.session), life))
        try:
            yield self
        finally:
            life.stop()
            try:
                await self.living
            finally:  # a process that has ended does nothing more
                errands: list[asyncio.Future[Any]] = [
                    errand.answer for errand in self.desk._errands.values()
                ]
                if self.reconciler._looking is not None:
                    errands.append(self.reconciler._looking)
                for errand in errands:
                    errand.cancel()
                await asyncio.gather(*errands, return_exceptions=True)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let the room live on until something holds."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holds():
                if self.living.done():
                    self.living.result()
                self.session.feed()
                await asyncio.sleep(0.001)

    async def pass_time(self, now: datetime) -> None:
        """Set the clock, not while the room compares it with the broker's."""
        await self.until(lambda: self.reconciler._looking is None)
        self.broker.time = now

    async def live(self, until: Callable[[], bool]) -> None:
        """One life: until something holds."""
        async with self.alive():
            await self.until(until)

    def told(self, *kinds: type[Event]) -> list[Any]:
        """What was committed on `fills`, of some kinds or of all."""
        return [e for e in self.streams.told() if not kinds or isinstance(e, kinds)]


def a_world(
    orders: Sequence[Event] = (),
    bars: Sequence[Event] = (),
    *,
    cash: str = "100000",
    simulated: bool = True,
    **settings: Any,
) -> World:
    """A room before its first life, with entries in its streams."""
    given = [event for event in bars if isinstance(event, BarClosed)]
    broker = FakeBroker(Venue(FREE, Decimal(cash)), openings_of(given), simulated=simulated)
    streams = Streams({"orders": list(orders), "bars": list(bars)})
    return World(broker, streams, **settings)
