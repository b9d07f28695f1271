"""Two lists of events, compared field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from trimtab_common.events import Event

FAMILIES = ("signals", "orders", "fills")
TOLD_MAX = 5


@dataclass(frozen=True)
class Difference:
    """One place where the rooms and the engine do not say the same."""

    family: str
    place: int
    engine: Event | None
    rooms: Event | None

    def as_json(self) -> dict[str, Any]:
        return {
            "family": self.family,
            "place": self.place,
            "fields": differing_fields(self.engine, self.rooms),
            "engine": self.engine and self.engine.model_dump(mode="json"),
            "rooms": self.rooms and self.rooms.model_dump(mode="json"),
        }

    def __str__(self) -> str:
        engine = self.engine.id if self.engine else "nothing more"
        rooms = self.rooms.id if self.rooms else "nothing more"
        if engine == rooms:
            fields = ", ".join(differing_fields(self.engine, self.rooms))
            return f"{self.family} {self.place}: {engine} differs in {fields}"
        return f"{self.family} {self.place}: the engine says {engine}, the rooms say {rooms}"


def differing_fields(one: Event | None, other: Event | None) -> list[str]:
    """The fields of two events of one type that are not equal."""
    if type(one) is not type(other) or one is None:
        return ["type"]
    return [name for name in vars(one) if getattr(one, name) != getattr(other, name)]


def differences(
    engine: Mapping[str, Sequence[Event]], rooms: Mapping[str, Sequence[Event]]
) -> list[Difference]:
    """Every difference, family by family, in order. The order across streams is undefined."""
    return [
        Difference(family, place, one, other)
        for family in FAMILIES
        for place, (one, other) in enumerate(zip_longest(engine[family], rooms[family]))
        if one != other
    ]
