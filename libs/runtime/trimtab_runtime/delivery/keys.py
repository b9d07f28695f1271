"""The names of everything a room keeps in Redis."""

from __future__ import annotations

from typing import NamedTuple

FAMILIES = ("bars", "signals", "orders", "fills", "models", "alerts", "control", "jobs", "health")
DEAD = "dead"


class Keys(NamedTuple):
    """The keys under one prefix."""

    prefix: str

    def stream(self, family: str) -> str:
        """The stream of a family; `dead` holds what could not be processed."""
        return self.prefix + family

    def family(self, stream: str) -> str:
        """The family a stream belongs to."""
        return stream.removeprefix(self.prefix)

    def room(self, name: str) -> str:
        """Hash: generation, sequence, cursor, state, and the sequence and cursor it stands at."""
        return f"{self.prefix}room:{name}"

    def order(self, name: str) -> str:
        """Stream: the order record, one entry per commit, its id the commit's sequence number."""
        return f"{self.prefix}order:{name}"

    def attempts(self, name: str) -> str:
        """Hash: how often handling an entry has ended the process."""
        return f"{self.prefix}attempts:{name}"

    @property
    def dead_index(self) -> str:
        """Set: the entries that are in `dead`, so that several readers bury each once."""
        return f"{self.prefix}dead:index"
