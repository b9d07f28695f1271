"""Reads and writes the streams from the command line: short visits, with little patience."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from trimtab.failure import not_running
from trimtab.place import CommandSettings
from trimtab_common.events import Event, RowClosed, encode, family_of, parse_entry
from trimtab_runtime.delivery.keys import FAMILIES, Keys

PATIENCE_SECONDS = 3.0
PAGE = 2_000
MARK_SEARCH_MAX = 20_000

Fields = dict[bytes, bytes]


class Streams:
    """All streams of one system."""

    def __init__(self, url: str, prefix: str) -> None:
        self.keys = Keys(prefix)
        self._redis: Any = redis.Redis.from_url(
            url,
            socket_timeout=PATIENCE_SECONDS,
            socket_connect_timeout=PATIENCE_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )

    def answers(self) -> bool:
        """Whether the server is there and lets us in."""
        try:
            return bool(self._redis.ping())
        except redis.RedisError:
            return False

    def close(self) -> None:
        self._redis.close()

    def publish(self, event: Event) -> str:
        """Add an event to its stream; the entry's id comes back."""
        kind, data = encode(event)
        stream = self.keys.stream(family_of(event))
        entry: bytes = self._redis.xadd(stream, {"type": kind, "data": data})
        return entry.decode()

    def length(self, family: str) -> int:
        return int(self._redis.xlen(self.keys.stream(family)))

    def read(
        self, after: dict[str, Any], count: int, block_milliseconds: int
    ) -> list[tuple[bytes, list[Any]]]:
        """What came after the given ids of whole stream names, waiting for it a little."""
        found = self._redis.xread(after, count=count, block=block_milliseconds) or []
        return list(found.items()) if isinstance(found, dict) else list(found)

    def newest_first(self, family: str, before: str = "+") -> Iterator[tuple[str, Fields]]:
        """Every entry of a stream, from `before` (included) back to its beginning."""
        last = before
        while True:
            page = self._redis.xrevrange(self.keys.stream(family), last, "-", count=PAGE)
            for entry_id, fields in page:
                yield entry_id.decode(), fields
            if len(page) < PAGE:
                return
            last = f"({page[-1][0].decode()}"

    def oldest_first(self, family: str, after: str = "-") -> Iterator[tuple[str, Fields]]:
        """Every entry of a stream from `after` on; `(id` leaves that id out."""
        first = after
        while True:
            page = self._redis.xrange(self.keys.stream(family), first, "+", count=PAGE)
            for entry_id, fields in page:
                yield entry_id.decode(), fields
            if len(page) < PAGE:
                return
            first = f"({page[-1][0].decode()}"

    def last_row(self, family: str = "bars") -> datetime | None:
        """The market time of the last row that was closed on a stream."""
        for seen, (_, fields) in enumerate(self.newest_first(family)):
            if fields.get(b"type") == RowClosed.__name__.encode():
                return parse_entry(fields).at
            if seen >= MARK_SEARCH_MAX:
                break
        return None

    def unfinished(self) -> dict[str, int]:
        """Group → entries that it has not read or not acknowledged, where there are any."""
        found = {}
        for family in (*FAMILIES, "dead"):
            stream = self.keys.stream(family)
            if not self._redis.exists(stream):
                continue
            for group in self._redis.xinfo_groups(stream):
                waiting = int(group["pending"]) + int(group["lag"] or 0)
                if waiting:
                    found[f"{family} {group['name'].decode()}"] = waiting
        return found


def reachable_streams(settings: CommandSettings) -> Streams | None:
    """The streams, if their server answers now."""
    url = settings.redis_address()
    if url is None:
        return None
    streams = Streams(url, settings.stream_prefix)
    if streams.answers():
        return streams
    streams.close()
    return None


def open_streams(settings: CommandSettings) -> Streams:
    """The streams; raises Failure where no server answers."""
    streams = reachable_streams(settings)
    if streams is None:
        raise not_running(f"No server with streams answers for {settings.home}.")
    return streams
