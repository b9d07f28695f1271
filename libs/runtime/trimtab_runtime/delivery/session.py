"""A room's hold on Redis for one life of its process: generation, cursors, groups and commits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from trimtab_common.events import Event, encode, family_of
from trimtab_runtime.delivery.commit import ANNOUNCEMENT, SCRIPT, Commit, arguments
from trimtab_runtime.delivery.endings import Fenced, Unavailable
from trimtab_runtime.delivery.inbox import Entry, Inbox, read_entry
from trimtab_runtime.delivery.keys import DEAD, Keys
from trimtab_runtime.delivery.reader import (
    READ_COUNT,
    SOCKET_TIMEOUT_SECONDS,
    Batch,
    Reader,
    Take,
)

BEGINNING = "0-0"
INBOX_LIMIT = 2_000
ANNOUNCED_MAX = 20_000
"""About so many entries are kept of a stream on which somebody announces."""
ATTEMPTS_MAX = 3
"""So often may handling an entry end the process before the entry is given up as dead."""


class Fold(NamedTuple):
    """One step of the order record: entries of a family, or a forced mark."""

    family: str
    entry: Entry | None


Client = Any
"""redis.asyncio.Redis; its own annotations leave open whether a reply is text, bytes or None."""


def connect(url: str) -> Client:
    """A client that never repeats a command by itself: a repeated XADD is a doubled event."""
    return Redis.from_url(
        url,
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=3,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
    )


class Session:
    """What a room holds while it lives. `begin` before anything is read."""

    def __init__(
        self,
        url: str,
        *,
        room: str,
        prefix: str,
        families: Sequence[str],
        wanted: Collection[type[Event]],
        linger_seconds: float = 0.0,
    ) -> None:
        self.keys = Keys(prefix)
        self.room = room
        self.redis = connect(url)
        self.families = tuple(families)
        self.generation = 0
        self.sequence = 0
        self.cursor: dict[str, str] = {}
        self.state: Any = None
        self._linger_seconds = linger_seconds
        self._url = url
        self._wanted = frozenset(wanted)
        self._script = self.redis.register_script(SCRIPT)
        self._announcement = self.redis.register_script(ANNOUNCEMENT)
        self._state_sequence = 0
        self._state_cursor: dict[str, str] = {}
        self._reader: Reader | None = None
        self._broken: BaseException | None = None
        self._breaking = asyncio.Event()
        self._inboxes = {family: Inbox(INBOX_LIMIT) for family in families}
        self._attempts: dict[str, int] = {}

    async def begin(self) -> None:
        """Become the one process of this room: older ones can no longer commit."""
        key = self.keys.room(self.room)
        self.generation = await self.redis.hincrby(key, "generation", 1)
        stored = await self.redis.hgetall(key)
        self.sequence = int(stored.get(b"sequence", 0))
        self.cursor = self._from_beginning() | json.loads(stored.get(b"cursor", b"{}"))
        self.state = json.loads(stored[b"state"]) if b"state" in stored else None
        self._state_sequence = int(stored.get(b"state_sequence", 0))
        self._state_cursor = self._from_beginning() | json.loads(stored.get(b"state_cursor", b"{}"))
        attempts = await self.redis.hgetall(self.keys.attempts(self.room))
        self._attempts = {entry.decode(): int(count) for entry, count in attempts.items()}

    def _from_beginning(self) -> dict[str, str]:
        return {family: BEGINNING for family in self.families}

    async def hold(self) -> None:
        """Make sure that Redis answers and that this process still is the room.

        Raises Fenced, and Unavailable where the server was emptied or has gone back in time:
        nobody has replaced this process then, and whoever comes next begins anew.
        """
        stored = int(await self.redis.hget(self.keys.room(self.room), "generation") or 0)
        if stored < self.generation:
            raise Unavailable(f"Redis has forgotten {self.room}: it was emptied, or lost its end")
        if stored > self.generation:
            raise Fenced(f"{self.room}: generation {self.generation} was replaced")

    async def watch(self, seconds: float) -> None:
        """Watch for so long over what nobody else would notice.

        Raises as `hold` does, and what broke the reading of a stream.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._breaking.wait()
        await self.hold()
        if self._broken is not None:
            raise self._broken

    def _break(self, error: BaseException) -> None:
        """A stream cannot be read on; nothing more of it may be handed out."""
        if self._broken is None:
            self._broken = error
            self._breaking.set()

    @property
    def group(self) -> str:
        return f"{self.room}.{self.generation}"

    # ---------------------------------------------------------------- recovery

    async def folds(self) -> list[Fold]:
        """All that was taken since the state was stored, in the order in which it was taken."""
        record = await self.redis.xrange(
            self.keys.order(self.room), f"({self._state_sequence}-0", "+"
        )
        entries = {family: iter(await self._since_state(family)) for family in self.families}
        return [
            fold
            for _, fields in record
            for family, count in json.loads(fields[b"runs"])
            for fold in self._run(family, count, entries)
        ]

    def _run(
        self, family: str, count: int, entries: Mapping[str, Iterator[Entry]]
    ) -> Iterator[Fold]:
        for _ in range(count):
            if family in entries:
                yield Fold(family, next(entries[family]))
            elif family.startswith("-"):  # taken, but given up as dead
                skipped = next(entries[family[1:]])
                yield Fold(family[1:], skipped._replace(event=None))
            else:
                yield Fold(family, None)

    async def _since_state(self, family: str) -> list[Entry]:
        first, last = self._state_cursor[family], self.cursor[family]
        if first == last:
            return []
        stream = self.keys.stream(family)
        found = await self.redis.xrange(stream, f"({first}", last)
        return [read_entry(stream, id_.decode(), raw, self._wanted) for id_, raw in found]

    # ------------------------------------------------------------------ reading

    async def subscribe(self, deliver: Callable[[str, Entry], None]) -> None:
        """Create this generation's groups at the cursor, end the older ones, and read on."""
        pipe = self.redis.pipeline(transaction=True)
        for family in self.families:
            stream = self.keys.stream(family)
            pipe.xgroup_create(stream, self.group, self.cursor[family], mkstream=True)
        await pipe.execute()
        for family in self.families:
            await self._end_older_groups(self.keys.stream(family))
        self._reader = Reader(
            self._url, group=self.group, consumer=self.room, on_failure=self._break
        )
        for family in self.families:
            self._reader.add(self.keys.stream(family), self._taker(family, deliver))
        if self.families:
            await self._reader.start()

    async def _end_older_groups(self, stream: str) -> None:
        for group in await self.redis.xinfo_groups(stream):
            name = group["name"].decode()
            room, _, generation = name.rpartition(".")
            if room == self.room and generation.isdigit() and int(generation) < self.generation:
                await self.redis.xgroup_destroy(stream, name)

    def _taker(self, family: str, deliver: Callable[[str, Entry], None]) -> Take:
        stream, inbox = self.keys.stream(family), self._inboxes[family]

        async def take(batch: Batch) -> None:
            if self._broken is not None:
                return  # there may be entries missing before these
            for entry_id, raw in batch:
                entry = read_entry(stream, entry_id.decode(), raw, self._wanted)
                deliver(family, self._given_up(entry))
            await inbox.admit(len(batch))
            if self._linger_seconds and len(batch) < READ_COUNT:
                await asyncio.sleep(self._linger_seconds)

        return take

    def _given_up(self, entry: Entry) -> Entry:
        attempts = self._attempts.get(f"{entry.stream} {entry.id}", 0)
        if attempts < ATTEMPTS_MAX:
            return entry
        return entry._replace(event=None, dead=f"handling it ended the room {attempts} times")

    @property
    def careful(self) -> bool:
        """An entry ended an earlier process and it is not yet known to be past."""
        return bool(self._attempts)

    async def note_attempt(self, entry: Entry) -> None:
        """Handling this entry is about to end the process."""
        await self.redis.hincrby(self.keys.attempts(self.room), f"{entry.stream} {entry.id}", 1)

    # --------------------------------------------------------------- committing

    async def commit(self, commit: Commit, *, state: Any = None) -> None:
        """Apply the commit, with the room's state if given; raises Fenced, and never retries."""
        for stream, entries in commit.taken.items():
            self.cursor[self.keys.family(stream)] = entries[-1]
        cursor = json.dumps(self.cursor)
        fields: dict[str, str | bytes] = {"cursor": cursor}
        if state is not None:
            fields["state"] = json.dumps(state, separators=(",", ":"))
            fields["state_sequence"] = str(self.sequence + 1)
            fields["state_cursor"] = cursor
        applied = await self._script(
            keys=[
                self.keys.room(self.room),
                self.keys.order(self.room),
                self.keys.stream(DEAD),
                self.keys.dead_index,
            ],
            args=arguments(
                commit,
                generation=self.generation,
                sequence=self.sequence,
                prefix=self.keys.prefix,
                groups={self.keys.stream(family): self.group for family in self.families},
                room=self.room,
                record=json.dumps(commit.runs, separators=(",", ":")) if commit.runs else "",
                fields=fields,
            ),
        )
        if not applied:
            await self.hold()
            raise Fenced(f"{self.room}: another process commits as generation {self.generation}")
        self.sequence += 1
        for stream, entries in commit.taken.items():
            self._inboxes[self.keys.family(stream)].release(len(entries))
        if self._attempts:
            await self._forget_attempts(commit)

    async def _forget_attempts(self, commit: Commit) -> None:
        """What is committed, processed or buried, needs no counting any more."""
        done = {f"{stream} {id_}" for stream, ids in commit.taken.items() for id_ in ids}
        for entry in done & self._attempts.keys():
            del self._attempts[entry]
            await self.redis.hdel(self.keys.attempts(self.room), entry)

    async def announce(self, event: Event) -> None:
        """Publish outside the order of rows: health reports, control. Fenced like a commit."""
        said = await self._announcement(
            keys=[self.keys.room(self.room), self.keys.stream(family_of(event))],
            args=[self.generation, ANNOUNCED_MAX, *encode(event)],
        )
        if not said:
            await self.hold()

    def held(self) -> dict[str, int]:
        """Entries read and not yet committed, by family."""
        return {family: inbox.held for family, inbox in self._inboxes.items()}

    async def end(self) -> None:
        """Stop reading and let the connections go."""
        for inbox in self._inboxes.values():
            inbox.open_wide()
        if self._reader is not None:
            await self._reader.stop()
        await self.redis.aclose()
