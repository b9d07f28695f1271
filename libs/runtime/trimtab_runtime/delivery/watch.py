"""One life of a room over one session, ended at once when the session is lost."""

from __future__ import annotations

import asyncio

from trimtab_runtime.delivery.life import Life, Room
from trimtab_runtime.delivery.session import Session
from trimtab_runtime.ending import end

WATCH_SECONDS = 1.0


async def live(room: Room, session: Session, life: Life) -> None:
    """Run the room until it is told to stop.

    Raises what the room raised, `Fenced` when another process has taken the room over (also when
    this one is idle and commits nothing), `Unavailable` when Redis was emptied, the client's error
    when Redis is gone, and what broke the reading of a stream.
    """
    working = asyncio.ensure_future(room.live(session, life))
    watching = asyncio.ensure_future(_watch(session))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if watching.done() and not working.done():
            watching.result()
        working.result()
    finally:
        await end((working, watching))


async def _watch(session: Session) -> None:
    while True:
        await session.watch(WATCH_SECONDS)
