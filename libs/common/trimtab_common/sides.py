"""The two sides of an order and the sign each gives to a quantity."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum


class Side(StrEnum):
    """Buy adds to a position, sell takes from it."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1


def side_of(quantity: Decimal) -> Side:
    """The side that a signed, non-zero quantity stands for.

    >>> side_of(Decimal("-2")).value
    'sell'
    """
    if not quantity:
        raise ValueError("a quantity of zero has no side")
    return Side.BUY if quantity > 0 else Side.SELL
