"""A purchase that is too large stays too large while prices hardly move: it need not be judged.

What was refused is tried again at the next row. Where the rules of size left far less than a part
worth ordering, the answer is known as long as price and equity stay close to what they were: the
refusal is counted and nothing is worked out. Any other event wakes the symbol at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from trimtab_common.events import instant
from trimtab_common.money import to_float
from trimtab_common.sides import Side
from trimtab_common.symbols import Symbol
from trimtab_trading.risk.refusals import Known, Refusals
from trimtab_trading.risk.rules import Broken

SIZE_RULES = frozenset({"R01", "R13", "R14"})
"""What they leave room for follows from price and equity alone."""
REACH = 3 / 8
"""How far price and equity may move, in drift bands. Where a limit is at most the whole equity, the
room then moves by less than three quarters of what is worth an order, and it began below one."""


@dataclass(slots=True)
class Rest:
    """A refusal that stands."""

    price: float
    equity: float
    reach: float
    """How far price and equity may move, as a fraction."""
    until: datetime
    """The next session: its first refusal is reported again."""
    side: Side
    rules: tuple[str, ...]
    counted: tuple[Known, ...]

    def is_near(self, price: Any, equity: Any) -> Any:
        """Whether price and equity, floats or arrays, hardly moved; NaN is near nothing."""
        return (abs(price - self.price) <= self.reach * self.price) & (
            abs(equity - self.equity) <= self.reach * self.equity
        )

    def count(self, rows: int = 1) -> None:
        """So many more rows in which the wish was refused."""
        for each in self.counted:
            each.count += rows

    def snapshot(self) -> list[Any]:
        numbers = [self.price, self.equity, self.reach]
        return [*numbers, instant(self.until), self.side.value, list(self.rules)]


def restored(state: Sequence[Any], symbol: Symbol, refusals: Refusals) -> Rest:
    """The rest whose `snapshot()` this was."""
    price, equity, reach, until, side, rules = state
    counted = refusals.known(symbol, Side(side), rules)
    at = datetime.fromisoformat(until)
    return Rest(price, equity, reach, at, Side(side), tuple(rules), counted)


def is_far_too_large(broken: Iterable[Broken], price: Decimal, worthwhile: Decimal) -> bool:
    """Whether only rules of size refused, and left less than a quarter of a part worth ordering."""
    broken = list(broken)
    if not broken or any(each.rule not in SIZE_RULES for each in broken):
        return False
    return 4 * min(each.refusal.fits for each in broken) * price < worthwhile


def reach_of(drift_band: Decimal) -> float:
    """How far prices may move before a refusal is looked at again, as a fraction."""
    return to_float(drift_band) * REACH
