"""The loop of a room that follows streams without an order of rows: alerting, recorder.

Its effects lie outside Redis, so they happen at least once; what it says and what it remembers is
committed together with the cursor, once.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

from trimtab_common.events import Event
from trimtab_runtime.delivery.commit import Commit
from trimtab_runtime.delivery.endings import Unavailable
from trimtab_runtime.delivery.inbox import Entry
from trimtab_runtime.delivery.life import Life
from trimtab_runtime.delivery.session import Session

ENTRIES_PER_BATCH = 1_000
LINGER_SECONDS = 0.25
"""Nobody waits for what a follower does with an entry, so it may take several at a time."""

Take = Callable[[Sequence[Entry]], Awaitable[Sequence[Event]]]


class FollowerRoom:
    """Hands entries to `take` in batches, in the order of each stream, and commits."""

    def __init__(
        self,
        name: str,
        *,
        families: tuple[str, ...],
        wanted: Collection[type[Event]],
        take: Take,
        remember: Callable[[], Any] | None = None,
        recall: Callable[[Any], None] | None = None,
        idle: Callable[[], Awaitable[Sequence[Event]]] | None = None,
        info: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        self.name = name
        self.families = families
        self.wanted = frozenset(wanted)
        self.linger_seconds = LINGER_SECONDS
        self.info = info
        self._take = take
        self._remember = remember
        self._recall = recall
        self._idle = idle
        self._waiting: deque[Entry] = deque()

    async def live(self, session: Session, life: Life) -> None:
        """Follow until told to stop; a batch that was begun is finished."""
        if self._recall is not None and session.state is not None:
            self._recall(session.state)

        def deliver(_: str, entry: Entry) -> None:
            self._waiting.append(entry)
            life.wake.set()

        await session.subscribe(deliver)
        life.ready()
        while not life.stopping:
            life.progress()
            life.wake.clear()
            if self._waiting:
                await self._step(session, life)
            else:
                await self._rest(session, life)

    async def _step(self, session: Session, life: Life) -> None:
        # After a crash one by one, so that the entry at fault is found and given up.
        size = 1 if session.careful else ENTRIES_PER_BATCH
        batch = [self._waiting.popleft() for _ in range(min(size, len(self._waiting)))]
        commit = Commit()
        try:
            commit.outputs.extend(await self._take(batch))
        except Unavailable:
            raise
        except BaseException:
            await session.note_attempt(batch[0])
            raise
        for entry in batch:
            commit.take(entry)
        await self._commit(session, life, commit)

    async def _rest(self, session: Session, life: Life) -> None:
        said = await self._idle() if self._idle is not None else ()
        if said:
            await self._commit(session, life, Commit(outputs=list(said)))
        else:
            await life.wait()

    async def _commit(self, session: Session, life: Life, commit: Commit) -> None:
        started = time.perf_counter()
        await session.commit(commit, state=self._remember() if self._remember else None)
        life.committed(commit, time.perf_counter() - started)
