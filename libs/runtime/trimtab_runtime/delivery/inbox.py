"""Where entries wait between the subscription and the room's loop: one inbox per stream."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from trimtab_common.events import Event, RowClosed, UnreadableEvent, parse, parse_entry
from trimtab_common.events.base import EARLIEST, LATEST
from trimtab_common.events.wire import EVENTS


class Entry(NamedTuple):
    """One entry of a stream, read and validated; `dead` says why it could not be."""

    stream: str
    id: str
    event: Event | None
    """None: nothing for this room, or unreadable."""
    dead: str | None
    raw: Mapping[bytes, bytes]


def read_entry(
    stream: str, entry_id: str, raw: Mapping[bytes, bytes], wanted: Collection[type[Event]]
) -> Entry:
    """Validate an entry; types that the room does not want are stepped over unread.

    What lies in `dead` is not read again: its reader looks at the raw fields.
    """
    if stream.endswith(":dead"):
        return Entry(stream, entry_id, None, None, raw)
    try:
        kind = EVENTS.get(raw.get(b"type", b"").decode("utf-8", "replace"))
        if kind is None or b"data" not in raw:
            parse_entry(raw)
        elif kind is RowClosed or kind in wanted:
            return Entry(stream, entry_id, parse(kind.__name__, raw[b"data"]), None, raw)
    except UnreadableEvent as reason:
        return Entry(stream, entry_id, None, str(reason), raw)
    return Entry(stream, entry_id, None, None, raw)


def written_at(entry_id: str) -> datetime:
    """When the server took an entry: the first half of its id, in milliseconds of wall-clock time.

    Anybody who can write to a stream can choose an id; what is no sensible time is moved into
    the range of those that are.

    >>> written_at("1700000000000-0").isoformat()
    '2023-11-14T22:13:20+00:00'
    """
    milliseconds = int(entry_id.partition("-")[0])
    earliest, latest = (int(end.timestamp() * 1000) for end in (EARLIEST, LATEST))
    within = min(max(milliseconds, earliest), latest - 1)
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=within)


class Inbox:
    """The entries of one stream that were read and are not yet committed.

    Back-pressure is per stream: a full inbox of bars must never keep fills from coming in, or a
    room that needs a fill to go on would wait for ever.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._room = asyncio.Event()
        self._room.set()

    async def admit(self, count: int) -> None:
        """Count entries in; wait while the inbox is over its limit."""
        self._held += count
        while self._held > self._limit:
            self._room.clear()
            await self._room.wait()

    def release(self, count: int) -> None:
        """Count committed entries out."""
        self._held -= count
        if self._held <= self._limit:
            self._room.set()

    def open_wide(self) -> None:
        """Let everybody in from now on: at the end of a life nobody makes room any more."""
        self._limit = sys.maxsize
        self._room.set()

    @property
    def held(self) -> int:
        return self._held
