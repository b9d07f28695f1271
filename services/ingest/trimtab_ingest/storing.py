"""Keeps published bars in the bar store: in batches, from a thread, and without losing any.

The store lags a few seconds behind the stream. The id of the newest entry that is surely stored is
part of the room's state; after a crash the bars behind it are read from the stream again, and
storing a bar twice changes nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from trimtab_common.events import BarClosed, UnreadableEvent, parse_entry
from trimtab_ingest.ports import Store
from trimtab_runtime.delivery.session import Session

BATCH_BARS = 4_000
PAGE_ENTRIES = 500
TICK_SECONDS = 0.1


class Storing:
    """Collects bars and writes them behind the loop's back."""

    def __init__(
        self, store: Store, *, interval_seconds: float, on_stored: Callable[[int], None]
    ) -> None:
        self.stored_until: str | None = None
        """Every bar in the stream up to this entry is in the store."""
        self.trouble: str | None = None
        """Why bars are not stored; None while they are."""
        self._store = store
        self._interval_seconds = interval_seconds
        self._on_stored = on_stored
        self._waiting: list[BarClosed] = []

    def add(self, bars: list[BarClosed]) -> None:
        """Take bars that are about to be committed: so no committed one can be overlooked."""
        self._waiting.extend(bars)

    @property
    def is_full(self) -> bool:
        """Whether the store lags so far behind that no more rows should be closed."""
        return len(self._waiting) > 2 * BATCH_BARS

    async def run(self, session: Session, stored_until: str | None) -> None:
        """Store what a crash left behind, then whatever comes."""
        self.stored_until = stored_until
        await self._catch_up(session)
        begun = time.monotonic()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            over = time.monotonic() - begun >= self._interval_seconds
            if over and self.trouble is not None:
                await self._catch_up(session)
            if self._waiting and (over or len(self._waiting) >= BATCH_BARS):
                await self.flush(session)
            if over:
                begun = time.monotonic()

    async def flush(self, session: Session) -> None:
        """Store everything that waits."""
        newest = await session.redis.xrevrange(session.keys.stream("bars"), count=1)
        bars, self._waiting = self._waiting, []
        if self.trouble is None and await self._append(bars) and newest:
            self.stored_until = newest[0][0].decode()

    async def _append(self, bars: list[BarClosed]) -> bool:
        """Store bars. Where the disk refuses, they stay in the stream and are read again later."""
        try:
            self._on_stored(await asyncio.to_thread(self._store.append, bars))
        except OSError as error:
            self.trouble = f"bars cannot be stored: {error}"
            return False
        self.trouble = None
        return True

    async def _catch_up(self, session: Session) -> None:
        """Store what is in the stream behind the last entry that is surely stored."""
        stream, cursor = session.keys.stream("bars"), self.stored_until or "0-0"
        until = await session.redis.xrevrange(stream, count=1)
        while until:
            page = await session.redis.xrange(stream, f"({cursor}", until[0][0], count=PAGE_ENTRIES)
            bars = [bar for _, fields in page if (bar := _bar(fields)) is not None]
            if not page or not await self._append(bars):
                break
            self.stored_until = cursor = page[-1][0].decode()


def _bar(fields: dict[bytes, bytes]) -> BarClosed | None:
    """The bar in an entry; entries that are none, or not ours to read, are left to others."""
    if fields.get(b"type") != b"BarClosed":
        return None
    try:
        event = parse_entry(fields)
    except UnreadableEvent:
        return None
    return event if isinstance(event, BarClosed) else None
