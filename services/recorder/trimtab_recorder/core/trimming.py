"""Which entries of the streams nobody needs any more: a pure function of where every room stands.

An entry is needed by a room until its stored state covers it, because a restart re-folds from
there. Beyond that, the last sessions are kept for the nightly comparison; how far they reach back
is measured in market time, so that a replay of years keeps as little as a quiet week.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

MILESTONES_MAX = 50
"""So many are kept within the time that is kept."""


class EntryId(NamedTuple):
    """The id of an entry; ids order by time, then by sequence."""

    milliseconds: int
    sequence: int = 0

    @classmethod
    def parse(cls, text: str) -> EntryId:
        milliseconds, _, sequence = text.partition("-")
        return cls(int(milliseconds), int(sequence or 0))

    def __str__(self) -> str:
        return f"{self.milliseconds}-{self.sequence}"


@dataclass(frozen=True)
class Standing:
    """Where a room stands, as it last committed it."""

    room: str
    cursor: Mapping[str, str] | None
    """Family → last entry taken. None: it has begun and never committed."""
    state_cursor: Mapping[str, str] = field(default_factory=dict)
    state_sequence: int = 0
    """The commit that stored a state; 0 for a room that recovers from its cursor alone."""

    def needs(self, family: str) -> EntryId:
        """The last entry of a family that this room will not read again."""
        cursor = (self.cursor or {}).get(family, "0-0")
        if not self.state_sequence:
            return EntryId.parse(cursor)
        return min(EntryId.parse(cursor), EntryId.parse(self.state_cursor.get(family, "0-0")))


@dataclass(frozen=True)
class Milestone:
    """What was when market time stood at `at`."""

    at: datetime
    milliseconds: int
    """When the entry that said so was written, by the server's clock."""
    sequences: Mapping[str, int]
    """Room → the commit that had stored its state."""


class Trims(NamedTuple):
    """The oldest entry to keep: of each family, and of each room's order record."""

    streams: Mapping[str, EntryId]
    order_records: Mapping[str, int]


NOTHING = Trims({}, {})


def trims(rooms: Sequence[Standing], floor: Milestone | None) -> Trims:
    """What may go: what no room needs, and what is older than the floor.

    Nothing goes while there is no floor, or while a room has begun and never committed: nobody
    can say what it needs. A family that no room follows is cut at the floor alone.
    """
    if floor is None or any(room.cursor is None for room in rooms):
        return NOTHING
    families = {family for room in rooms for family in room.cursor or ()}
    lowest = EntryId(floor.milliseconds)
    return Trims(
        {family: min([lowest, *_followers_of(family, rooms)]) for family in sorted(families)},
        {
            room.room: min(room.state_sequence, floor.sequences.get(room.room, 0))
            for room in rooms
            if room.state_sequence
        },
    )


def _followers_of(family: str, rooms: Sequence[Standing]) -> list[EntryId]:
    return [room.needs(family) for room in rooms if family in (room.cursor or {})]


def laggards(rooms: Sequence[Standing], floor: Milestone | None) -> list[str]:
    """The rooms for whose sake more is kept than the floor asks for."""
    if floor is None:
        return []
    lowest = EntryId(floor.milliseconds)
    return sorted(
        room.room
        for room in rooms
        if room.cursor is None
        or any(
            EntryId(0) < room.needs(family) < lowest and _moves(family, room, rooms)
            for family in room.cursor
        )
    )


def _moves(family: str, room: Standing, rooms: Sequence[Standing]) -> bool:
    """Whether others have gone on in a family since: a quiet stream holds nobody up."""
    return any(
        family in (other.cursor or {}) and other.needs(family) > room.needs(family)
        for other in rooms
    )


class Milestones:
    """Remembers when market time stood where, coarsely, for as long as it matters."""

    def __init__(self, keep: timedelta) -> None:
        self._keep = keep
        self._passed: list[Milestone] = []
        self._newest: tuple[datetime, int] | None = None

    def row_closed(self, at: datetime, entry_id: str) -> None:
        """Market time has come to `at`; a small step back is a straggler, a large one is not."""
        before = self._newest
        if before is None or not before[0] - self._keep <= at < before[0]:
            self._newest = (at, EntryId.parse(entry_id).milliseconds)

    def pass_by(self, rooms: Sequence[Standing]) -> None:
        """Set a milestone where market time stands, unless the last one is near."""
        if self._newest is None:
            return
        at, milliseconds = self._newest
        if self._passed and at < self._passed[-1].at - self._keep:
            self._passed = []  # another market: time has begun anew
        if self._passed and at < self._passed[-1].at + self._keep / MILESTONES_MAX:
            return
        sequences = {room.room: room.state_sequence for room in rooms}
        self._passed.append(Milestone(at, milliseconds, sequences))
        floor = self.floor
        if floor is not None:
            self._passed = self._passed[self._passed.index(floor) :]

    @property
    def floor(self) -> Milestone | None:
        """The last milestone before the time that is kept."""
        if self._newest is None:
            return None
        before = self._newest[0] - self._keep
        return next((each for each in reversed(self._passed) if each.at <= before), None)

    def snapshot(self) -> dict[str, Any]:
        newest = self._newest and [self._newest[0].isoformat(), self._newest[1]]
        passed = [[m.at.isoformat(), m.milliseconds, dict(m.sequences)] for m in self._passed]
        return {"newest": newest, "passed": passed}

    def restore(self, state: dict[str, Any]) -> None:
        newest = state["newest"]
        self._newest = newest and (datetime.fromisoformat(newest[0]), int(newest[1]))
        self._passed = [
            Milestone(datetime.fromisoformat(at), milliseconds, sequences)
            for at, milliseconds, sequences in state["passed"]
        ]
