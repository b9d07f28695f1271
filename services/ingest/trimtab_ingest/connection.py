"""One feed's socket, and the history before each of its subscriptions.

History is asked for only when the server has confirmed the subscription: whatever became public
before that moment is in the history, whatever after it comes through the socket, and nothing lies
between. Asked any earlier, bars that became public in the meantime would be in neither.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from trimtab_ingest.asking import Asking
from trimtab_ingest.core.closing import Wire
from trimtab_ingest.core.desk import Desk
from trimtab_ingest.core.judge import Raw
from trimtab_ingest.core.stretches import stretches
from trimtab_ingest.ports import Feed, History, Released, Venue
from trimtab_runtime.delivery.endings import Unavailable
from trimtab_runtime.ending import end

ROWS_HELD_MAX = 400
BARS_HELD_MAX = 8_000
SETTLED = timedelta(seconds=60)
"""A broker's history has a minute for sure when it is so long past."""


class Connection:
    """Listens to one feed and merges what history knows into what the socket brings."""

    def __init__(
        self,
        feed: Feed,
        wire: Wire,
        desk: Desk,
        *,
        history: History,
        venue: Venue | None,
        asking: Asking,
        now: Callable[[], datetime | None],
        wake: Callable[[], None],
    ) -> None:
        self.feed = feed
        self.wire = wire
        self.merged_once = False
        """The room has recovered what it needed at its start."""
        self.came_at = time.monotonic()
        """When the socket last brought something, by the monotonic clock."""
        self.rows_closed = asyncio.Event()
        """To be set whenever rows were closed: there may be room for more."""
        self._desk = desk
        self._history = history
        self._venue = venue
        self._asking = asking
        self._now = now
        self._wake = wake
        self._rows_held_max = min(ROWS_HELD_MAX, max(1, BARS_HELD_MAX // len(wire.line.symbols)))
        self._merging: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Stream until cancelled; raises what merging raised."""
        streaming = asyncio.ensure_future(self.feed.run(self))
        try:
            while not streaming.done():
                merging = {self._merging} if self._merging else set()
                await asyncio.wait(
                    {streaming, *merging}, timeout=1.0, return_when=asyncio.FIRST_COMPLETED
                )
                if self._merging is not None and self._merging.done():
                    merged, self._merging = self._merging, None
                    if not merged.cancelled():
                        merged.result()
            streaming.result()
        finally:
            self._stop_merging()
            await end([streaming])

    def connecting(self) -> None:
        """A connection is being made; its subscription is what counts."""

    def subscribed(self) -> None:
        """Fetch what was missed; rows wait for that."""
        self.came_at = time.monotonic()
        self._desk.subscribed(self.wire.line, self.came_at)
        self._stop_merging()
        self._merging = asyncio.ensure_future(self._merge())

    def lost(self, reason: str | None) -> None:
        """Nothing flows. A simulator that was ended may come back with a shorter history."""
        self.wire.lost(reason)
        self._stop_merging()

    async def bar(self, raw: Raw) -> None:
        """Take a bar in; with too many rows waiting, the socket is not read on."""
        self.came_at = time.monotonic()
        self._desk.streamed(self.wire.line, raw, self.came_at, self._now())
        self._wake()
        while len(self._desk.rows) > self._rows_held_max:
            self.rows_closed.clear()
            await self.rows_closed.wait()

    async def revision(self, raw: Raw) -> None:
        self.came_at = time.monotonic()
        self._desk.revised(self.wire.line, raw, self.came_at, self._now())
        self._wake()

    def _stop_merging(self) -> None:
        if self._merging is not None:
            self._merging.cancel()
            self._merging = None

    async def _merge(self) -> None:
        line = self.wire.line
        start = self._desk.rows.back_to(line, windows_too=not self.merged_once)
        until, settled = await self._bounds()
        if until is not None:
            for first, last in stretches(line, start, until):
                raws = await self._asking.until_answered(self._history.bars, line, first, last)
                self._desk.fetched(line, raws, time.monotonic(), self._now())
                self.wire.complete(last if settled is None else min(last, settled))
                self._wake()
                await self._until_there_is_room(last)
        self.wire.merged()
        self.merged_once = True
        self._wake()

    async def _bounds(self) -> tuple[datetime | None, datetime | None]:
        """How far history is to be read, and how far it is surely complete (None: all of it)."""
        if self._venue is not None:
            released = await self._asking.until_answered(self._venue.released)
            self.check_market(released)
            return released.row, None
        now = self._now()
        return now, None if now is None else now - SETTLED

    def check_market(self, released: Released) -> None:
        """The simulator may have been started anew with another market."""
        source = released.replay.source
        if source != self._desk.plan.source:
            raise Unavailable(f"the simulator replays {source} now; beginning anew with that")

    async def _until_there_is_room(self, last: datetime) -> None:
        """Rows that history has completed are closed before more of it is fetched."""
        while len(self._desk.rows) > self._rows_held_max and self._desk.still_pending(last):
            self.rows_closed.clear()
            await self.rows_closed.wait()
