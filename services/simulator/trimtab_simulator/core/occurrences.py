"""What the exchange was asked, and when by the wall clock: for tests and for measuring."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from trimtab_simulator.core.records import Record

KEPT = 200_000


class Asked(StrEnum):
    """The kinds of occurrences."""

    ORDER = "order"
    CANCEL = "cancel"
    OPEN = "open"
    REQUEST = "request"
    RELEASE = "release"


class Occurrence(NamedTuple):
    """Something that came in (or, for a released row, went out) at a moment of wall-clock time."""

    received_at: float
    accepted: bool
    fields: dict[str, Any]


class Occurrences:
    """The latest occurrences of each kind; those that were accepted survive a restart."""

    def __init__(self) -> None:
        self._kept = {kind: deque[Occurrence](maxlen=KEPT) for kind in Asked}

    def note(self, kind: Asked, received_at: float, accepted: bool, **fields: Any) -> None:
        """Remember one."""
        self._kept[kind].append(Occurrence(received_at, accepted, fields))

    def restore(self, record: Record) -> None:
        """Remember an accepted one from the log of an earlier life."""
        if record["kind"] in (Asked.ORDER, Asked.CANCEL, Asked.OPEN):
            fields = {k: v for k, v in record.items() if k not in ("kind", "received_at")}
            self.note(Asked(record["kind"]), record["received_at"], True, **fields)

    def shown(self, kinds: Sequence[Asked], limit: int) -> list[dict[str, Any]]:
        """The latest ones, the oldest of them first."""
        chosen: Iterable[tuple[Asked, Occurrence]] = sorted(
            ((kind, occurrence) for kind in kinds for occurrence in self._kept[kind]),
            key=lambda pair: pair[1].received_at,
        )
        return [
            {
                "kind": kind.value,
                "received_at": datetime.fromtimestamp(occurrence.received_at, UTC).isoformat(),
                "accepted": occurrence.accepted,
                **occurrence.fields,
            }
            for kind, occurrence in list(chosen)[-limit:]
        ]
