"""What is done beside the stream: the simulator is asked, or the clock is watched."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from trimtab_ingest.asking import Asking
from trimtab_ingest.connection import Connection
from trimtab_ingest.core.daily import sessions_due, stamps_of
from trimtab_ingest.core.desk import Desk
from trimtab_ingest.core.memory import Key
from trimtab_ingest.core.plan import Line, Origin
from trimtab_ingest.core.staleness import Staleness, stale_event
from trimtab_ingest.metrics import IngestMetrics
from trimtab_ingest.ports import History, Released, Venue
from trimtab_runtime.delivery.life import Life

QUIET_SECONDS = 0.005
"""So long is an incomplete row of a replay left alone before the simulator is asked about it."""
QUIET_SECONDS_MAX = 0.25
MUTE_SECONDS = 2.0
"""So long may released bars of a replay fail to come before the socket is made anew."""
GRACE_TICK_SECONDS = 0.05
TICK_SECONDS = 1.0
DAILY_RETRY_SECONDS = 5.0


class Attendant(Protocol):
    """What the room does while nothing can be closed."""

    async def idle(self, life: Life) -> None:
        """Wait for something to come, and look after what does not come by itself."""

    async def run(self) -> None:
        """Chores beside the loop, until cancelled."""

    def complaint(self) -> str | None:
        """What is wrong with the feeds, for the health board."""


def disconnected(connections: Sequence[Connection]) -> str | None:
    """The first connection through which nothing flows, and why."""
    for connection in connections:
        if connection.wire.reason is not None:
            return f"{connection.wire.line.feed}: {connection.wire.reason}"
    return None


class ReplayAttendant:
    """Asks the simulator whether an incomplete row is all there is, and whether it is heard."""

    def __init__(
        self,
        desk: Desk,
        connection: Connection,
        venue: Venue,
        asking: Asking,
        metrics: IngestMetrics,
    ) -> None:
        self._desk = desk
        self._connection = connection
        self._venue = venue
        self._asking = asking
        self._metrics = metrics
        self._quiet_seconds = QUIET_SECONDS

    async def idle(self, life: Life) -> None:
        wire = self._connection.wire
        incomplete = bool(len(self._desk.rows)) and wire.connected and not wire.merging
        await life.wait(self._quiet_seconds if incomplete else TICK_SECONDS)
        self._metrics.watch(wire, None)
        if life.wake.is_set() or not wire.connected or wire.merging:
            self._quiet_seconds = QUIET_SECONDS
            return
        self._quiet_seconds = min(2 * self._quiet_seconds, QUIET_SECONDS_MAX)
        released = await self._asking.once(self._venue.released)
        if released is not None and not life.wake.is_set():
            self._connection.check_market(released)
            self._compare(released)

    async def run(self) -> None:
        """There is no clock to watch in a replay."""

    def complaint(self) -> str | None:
        return disconnected([self._connection])

    def _compare(self, released: Released) -> None:
        """What is public against what came."""
        if released.row is None:
            return
        wire = self._connection.wire
        if wire.newest is not None and wire.newest >= released.row:
            self._desk.confirm(wire.line, released.row, released.symbols)
        elif self._should_have_come(released):
            self._give_up_socket(released.row)

    def _should_have_come(self, released: Released) -> bool:
        collected = not released.symbols.isdisjoint(self._connection.wire.line.symbols)
        return collected and time.monotonic() - self._connection.came_at > MUTE_SECONDS

    def _give_up_socket(self, row: datetime) -> None:
        wire = self._connection.wire
        wire.lost("the socket is mute although bars are public; connecting anew")
        age = row - (wire.newest or self._desk.plan.begins_at)
        self._desk.say(stale_event(wire.line, wire.newest, row, max(age, timedelta())))
        self._metrics.outage(wire.line.feed)
        self._connection.feed.reconnect()


class BrokerAttendant:
    """Watches the clock: silence, mute sockets, daily bars, and gaps that history can fill."""

    def __init__(
        self,
        desk: Desk,
        connections: Sequence[Connection],
        history: History,
        asking: Asking,
        metrics: IngestMetrics,
        *,
        now: Callable[[], datetime],
        stale_after: timedelta,
        mute_after: timedelta,
        daily_delay: timedelta,
    ) -> None:
        self._desk = desk
        self._connections = connections
        self._history = history
        self._asking = asking
        self._metrics = metrics
        self._now = now
        self._mute_after = mute_after
        self._daily_delay = daily_delay
        self._staleness = [
            (c, Staleness(c.wire.line, after=stale_after, since=now())) for c in connections
        ]

    async def idle(self, life: Life) -> None:
        await life.wait(GRACE_TICK_SECONDS if self._desk.rows.first() else TICK_SECONDS)

    async def run(self) -> None:
        """Two chores that may wait for answers, and one that never waits."""
        chores = (self._watch, self._fetch_daily_bars, self._fill_gaps)
        async with asyncio.TaskGroup() as tasks:
            for chore in chores:
                tasks.create_task(chore())

    def complaint(self) -> str | None:
        now = self._now()
        for connection, staleness in self._staleness:
            silence = staleness.complaint(connection.wire.newest, now)
            if silence is not None:
                return silence
        return disconnected(self._connections)

    async def _watch(self) -> None:
        while True:
            now = self._now()
            for connection, staleness in self._staleness:
                wire = connection.wire
                self._metrics.watch(wire, now)
                connection.feed.expect_data(self._patience(wire.line, now))
                outage = staleness.check(wire.newest, now)
                if outage is not None:
                    self._metrics.outage(wire.line.feed)
                    self._desk.say(outage)
            await asyncio.sleep(TICK_SECONDS)

    def _patience(self, line: Line, now: datetime) -> float | None:
        """A socket may be silent while the market is closed, and just after it has opened."""
        calendar = line.calendar
        if calendar.is_open(now) and calendar.is_open(now - self._mute_after):
            return self._mute_after.total_seconds()
        return None

    async def _fetch_daily_bars(self) -> None:
        lines = self._desk.plan.of(Origin.FETCHED)
        while lines:
            for line in lines:
                closed = self._desk.rows.closed_until or self._desk.plan.begins_at
                sessions = sessions_due(line, closed, self._now(), self._daily_delay)
                if sessions:
                    await self._fetch(line, *stamps_of(sessions))
            await asyncio.sleep(DAILY_RETRY_SECONDS)

    async def _fill_gaps(self) -> None:
        lines = {
            (symbol, line.timeframe): line
            for line in self._desk.plan.lines
            for symbol in line.symbols
        }
        while True:
            await asyncio.sleep(DAILY_RETRY_SECONDS)
            by_line: dict[Line, list[Key]] = {}
            for key in self._desk.memory.to_ask(time.monotonic()):
                by_line.setdefault(lines[key.symbol, key.timeframe], []).append(key)
            for line, keys in by_line.items():
                opened = [key.opened_at for key in keys]
                await self._fetch(line, min(opened) - line.timeframe.duration, max(opened))

    async def _fetch(self, line: Line, start: datetime, end: datetime) -> None:
        raws = await self._asking.once(self._history.bars, line, start, end)
        if raws:
            self._desk.fetched(line, raws, time.monotonic(), self._now())
