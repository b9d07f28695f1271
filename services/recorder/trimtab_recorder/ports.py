"""What this room needs from outside: the record to write, and the streams to trim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from trimtab_recorder.core.rows import Batch
from trimtab_recorder.core.trimming import Standing, Trims


class Record(Protocol):
    """The database, written by this room alone. Methods block; they raise Unavailable."""

    def prepare(self) -> None:
        """Bring the database to the shape that this release needs."""

    def write(self, batch: Batch) -> int:
        """Write a batch in one transaction; what is there already changes nothing.

        Returns how many of its events were new.
        """

    def close(self) -> None:
        """Let go of the database; nothing is written after that."""


class Streams(Protocol):
    """The streams of this system, and the rooms that read them."""

    async def standings(self) -> Sequence[Standing]:
        """Where every room stands."""

    async def trim(self, trims: Trims) -> int:
        """Let go of what is older; returns how many entries went."""
