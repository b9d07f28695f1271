"""What a room is given for one life: when to wake, when to stop, and where to say how it fares."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from trimtab_common.events import Event
from trimtab_runtime.delivery.commit import Commit
from trimtab_runtime.delivery.session import Session

Result = TypeVar("Result")


class Life:
    """Shared between a room's loop and the service around it."""

    tick_seconds = 1.0
    """A waiting loop wakes at least this often, so that a wedged one is told from an idle one."""

    def __init__(
        self,
        *,
        on_progress: Callable[[], None],
        on_ready: Callable[[], None],
        on_commit: Callable[[Commit, float], None],
    ) -> None:
        self.wake = asyncio.Event()
        self.stopping = False
        self.progress = on_progress
        self.ready = on_ready
        """To be called when the room has recovered and reads."""
        self.committed = on_commit

    def stop(self) -> None:
        """Ask the room to finish what it has begun and return."""
        self.stopping = True
        self.wake.set()

    async def wait(self, seconds: float | None = None) -> None:
        """Wait until woken, told to stop, or the time is over."""
        try:
            async with asyncio.timeout(self.tick_seconds if seconds is None else seconds):
                await self.wake.wait()
        except TimeoutError:
            pass

    async def during(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do what takes long and has an end of its own, without seeming to be stuck."""
        doing = asyncio.ensure_future(work)
        try:
            while not doing.done():
                self.progress()
                await asyncio.wait({doing}, timeout=self.tick_seconds)
            return doing.result()
        finally:
            doing.cancel()


class Room(Protocol):
    """What the service runs: a name, the streams it reads, and a life."""

    @property
    def name(self) -> str:
        """The room's name, also that of its container, log and metrics."""

    @property
    def families(self) -> tuple[str, ...]:
        """The streams it reads."""

    @property
    def wanted(self) -> frozenset[type[Event]]:
        """The events it understands; others are stepped over unread."""

    @property
    def linger_seconds(self) -> float:
        """How long a reader that has caught up waits for company of the next entry.

        0 where a decision depends on it; a little where few large batches beat many small ones.
        """

    async def live(self, session: Session, life: Life) -> None:
        """Recover, call `life.ready()`, work until `life.stopping`, leave nothing half done."""

    def info(self) -> dict[str, Any]:
        """What /info shows."""
