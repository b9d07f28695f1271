"""Ingest at a broker, over a real server: grace, outages, daily bars, silence, and restarts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.unit.ingest.lines import MINUTE, OPEN, line, minute, plan, raw, said
from trimtab_common.events import BarClosed, Event, FeedStale, RowClosed, parse_entry
from trimtab_common.timeframes import Timeframe
from trimtab_ingest.asking import Asking
from trimtab_ingest.attendants import BrokerAttendant
from trimtab_ingest.connection import Connection
from trimtab_ingest.core.closing import LiveRule
from trimtab_ingest.core.desk import Desk
from trimtab_ingest.core.judge import Raw, moment_of
from trimtab_ingest.core.plan import Line, Origin, Plan
from trimtab_ingest.metrics import IngestMetrics
from trimtab_ingest.ports import Feed, Listener, Unreachable
from trimtab_ingest.room import IngestRoom
from trimtab_ingest.storing import Storing
from trimtab_runtime.delivery.life import Life
from trimtab_runtime.delivery.session import Session
from trimtab_runtime.ending import end
from trimtab_runtime.metrics import RoomMetrics

pytestmark = [
    pytest.mark.redis,
    # A room that is cut off in the middle of a command leaves the socket to the collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

GRACE_SECONDS = 0.15
WAITS = 750
STOCKS = line(symbols=("AAPL", "MSFT"), feed="iex")
DAYS = line(Timeframe.ONE_DAY, ("AAPL", "MSFT"), Origin.FETCHED, feed="iex")


class FakeFeed:
    """A socket in the hands of the test."""

    def __init__(self, its_line: Line) -> None:
        self.line = its_line
        self.listener: Listener | None = None
        self.patience_seconds: float | None = None

    async def run(self, listener: Listener) -> None:
        self.listener = listener
        listener.subscribed()
        await asyncio.Event().wait()

    def reconnect(self) -> None: ...

    def expect_data(self, seconds: float | None) -> None:
        self.patience_seconds = seconds

    async def send(self, *bars: Raw) -> None:
        assert self.listener is not None
        for bar in bars:
            await self.listener.bar(bar)


@dataclass
class FakeHistory:
    """Bars of the past, by line."""

    known: dict[Line, list[Raw]] = field(default_factory=dict)
    down: bool = False

    def bars(self, its_line: Line, start: datetime, end: datetime) -> list[Raw]:
        if self.down:
            raise Unreachable("the history of bars: down for the test")
        return [
            bar
            for bar in self.known.get(its_line, [])
            if isinstance(stamp := moment_of(bar["t"]), datetime) and start <= stamp <= end
        ]


class FakeStore:
    """Remembers what was stored."""

    def __init__(self) -> None:
        self.bars: dict[str, BarClosed] = {}
        self.full = False

    def append(self, bars: Any) -> int:
        if self.full:
            raise OSError("no space left on device")
        before = len(self.bars)
        self.bars |= {bar.id: bar for bar in bars}
        return len(self.bars) - before


class Broker:
    """A broker's feed, history and clock, and the rooms that follow one another on them."""

    def __init__(self, url: str, *lines: Line) -> None:
        self.plan: Plan = plan(*(lines or (STOCKS,)))
        self.clock = OPEN
        self.feed = FakeFeed(self.plan.lines[0])
        self.history = FakeHistory()
        self.venue = None
        self.store = FakeStore()
        self.room: IngestRoom | None = None
        self._url = url
        self._prefix = f"t-broker-{time.time_ns()}:"

    def feeds(self, its_plan: Plan) -> list[Feed]:
        self.feed = FakeFeed(self.plan.lines[0])
        return [self.feed]

    @asynccontextmanager
    async def ingest(self, **settings: Any) -> AsyncIterator[None]:
        """A life of the room, ended as a crash would end it."""
        metrics = IngestMetrics(RoomMetrics("ingest", "test", "paper"))
        asking = Asking(pause_seconds=0.02, pause_seconds_max=0.1)
        self.room = IngestRoom(
            source=PlannedSource(self),
            storing=Storing(self.store, interval_seconds=0.05, on_stored=metrics.stored),
            asking=asking,
            metrics=metrics,
            make_rule=lambda wires: LiveRule(
                wires,
                row_grace_seconds=GRACE_SECONDS,
                daily_grace_seconds=settings.get("daily_grace_seconds", 5.0),
                backfill_age=timedelta(seconds=90),
            ),
            make_attendant=lambda desk, connections: self._attendant(
                desk, connections, asking, metrics
            ),
            now=lambda: self.clock,
        )
        session = Session(self._url, room="ingest", prefix=self._prefix, families=(), wanted=())
        await session.begin()
        ready = asyncio.Event()
        life = Life(
            on_progress=lambda: None, on_ready=ready.set, on_commit=lambda _commit, _seconds: None
        )
        living = asyncio.ensure_future(self.room.live(session, life))
        await asyncio.wait_for(ready.wait(), 10)
        try:
            yield
        finally:
            await end([living])
            await session.end()

    def _attendant(
        self,
        desk: Desk,
        connections: list[Connection],
        asking: Asking,
        metrics: IngestMetrics,
    ) -> BrokerAttendant:
        return BrokerAttendant(
            desk,
            connections,
            self.history,
            asking,
            metrics,
            now=lambda: self.clock,
            stale_after=timedelta(minutes=3),
            mute_after=timedelta(minutes=4),
            daily_delay=timedelta(seconds=15),
        )

    async def events(self) -> list[Event]:
        session = Session(self._url, room="x", prefix=self._prefix, families=(), wanted=())
        entries = await session.redis.xrange(session.keys.stream("bars"))
        await session.end()
        return [parse_entry(fields) for _, fields in entries]

    async def wait(self, holds: Callable[[list[Event]], bool]) -> list[Event]:
        """All that was said, once it is as it should be."""
        for _ in range(WAITS):
            events = await self.events()
            if holds(events):
                return events
            await asyncio.sleep(0.02)
        raise AssertionError(f"it did not come about: {said(await self.events())}")


class PlannedSource:
    """The broker as the room's source."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.history = broker.history
        self.venue = None

    def plan(self) -> Plan:
        return self._broker.plan

    def feeds(self, its_plan: Plan) -> list[Feed]:
        return self._broker.feeds(its_plan)


async def eventually(holds: Callable[[], object]) -> None:
    """Return once it holds."""
    for _ in range(WAITS):
        if holds():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come about")


def marks(events: list[Event]) -> list[datetime]:
    return [event.at for event in events if isinstance(event, RowClosed)]


def marks_end(events: list[Event]) -> datetime:
    """The last row that was closed."""
    return max(marks(events), default=OPEN)


async def both(broker: Broker, row: int) -> None:
    """A complete row comes in time."""
    broker.clock = minute(row) + timedelta(seconds=1)
    await broker.feed.send(raw("AAPL", row), raw("MSFT", row))


async def test_rows_follow_the_clock_and_the_grace(redis_url: str) -> None:
    broker = Broker(redis_url)
    async with broker.ingest():
        await both(broker, 1)
        broker.clock = minute(2) + timedelta(seconds=1)
        await broker.feed.send(raw("AAPL", 2))
        await broker.wait(lambda events: len(marks(events)) == 2)
        await broker.feed.send(raw("MSFT", 2))
        events = await broker.wait(lambda events: len(events) == 6)
    assert said(events) == [
        "AAPL 14:30", "MSFT 14:30", "RowClosed 14:31",
        "AAPL 14:31", "RowClosed 14:32", "MSFT 14:31 late",
    ]  # fmt: skip


async def test_a_restart_makes_rows_of_what_is_fresh_and_late_bars_of_the_rest(
    redis_url: str,
) -> None:
    broker = Broker(redis_url)
    async with broker.ingest():
        await both(broker, 1)
        await broker.wait(lambda events: len(marks(events)) == 1)
    broker.history.known[STOCKS] = [
        raw(symbol, row) for symbol in ("AAPL", "MSFT") for row in range(1, 11)
    ]
    broker.clock = minute(10) + timedelta(seconds=20)
    async with broker.ingest():
        events = await broker.wait(lambda events: len(marks(events)) == 3)
    late = [event.at for event in events if isinstance(event, BarClosed) and event.late]
    assert sorted(set(late)) == [minute(row) for row in range(2, 9)]
    assert marks(events) == [minute(1), minute(9), minute(10)]
    assert len({event.id for event in events}) == len(events)


async def test_a_second_restart_publishes_nothing_again(redis_url: str) -> None:
    broker = Broker(redis_url)
    broker.history.known[STOCKS] = [raw("AAPL", row) for row in range(1, 31)]
    for row in (10, 20, 30):
        broker.clock = minute(row) + timedelta(seconds=30)
        async with broker.ingest():
            events = await broker.wait(lambda events: broker.clock - marks_end(events) < MINUTE)
    ids = [event.id for event in events]
    assert len(set(ids)) == len(ids)
    bars = [event for event in events if isinstance(event, BarClosed)]
    assert [bar.at for bar in bars] == [minute(row) for row in range(1, 31)]


async def test_after_a_short_break_the_socket_s_rows_wait_for_what_was_missed(
    redis_url: str,
) -> None:
    broker = Broker(redis_url)
    async with broker.ingest():
        await both(broker, 1)
        await broker.wait(lambda events: len(marks(events)) == 1)
        assert broker.feed.listener is not None
        broker.feed.listener.lost(None)
        broker.history.known[STOCKS] = [raw("AAPL", 2), raw("MSFT", 2)]
        broker.history.down = True
        broker.feed.listener.subscribed()
        await both(broker, 3)
        await asyncio.sleep(3 * GRACE_SECONDS)
        assert len(marks(await broker.events())) == 1
        assert broker.room is not None
        assert "down for the test" in (broker.room.history_complaint() or "")
        broker.history.down = False
        events = await broker.wait(lambda events: len(marks(events)) == 3)
    assert marks(events) == [minute(1), minute(2), minute(3)]


async def test_the_day_ends_with_its_daily_bars(redis_url: str) -> None:
    broker = Broker(redis_url, STOCKS, DAYS)
    broker.clock = minute(389)
    broker.plan = plan(STOCKS, DAYS, begins_at=minute(389))
    async with broker.ingest():
        await both(broker, 390)
        await asyncio.sleep(3 * GRACE_SECONDS)
        assert marks(await broker.events()) == [], "the close waits for what is fetched after it"
        broker.history.known[DAYS] = [
            raw(symbol, t="2024-01-02T05:00:00Z") for symbol in ("AAPL", "MSFT")
        ]
        broker.clock = minute(390) + timedelta(seconds=16)
        events = await broker.wait(lambda events: len(marks(events)) == 1)
    (row,) = [event for event in events if isinstance(event, RowClosed)]
    assert [due.timeframe.value for due in row.due] == ["1m", "1d"]
    assert row.due[1].opened_at == OPEN


async def test_silence_is_told_once_and_shown_while_it_lasts(redis_url: str) -> None:
    broker = Broker(redis_url)
    async with broker.ingest():
        await both(broker, 1)
        await broker.wait(lambda events: len(marks(events)) == 1)
        broker.clock = minute(9)
        events = await broker.wait(lambda events: isinstance(events[-1], FeedStale))
        assert broker.room is not None
        assert "no bar from iex for 480 s" in (broker.room.feed_complaint() or "")
        await both(broker, 9)
        await broker.wait(lambda events: len(marks(events)) == 2)
        assert broker.room.feed_complaint() is None
    assert sum(isinstance(event, FeedStale) for event in events) == 1


async def test_a_mute_socket_is_made_anew_only_while_bars_are_due(redis_url: str) -> None:
    broker = Broker(redis_url)
    async with broker.ingest():
        for now, patience in ((minute(9), 240.0), (minute(395), None), (minute(2), None)):
            broker.clock = now
            broker.feed.patience_seconds = -1.0
            await eventually(lambda: broker.feed.patience_seconds != -1.0)
            assert broker.feed.patience_seconds == patience


async def test_a_disk_that_is_full_stops_nothing_and_is_made_up_for(redis_url: str) -> None:
    broker = Broker(redis_url)
    broker.store.full = True
    async with broker.ingest():
        for row in (1, 2, 3):
            await both(broker, row)
            await broker.wait(lambda events: broker.clock - marks_end(events) < MINUTE)
        room = broker.room
        assert room is not None
        await eventually(room.store_complaint)
        broker.store.full = False
        await eventually(lambda: len(broker.store.bars) == 6)
        assert room.store_complaint() is None


async def test_what_a_crash_kept_from_the_store_is_stored_by_the_next_life(redis_url: str) -> None:
    broker = Broker(redis_url)
    broker.store.full = True
    async with broker.ingest():
        await both(broker, 1)
        await broker.wait(lambda events: len(marks(events)) == 1)
    assert not broker.store.bars
    broker.store.full = False
    broker.clock = minute(1) + MINUTE / 2
    async with broker.ingest():
        await eventually(lambda: len(broker.store.bars) == 2)
    assert {bar.symbol for bar in broker.store.bars.values()} == {"AAPL", "MSFT"}
