"""What a run leaves behind, as plain values: the checker reads these and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

ZERO = Decimal(0)
MARK = "RowClosed"


class Entry(NamedTuple):
    """One entry of a stream, its `data` parsed; None where it is no JSON object."""

    id: str
    type: str
    data: Mapping[str, Any] | None
    words: bytes = b""
    """`data` as it came."""


class Group(NamedTuple):
    """A consumer group, as the server shows it."""

    family: str
    room: str
    generation: int
    pending: int
    lag: int | None
    """Entries it was never given; None where the server cannot tell."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a room stands by its last commit."""

    generation: int
    cursor: Mapping[str, str]
    """Family → the last entry taken."""
    state_cursor: Mapping[str, str] = field(default_factory=dict)
    folds: Mapping[str, int] | None = None
    """Family → entries that the order record names since the state; a leading `-`: given up.
    None for a room that keeps no such record."""


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """What somebody says the account holds."""

    cash: Decimal
    positions: Mapping[str, Decimal]


@dataclass(frozen=True, kw_only=True)
class Account(Ledger):
    """What the exchange says, with every order it ever took in."""

    filled: Mapping[str, Decimal]
    """Client order id → filled quantity."""
    at_work: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Record:
    """The database that the recorder writes."""

    events: Mapping[str, tuple[str, Mapping[str, Any]]]
    """Event id → stream and words."""
    fills: Mapping[str, Decimal]
    """Fill id → quantity."""
    orders: Mapping[str, tuple[str, Decimal]]
    """Client order id → state and filled quantity."""
    dead_letters: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything, read at rest."""

    streams: Mapping[str, Sequence[Entry]]
    """Family → entries; `dead` is apart."""
    dead: Sequence[Mapping[str, str]]
    standings: Mapping[str, Standing]
    groups: Sequence[Group]
    journal: Mapping[str, str]
    """Client order id → `held` or `sending`."""
    exchange_log: Sequence[Mapping[str, Any]]
    """What the exchange took in, in order."""
    account: Account
    ledgers: Mapping[str, Ledger]
    """Who says so → what it says."""
    unfinished: frozenset[str]
    """Orders that execution still answers for."""
    record: Record
    start_cash: Decimal = ZERO

    def events(self, family: str, *kinds: str) -> Iterator[Mapping[str, Any]]:
        """The readable events of a stream, all or those of some types."""
        for entry in self.streams.get(family, ()):
            if entry.data is not None and (not kinds or entry.type in kinds):
                yield entry.data
