"""What changed in the account without an order: told, where it accounts for a difference exactly.

Dividends, fees, interest, transfers and splits stand in the account's activities. They are told
only if they make our books agree with the broker's to the last digit; whatever they cannot account
for stays a mismatch, and nobody guesses.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from trimtab_common.events import CashAdjusted, Event, PositionAdjusted, instant
from trimtab_common.symbols import AssetClass, Symbol, asset_class
from trimtab_execution.core.books import Books
from trimtab_execution.core.reconcile import CENT, ZERO, quantities
from trimtab_execution.core.wording import identifier
from trimtab_execution.ports import Account, Activity, Position

COIN_FEE_MAX = Decimal("0.003")
"""A buy of coins is charged in coins: at most so much of what is held, and told a day later."""


def explain(
    books: Books,
    account: Account,
    positions: Sequence[Position],
    activities: Sequence[Activity],
    *,
    name: str,
    at: datetime,
) -> list[Event]:
    """What our books have not heard of yet; afterwards they know of it.

    An activity that changes nothing any more (the books agree) is known from then on, too.
    """
    fresh = [activity for activity in activities if activity.id not in books.activities]
    theirs = quantities(positions)
    events: list[Event] = []
    unexplained: set[str] = set()
    for symbol in sorted({*books.positions, *theirs}):
        missing = theirs.get(symbol, ZERO) - books.positions.get(symbol, ZERO)
        moving = [a for a in fresh if a.symbol == symbol and a.quantity]
        if missing and missing == sum((a.quantity for a in moving), ZERO):
            events.extend(_position(a, name, at) for a in moving)
        elif missing and _is_coin_fee(symbol, books.positions.get(symbol, ZERO), -missing):
            events.append(_coin_fee(symbol, missing, name, at))
        elif missing:
            unexplained.update(a.id for a in moving)
    paying = [activity for activity in fresh if activity.cash]
    owed = account.cash - books.cash
    if abs(owed) >= CENT:
        if abs(owed - sum((a.cash for a in paying), ZERO)) < CENT:
            events.extend(_cash(a, name, at) for a in paying)
        else:
            unexplained.update(a.id for a in paying)
    books.activities = {a.id for a in activities if a.id not in unexplained}
    return events


def _is_coin_fee(symbol: Symbol, held: Decimal, taken: Decimal) -> bool:
    return asset_class(symbol) is AssetClass.CRYPTO and ZERO < taken <= held * COIN_FEE_MAX


def _position(activity: Activity, name: str, at: datetime) -> PositionAdjusted:
    assert activity.symbol is not None
    return PositionAdjusted(
        id=f"position:{name}:{identifier(activity.id)}",
        at=at,
        account=name,
        symbol=activity.symbol,
        quantity=activity.quantity,
        reason=activity.text,
    )


def _coin_fee(symbol: Symbol, quantity: Decimal, name: str, at: datetime) -> PositionAdjusted:
    return PositionAdjusted(
        id=f"position:{name}:coin-fee:{symbol}:{instant(at)}",
        at=at,
        account=name,
        symbol=symbol,
        quantity=quantity,
        reason="coin fee",
    )


def _cash(activity: Activity, name: str, at: datetime) -> CashAdjusted:
    return CashAdjusted(
        id=f"cash:{name}:{identifier(activity.id)}",
        at=at,
        account=name,
        amount=activity.cash,
        reason=activity.text,
    )
