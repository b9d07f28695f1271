"""How numbers stand in a sentence to the owner."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from trimtab_common.events import instant
from trimtab_common.money import plain

TEXT_LENGTH_MAX = 1000
_CENT = Decimal("0.01")


def amount(value: Decimal | None) -> str:
    """An amount or a quantity: two places where it has more, `unknown` where it is none.

    >>> amount(Decimal("25000.000")), amount(Decimal("0.123456")), amount(Decimal("NaN"))
    ('25000', '0.123456', 'unknown')
    """
    if value is None or not value.is_finite():
        return "unknown"
    if abs(value) >= 1:
        value = value.quantize(_CENT, ROUND_HALF_EVEN)
    return plain(value)


def percent(fraction: Decimal | None) -> str:
    """A fraction as the owner reads it.

    >>> percent(Decimal("0.03"))
    '3 %'
    """
    if fraction is None or not fraction.is_finite():
        return "unknown"
    return f"{plain((fraction * 100).quantize(_CENT, ROUND_HALF_EVEN))} %"


def plainly(at: datetime) -> str:
    """An instant, in UTC."""
    return instant(at)


def shortened(text: str) -> str:
    """A text that fits into an event."""
    return text if len(text) <= TEXT_LENGTH_MAX else text[: TEXT_LENGTH_MAX - 1] + "…"
