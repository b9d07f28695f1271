"""Compare our books with the broker's. The broker's are the truth; ours say what we expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from trimtab_common.money import plain
from trimtab_common.symbols import Symbol
from trimtab_execution.ports import BrokerOrder

ZERO = Decimal(0)
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Mismatch:
    """One thing the books disagree on."""

    subject: str
    ours: str
    brokers: str


def compare(
    *,
    positions: Mapping[Symbol, Decimal],
    cash: Decimal,
    known_orders: frozenset[str],
    broker_positions: Mapping[Symbol, Decimal],
    broker_cash: Decimal,
    broker_orders: Sequence[BrokerOrder],
) -> list[Mismatch]:
    """All differences, in a fixed order: positions by symbol, cash, orders nobody here sent."""
    found = []
    for symbol in sorted({*positions, *broker_positions}):
        ours, theirs = positions.get(symbol, ZERO), broker_positions.get(symbol, ZERO)
        if ours != theirs:
            found.append(Mismatch(f"position {symbol}", plain(ours), plain(theirs)))
    if abs(cash - broker_cash) >= CENT:
        found.append(Mismatch("cash", plain(cash), plain(broker_cash)))
    for order in broker_orders:
        if order.client_order_id not in known_orders:
            subject = f"order {order.client_order_id}"
            found.append(Mismatch(subject, "unknown here", f"{order.status} {order.symbol}"))
    return found


class Doubt:
    """Reports a mismatch once it has persisted, and once more when it is gone.

    A fill on its way makes the books differ for a moment; that is no news.
    """

    def __init__(self, cycles: int) -> None:
        self._cycles = cycles
        self._seen: dict[str, int] = {}

    def judge(self, found: Sequence[Mismatch]) -> tuple[list[Mismatch], list[str]]:
        """(mismatches to report now, subjects that are resolved)."""
        subjects = {mismatch.subject for mismatch in found}
        resolved = [s for s, n in self._seen.items() if s not in subjects and n >= self._cycles]
        self._seen = {s: n for s, n in self._seen.items() if s in subjects}
        fresh = []
        for mismatch in found:
            count = self._seen[mismatch.subject] = self._seen.get(mismatch.subject, 0) + 1
            if count == self._cycles:
                fresh.append(mismatch)
        return fresh, resolved

    @property
    def standing(self) -> list[str]:
        """What is in doubt now."""
        return [subject for subject, count in self._seen.items() if count >= self._cycles]
