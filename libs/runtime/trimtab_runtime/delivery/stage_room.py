"""The loop of a room whose work is a stage: strategy and risk."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any

from trimtab_common.events import Event
from trimtab_runtime.delivery.commit import Commit
from trimtab_runtime.delivery.inbox import Entry
from trimtab_runtime.delivery.life import Life
from trimtab_runtime.delivery.session import Session
from trimtab_trading.merge import FORCED, LiveMerge
from trimtab_trading.stage import Stage

ENTRIES_PER_COMMIT = 200
COMMITS_PER_STATE = 50


async def nothing() -> Sequence[Event]:
    """A stage that needs no preparation before its first row."""
    return ()


class StageRoom:
    """Steps a stage through its merge and commits what it says."""

    def __init__(
        self,
        stage: Stage,
        *,
        wanted: Collection[type[Event]],
        patience_seconds: float | None,
        entries_per_commit: int = ENTRIES_PER_COMMIT,
        prepare: Callable[[], Awaitable[Sequence[Event]]] = nothing,
        info: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        self.stage = stage
        self.name = stage.name
        self.families = (*(i.family for i in stage.inputs), *stage.asides)
        self.wanted = frozenset(wanted)
        self.linger_seconds = 0.0
        self._patience = patience_seconds
        self._entries_per_commit = entries_per_commit
        self._prepare = prepare
        self._info = info
        self._merge = LiveMerge(stage)
        self._blocked_since: float | None = None
        self._forced = 0
        self._commits = 0

    def info(self) -> dict[str, Any]:
        row = self._merge.row
        return {"row": row and row.at.isoformat(), "forced_marks": self._forced, **self._info()}

    async def live(self, session: Session, life: Life) -> None:
        """Recover, then step and commit until the room is told to stop."""
        await life.during(self._recover(session))

        def deliver(family: str, entry: Entry) -> None:
            self._merge.put(family, entry, entry.event)
            life.wake.set()

        await session.subscribe(deliver)
        life.ready()
        while not life.stopping:
            life.progress()
            life.wake.clear()
            commit = await self._collect(session)
            if commit:
                await self._commit(session, life, commit)
            else:
                await self._wait(life)

    async def _recover(self, session: Session) -> None:
        """Stand where the last commit left off, without saying anything again."""
        if session.state is None:
            said = await self._prepare()
            await session.commit(Commit(outputs=list(said)), state=self._merge.snapshot())
            return
        self._merge.restore(session.state)
        for fold in await session.folds():
            if fold.family == FORCED:
                self._merge.force()
                continue
            self._merge.put(fold.family, None, fold.entry and fold.entry.event)
            while self._merge.step() is not None:
                pass

    async def _collect(self, session: Session) -> Commit:
        commit = Commit()
        if self._out_of_patience():
            self._forced += 1
            commit.forced.append(str(self._merge.blocked_on))
            self._add(commit, FORCED, None, self._merge.force().outputs)
        while commit.size < self._entries_per_commit:
            try:
                step = self._merge.step()
            except BaseException:
                if isinstance(self._merge.taking, Entry):
                    await session.note_attempt(self._merge.taking)
                raise
            if step is None:
                break
            self._add(commit, step.family, step.tag, step.outputs)
        return commit

    def _add(
        self, commit: Commit, family: str, entry: Entry | None, outputs: Iterable[Event]
    ) -> None:
        commit.outputs.extend(outputs)
        if entry is not None:
            commit.take(entry)
            commit.record(family if entry.dead is None else f"-{family}")
        elif family == FORCED:
            commit.record(FORCED)

    async def _commit(self, session: Session, life: Life, commit: Commit) -> None:
        self._commits += 1
        started = time.perf_counter()
        due = self._commits % COMMITS_PER_STATE == 0
        await session.commit(commit, state=self._merge.snapshot() if due else None)
        life.committed(commit, time.perf_counter() - started)

    def _out_of_patience(self) -> bool:
        if self._patience is None or self._merge.blocked_on is None:
            self._blocked_since = None
            return False
        if self._blocked_since is None:
            self._blocked_since = time.monotonic()
        return time.monotonic() - self._blocked_since >= self._patience

    async def _wait(self, life: Life) -> None:
        await life.wait(None if self._blocked_since is None else self._patience)
