"""The streams in Redis: where every room stands, and letting go of old entries."""

from __future__ import annotations

import json
from collections.abc import Sequence

from redis.asyncio import Redis

from trimtab_recorder.core.trimming import Standing, Trims
from trimtab_runtime.delivery.keys import DEAD, Keys

ENTRIES_PER_TRIM = 10_000
"""So few at a time that nobody else waits for the server."""
DEAD_ENTRIES_MAX = 10_000


class RedisStreams:
    """Trims in small steps, each of which leaves every room what it needs."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def standings(self) -> Sequence[Standing]:
        start = self._keys.room("")
        found = []
        async for key in self._redis.scan_iter(match=_literal(start) + "*", count=1000):
            name = key.decode().removeprefix(start)
            cursor, state_cursor, state_sequence = await self._redis.hmget(
                key, ["cursor", "state_cursor", "state_sequence"]
            )
            found.append(
                Standing(
                    name,
                    None if cursor is None else json.loads(cursor),
                    json.loads(state_cursor or b"{}"),
                    int(state_sequence or 0),
                )
            )
        return sorted(found, key=lambda standing: standing.room)

    async def trim(self, trims: Trims) -> int:
        gone = 0
        for family, oldest in trims.streams.items():
            if family != DEAD:
                gone += await self._trim(self._keys.stream(family), str(oldest))
        for room, sequence in trims.order_records.items():
            gone += await self._trim(self._keys.order(room), f"{sequence}-0")
        # The owner may put a dead letter back for as long as it lies there.
        await self._redis.xtrim(self._keys.stream(DEAD), maxlen=DEAD_ENTRIES_MAX)
        return gone

    async def _trim(self, stream: str, oldest: str) -> int:
        gone = 0
        while True:
            step = await self._redis.xtrim(
                stream, minid=oldest, approximate=True, limit=ENTRIES_PER_TRIM
            )
            gone += step
            if not step:
                return gone


def _literal(text: str) -> str:
    """Text as it stands in a pattern of Redis."""
    return "".join(f"\\{letter}" if letter in "*?[]^-\\" else letter for letter in text)
