"""How far a room is behind its streams, asked of the server beside the room's work."""

from __future__ import annotations

from typing import Any, NamedTuple

from trimtab_runtime.delivery.session import Session


class Standing(NamedTuple):
    """Where a room stands in one stream."""

    unread: int | None
    """Entries that were not delivered yet. None where the server does not know: before Redis 7,
    and from a restart until the room has caught up."""
    pending: int
    """Entries that were delivered and not committed."""
    waiting_since: float | None
    """When the oldest entry that is not committed was published, in seconds since 1970 began; None
    where nothing waits. Every server knows this, trimmed streams and restarts included."""


async def standings(session: Session) -> dict[str, Standing]:
    """Family → where the room stands, in one round trip."""
    pipe = session.redis.pipeline(transaction=False)
    for family in session.families:
        stream = session.keys.stream(family)
        pipe.xinfo_groups(stream)
        pipe.xrange(stream, f"({session.cursor[family]}", "+", count=1)
    answers = await pipe.execute() if session.families else []
    return {
        family: _standing(groups, waiting, session.group.encode())
        for family, groups, waiting in zip(
            session.families, answers[::2], answers[1::2], strict=True
        )
    }


def published_at(entry_id: str) -> float:
    """When the server took an entry, in seconds since 1970 began.

    >>> published_at("1700000000250-3")
    1700000000.25
    """
    return int(entry_id.partition("-")[0]) / 1_000


def _standing(groups: list[dict[str, Any]], waiting: list[Any], own: bytes) -> Standing:
    # A process that has been replaced has no group any more; it will notice by itself.
    group = next((each for each in groups if each["name"] == own), {})
    since = published_at(waiting[0][0].decode()) if waiting else None
    return Standing(group.get("lag"), group.get("pending", 0), since)
