"""The recorder as a room: entries in, rows out, and the streams trimmed beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from trimtab_common.events import EVENTS, BarClosed, Event, RoomReported, RowClosed
from trimtab_recorder.core.reports import Reports
from trimtab_recorder.core.rows import Batch, dead_letter_row
from trimtab_recorder.core.trimming import Milestones, laggards, trims
from trimtab_recorder.handlers import HANDLERS
from trimtab_recorder.metrics import RecorderMetrics
from trimtab_recorder.ports import Record, Streams
from trimtab_runtime.delivery.beside import live_beside
from trimtab_runtime.delivery.follower import LINGER_SECONDS, FollowerRoom
from trimtab_runtime.delivery.inbox import Entry
from trimtab_runtime.delivery.keys import DEAD, FAMILIES
from trimtab_runtime.delivery.life import Life
from trimtab_runtime.delivery.session import Session

NAME = "recorder"
CLOCK_FAMILY = "bars"
"""The family whose closed rows say where market time stands."""

Reach = Callable[[Session], Streams]


class RecorderRoom:
    """Rows are in the database before the commit that moves the cursor: a kill loses none."""

    name = NAME
    families = (*FAMILIES, DEAD)
    wanted = frozenset(EVENTS.values()) - {BarClosed}
    linger_seconds = LINGER_SECONDS

    def __init__(
        self,
        record: Record,
        reach: Reach,
        *,
        milestones: Milestones,
        trim_interval_seconds: float,
        metrics: RecorderMetrics,
    ) -> None:
        self._record = record
        self._reach = reach
        self._milestones = milestones
        self._trim_interval_seconds = trim_interval_seconds
        self._metrics = metrics
        self._reports = Reports()
        self._laggards: list[str] = []
        self._follower = FollowerRoom(
            NAME,
            families=self.families,
            wanted=self.wanted,
            take=self.take,
            remember=self._remember,
            recall=self._recall,
        )

    async def live(self, session: Session, life: Life) -> None:
        """Follow and trim until told to stop."""
        await life.during(asyncio.to_thread(self._record.prepare))
        try:
            await live_beside(self._follower.live(session, life), self._trim(self._reach(session)))
        finally:
            self._record.close()

    async def take(self, entries: Sequence[Entry]) -> Sequence[Event]:
        """Write a batch down; nothing is published."""
        batch = Batch()
        for entry in entries:
            if entry.stream.endswith(f":{DEAD}"):
                batch.dead_letters.append(dead_letter_row(entry.id, entry.raw))
            elif entry.event is not None:
                self._add(batch, entry, entry.event)
        if batch:
            started = time.perf_counter()
            new = await asyncio.to_thread(self._record.write, batch)
            self._metrics.write_seconds.observe(time.perf_counter() - started)
            self._metrics.recorded.inc(new)
            self._metrics.duplicates.inc(len(batch.events) - new)
        return ()

    def complaint(self) -> str | None:
        """Why the streams grow; None while they do not."""
        if not self._laggards:
            return None
        return f"the streams keep old entries for rooms that do not go on: {self._laggards}"

    def info(self) -> dict[str, Any]:
        floor = self._milestones.floor
        return {"streams_kept_since": floor and floor.at.isoformat()}

    def _add(self, batch: Batch, entry: Entry, event: Event) -> None:
        family = entry.stream.rpartition(":")[2]
        if isinstance(event, RowClosed):
            if family == CLOCK_FAMILY:
                self._milestones.row_closed(event.at, entry.id)
            return
        if isinstance(event, RoomReported) and not self._reports.are_news(event):
            return
        batch.add(event, family, entry.id, entry.raw[b"data"])
        handler = HANDLERS.get(type(event))
        if handler is not None:
            handler(event, batch)

    async def _trim(self, streams: Streams) -> NoReturn:
        while True:
            rooms = await streams.standings()
            self._milestones.pass_by(rooms)
            floor = self._milestones.floor
            self._metrics.trimmed.inc(await streams.trim(trims(rooms, floor)))
            self._laggards = laggards(rooms, floor)
            await asyncio.sleep(self._trim_interval_seconds)

    def _remember(self) -> dict[str, Any]:
        return {"reports": self._reports.snapshot(), "milestones": self._milestones.snapshot()}

    def _recall(self, state: dict[str, Any]) -> None:
        self._reports.restore(state["reports"])
        self._milestones.restore(state["milestones"])
