"""Dead letters: list, show and requeue what could not be processed."""

from __future__ import annotations

from typing import NamedTuple

from trimtab_common.events import UnreadableEvent, parse_entry
from trimtab_runtime.delivery.keys import DEAD, Keys
from trimtab_runtime.delivery.session import Client


class DeadLetter(NamedTuple):
    """An entry that a room gave up, and why."""

    id: str
    stream: str
    entry: str
    kind: str
    data: str
    room: str
    reason: str


class NoSuchLetter(LookupError):
    """No dead letter has this id."""


def _letter(entry_id: bytes, fields: dict[bytes, bytes]) -> DeadLetter:
    def text(name: bytes) -> str:
        return fields.get(name, b"").decode("utf-8", "replace")

    return DeadLetter(
        entry_id.decode(),
        text(b"stream"),
        text(b"entry"),
        text(b"type"),
        text(b"data"),
        text(b"room"),
        text(b"reason"),
    )


async def listed(redis: Client, keys: Keys, count: int = 100) -> list[DeadLetter]:
    """The newest dead letters, newest first."""
    found = await redis.xrevrange(keys.stream(DEAD), count=count)
    return [_letter(entry_id, fields) for entry_id, fields in found]


async def show(redis: Client, keys: Keys, letter_id: str) -> DeadLetter:
    """One dead letter; raises NoSuchLetter."""
    found = await redis.xrange(keys.stream(DEAD), letter_id, letter_id)
    if not found:
        raise NoSuchLetter(f"no dead letter {letter_id}; `trimtab dead list` shows their ids")
    return _letter(*found[0])


async def requeue(redis: Client, keys: Keys, letter_id: str) -> str:
    """Put an entry back at the end of its stream; returns its new id there.

    Raises NoSuchLetter, and UnreadableEvent when it still is no event: it would only die again.
    """
    letter = await show(redis, keys, letter_id)
    fields = {b"type": letter.kind.encode(), b"data": letter.data.encode()}
    try:
        parse_entry(fields)
    except UnreadableEvent as reason:
        raise UnreadableEvent(f"it still cannot be read: {reason}") from None
    entry: bytes = await redis.xadd(letter.stream, fields)
    return entry.decode()
