"""Who an order is for: what strategies exchange among themselves, and whose the rest is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from trimtab_common.events import StrategyShare, instant
from trimtab_common.money import plain
from trimtab_common.sides import Side
from trimtab_trading.open_orders import UNASSIGNED, OpenOrder
from trimtab_trading.risk.targets import Standing
from trimtab_trading.risk.wording import amount, shortened
from trimtab_trading.sizing import allocate, unit_among

ZERO = Decimal(0)


class Division(NamedTuple):
    """Needs of opposite sign met inside the account, and what remains for the market."""

    exchanged: dict[str, Decimal]
    """Signed quantities that add up to 0."""
    ordered: dict[str, Decimal]
    """What each strategy gets of the order, unsigned."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """An exchange that was decided at a row and happens at the symbol's next bar open."""

    decided_at: datetime
    transfers: dict[str, Decimal]

    def possible(self, book: Mapping[str, Decimal]) -> dict[str, Decimal]:
        """The transfers that the books still bear: nobody gives more than there is."""
        giving = {s: min(-q, max(book.get(s, ZERO), ZERO)) for s, q in self._side(-1).items()}
        taking = _part(sum(giving.values(), ZERO), self._side(1))
        given = {s: -q for s, q in giving.items() if q}
        return dict(sorted({**given, **taking}.items()))

    def _side(self, sign: int) -> dict[str, Decimal]:
        return {s: q for s, q in self.transfers.items() if q * sign > 0}

    def snapshot(self) -> list[Any]:
        return [instant(self.decided_at), {s: plain(q) for s, q in self.transfers.items()}]


def restored(state: list[Any]) -> Crossing:
    """The crossing whose `snapshot()` this was."""
    at, transfers = state
    return Crossing(
        datetime.fromisoformat(at), {s: Decimal(quantity) for s, quantity in transfers.items()}
    )


def needs(
    aim: Mapping[str, Decimal],
    book: Mapping[str, Decimal],
    orders: Iterable[OpenOrder],
    crossing: Crossing | None,
) -> dict[str, Decimal]:
    """What each strategy lacks (positive) or has too much of, counting what is on its way.

    What nobody owns has no aim: it is there to be taken over, or sold.
    """
    lacking = dict(aim)
    for strategy, quantity in book.items():
        lacking[strategy] = lacking.get(strategy, ZERO) - quantity
    for order in orders:
        for strategy, share in order.shares.items():
            coming = share * order.side.sign
            lacking[strategy] = lacking.get(strategy, ZERO) - coming
    for strategy, quantity in crossing.transfers.items() if crossing else ():
        lacking[strategy] = lacking.get(strategy, ZERO) - quantity
    return {strategy: lacking[strategy] for strategy in sorted(lacking) if lacking[strategy]}


def _part(total: Decimal, weights: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """A total divided in proportion: in whole shares where everything is whole."""
    return allocate(total, weights, unit_among([total, *weights.values()]))


def divide(lacking: Mapping[str, Decimal]) -> Division:
    """Match those who lack with those who have too much; only the difference is ordered."""
    buyers = {s: q for s, q in lacking.items() if q > 0}
    sellers = {s: -q for s, q in lacking.items() if q < 0}
    if not (buyers and sellers):
        return Division({}, buyers or sellers)
    bought, sold = sum(buyers.values(), ZERO), sum(sellers.values(), ZERO)
    matched = min(bought, sold)
    to_buyers, from_sellers = _part(matched, buyers), _part(matched, sellers)
    exchanged = {**to_buyers, **{s: -q for s, q in from_sellers.items()}}
    if bought >= sold:
        ordered = {s: q - to_buyers.get(s, ZERO) for s, q in buyers.items()}
    else:
        ordered = {s: q - from_sellers.get(s, ZERO) for s, q in sellers.items()}
    return Division(dict(sorted(exchanged.items())), {s: q for s, q in ordered.items() if q})


def one_sided(lacking: Mapping[str, Decimal], side: Side) -> dict[str, Decimal]:
    """What the strategies on the order's side lack, unsigned, where nothing is exchanged."""
    return {s: abs(q) for s, q in lacking.items() if q * side.sign > 0}


def shares(
    quantity: Decimal, side: Side, ordered: Mapping[str, Decimal]
) -> tuple[StrategyShare, ...]:
    """The attribution of an order of this quantity, which may be less than what was wanted."""
    return tuple(
        StrategyShare.trusted(strategy=strategy, quantity=part * side.sign)
        for strategy, part in sorted(_part(quantity, ordered).items())
    )


def reason(
    attribution: Iterable[StrategyShare], standing: Mapping[str, Standing], note: str
) -> str:
    """Why, in the owner's words: who wants how much, and that strategy's own reason."""
    parts = []
    for share in attribution:
        more_or_less = "more" if share.quantity > 0 else "less"
        who = (
            "what no strategy owns:" if share.strategy == UNASSIGNED else f"{share.strategy} wants"
        )
        said = standing.get(share.strategy)
        because = f": {said.reason}" if said and said.reason else ""
        parts.append(f"{who} {amount(abs(share.quantity))} {more_or_less}{because}")
    return shortened("; ".join([*parts, *([note] if note else [])]))
