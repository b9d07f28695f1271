"""Money and shares as people read them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

CENT = Decimal("0.01")
CENTS = 2


def amount(value: object) -> str:
    """Money with thousands and cents; a dash where nothing is known.

    >>> amount("100012.3"), amount(None)
    ('100,012.30', '–')
    """
    found = number(value)
    return "–" if found is None else f"{found.quantize(CENT):,}"


def quantity(value: object) -> str:
    """A quantity without needless zeros.

    >>> quantity("12.500"), quantity("1E+3")
    ('12.5', '1,000')
    """
    found = number(value)
    if found is None:
        return "–"
    text = f"{found:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def price(value: Decimal) -> str:
    """A price with its cents, and with more where it has more.

    >>> price(Decimal("92")), price(Decimal("0.4215"))
    ('92.00', '0.4215')
    """
    plain = value.normalize()
    exponent = plain.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) else 0
    return f"{plain:,.{max(CENTS, places)}f}"


def change(now: object, before: object) -> str:
    """By how much, and by what part of it, something has changed.

    >>> change("101", "100")
    '+1.00, +1.00 %'
    """
    new, old = number(now), number(before)
    if new is None or old is None or not old:
        return "–"
    return f"{(new - old).quantize(CENT):+,}, {(new / old - 1) * 100:+.2f} %"


def share(weight: float) -> str:
    """A weight in percent.

    >>> share(0.125), share(-0.05)
    ('12.5 %', '-5 %')
    """
    return f"{round(weight * 100, 2):g} %"


def number(value: object) -> Decimal | None:
    """A number that may have come as text; None for what is none."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
