"""Which rooms are down: silent for too long, or UNHEALTHY by their own word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from trimtab_alerting.core.noted import ROOM_DOWN, Noted, duration, noted
from trimtab_alerting.core.rules import Silence
from trimtab_common.events import Health, RoomReported


@dataclass
class _Room:
    heard: float
    """When it last reported, by this process's wall clock, in seconds."""
    last: str
    """The id of that report."""
    down: bool = False


class RoomWatch:
    """Hears reports and notices their absence. Time comes from whoever calls."""

    def __init__(self, silence: Silence) -> None:
        self._seconds = silence.seconds
        self._expected = silence.rooms
        self._rooms: dict[str, _Room] = {}
        self._since = self._looked = float("-inf")

    def hear(self, report: RoomReported, now: float) -> Iterator[Noted]:
        """Take a report into account; yields what changed by it."""
        room = self._rooms.setdefault(report.room, _Room(now, report.id))
        room.heard, room.last = now, report.id
        unhealthy = report.health is Health.UNHEALTHY
        if unhealthy != room.down:
            room.down = unhealthy
            reason = "; ".join(report.reasons) or "it gives no reason"
            yield _change(report.room, report.id, report.at, down=unhealthy, reason=reason)

    def silent(self, now: float) -> Iterator[Noted]:
        """Yield the rooms that have been silent for too long since they were last heard.

        Time counts from when this watch began to look, and begins anew after it was away itself
        (or the clock was set): else all rooms would seem silent.
        """
        if not self._looked <= now <= self._looked + self._seconds:
            self._since = now
        self._looked = now
        for name in self._expected:
            self._rooms.setdefault(name, _Room(now, f"health:{name}:never"))
        for name, room in self._rooms.items():
            room.heard = min(room.heard, now)
            silent_seconds = now - max(room.heard, self._since)
            if not room.down and silent_seconds > self._seconds:
                room.down = True
                reason = f"no report for {duration(self._seconds)}"
                at = datetime.fromtimestamp(now, UTC)
                yield _change(name, f"{room.last}:silent", at, down=True, reason=reason)

    @property
    def down(self) -> tuple[str, ...]:
        return tuple(sorted(name for name, room in self._rooms.items() if room.down))

    def snapshot(self) -> dict[str, Any]:
        return {name: asdict(room) for name, room in self._rooms.items()}

    def restore(self, state: dict[str, Any]) -> None:
        self._rooms = {name: _Room(**room) for name, room in state.items()}


def _change(room: str, cause: str, at: datetime, *, down: bool, reason: str) -> Noted:
    said = reason if down else "it reports again"
    return noted(ROOM_DOWN, cause=cause, at=at, resolved=not down, room=room, reason=said)
