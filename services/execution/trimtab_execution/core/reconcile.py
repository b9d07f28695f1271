"""Compare our books with the broker's. The broker's are the truth; ours say what we expected."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from trimtab_common.money import plain
from trimtab_common.symbols import Symbol
from trimtab_execution.core.books import Books
from trimtab_execution.core.wording import printable
from trimtab_execution.ports import Account, BrokerOrder, Position

ZERO = Decimal(0)
CENT = Decimal("0.01")
VALUE_TOLERANCE = Decimal("0.2")
"""How far the values of positions, read one after another, may move or be rounded apart."""
POSITION, ORDER = "position", "order"


@dataclass(frozen=True)
class Mismatch:
    """One thing the books disagree on."""

    subject: str
    ours: str
    brokers: str


def compare(
    books: Books,
    account: Account,
    positions: Sequence[Position],
    known_orders: Collection[str],
    open_orders: Sequence[BrokerOrder],
) -> list[Mismatch]:
    """All differences, in a fixed order: account, positions, cash, orders nobody here sent."""
    found = []
    if books.account_number != account.number:
        found.append(Mismatch("account number", books.account_number, account.number))
    theirs = quantities(positions)
    for symbol in sorted({*books.positions, *theirs}):
        ours, brokers = books.positions.get(symbol, ZERO), theirs.get(symbol, ZERO)
        if ours != brokers:
            found.append(Mismatch(f"{POSITION} {symbol}", plain(ours), plain(brokers)))
    if abs(books.cash - account.cash) >= CENT:
        found.append(Mismatch("cash", plain(books.cash), plain(account.cash)))
    for order in open_orders:
        if order.client_order_id not in known_orders:
            subject = printable(f"{ORDER} {order.client_order_id}")
            shown = printable(f"{order.status} {order.symbol}")
            found.append(Mismatch(subject, "unknown here", shown))
    return found


def quantities(positions: Sequence[Position]) -> dict[Symbol, Decimal]:
    """Signed quantities by symbol."""
    return {position.symbol: position.quantity for position in positions}


def contradiction(account: Account, positions: Sequence[Position]) -> str | None:
    """Why these positions cannot be all that the account holds: none or half of them came."""
    listed = sum((position.value for position in positions), ZERO)
    held = account.equity - account.cash
    if abs(listed - held) <= max(CENT, VALUE_TOLERANCE * abs(held)):
        return None
    return f"positions worth {plain(listed)} were listed, the account holds {plain(held)}"


class Doubt:
    """Reports a mismatch once it has persisted, and once more when it is gone.

    A fill on its way makes the books differ for a moment; that is no news.
    """

    def __init__(self, cycles: int) -> None:
        self._cycles = cycles
        self.seen: dict[str, int] = {}
        """Subject → how often in a row it was found to differ; survives a restart."""

    def judge(self, found: Sequence[Mismatch]) -> tuple[list[Mismatch], list[str]]:
        """(mismatches to report now, subjects that are resolved)."""
        subjects = {mismatch.subject for mismatch in found}
        resolved = [s for s, n in self.seen.items() if s not in subjects and n >= self._cycles]
        self.seen = {s: n for s, n in self.seen.items() if s in subjects}
        fresh = []
        for mismatch in found:
            count = self.seen[mismatch.subject] = self.seen.get(mismatch.subject, 0) + 1
            if count == self._cycles:
                fresh.append(mismatch)
        return fresh, resolved

    @property
    def standing(self) -> list[str]:
        """What is in doubt now."""
        return [subject for subject, count in self.seen.items() if count >= self._cycles]

    @property
    def symbols(self) -> frozenset[Symbol]:
        """The symbols whose positions are in doubt now."""
        pairs = (subject.split(" ", 1) for subject in self.standing if " " in subject)
        return frozenset(name for kind, name in pairs if kind == POSITION)
