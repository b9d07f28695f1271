"""From a wish in floats to whole units: how much an order asks for, and how units are shared out.

Both engines and the risk room size with `units`, so that a sweep and the live account buy the
same number of shares. `allocate` divides by the method of the largest remainder, in integers, so
the parts always add up to the whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import ROUND_DOWN, Decimal

ALMOST_WHOLE = 1e-9
"""How far below a whole number a float still counts as that number: 29.999999999999996 is 30."""

ONE = Decimal(1)
NANO = Decimal("1e-9")
"""The finest part of a quantity that an event can carry."""
ZERO = Decimal(0)


def units(ideal: float, per_unit: float) -> float:
    """Whole smallest units in an ideal quantity, rounded towards zero; `per_unit` is 10^decimals.

    Plain arithmetic on float64, so that it can be compiled. The arguments must be finite.

    >>> units(0.3 * 100.0, 1.0), units(-2.5, 1.0), units(0.12345, 1000.0)
    (30.0, -2.0, 123.0)
    """
    if ideal < 0.0:
        return -float(math.floor(-ideal * per_unit + ALMOST_WHOLE))
    return float(math.floor(ideal * per_unit + ALMOST_WHOLE))


def size(ideal: float, decimals: int) -> Decimal:
    """The quantity to hold for an ideal one: whole shares (0 decimals) or fractions.

    >>> size(12.999999999999998, 0), size(1.23456, 4)
    (Decimal('13'), Decimal('1.2345'))

    Raises:
        ValueError: for NaN or an infinity; who sizes must know price and equity.
    """
    if not math.isfinite(ideal):
        raise ValueError(f"{ideal} is no quantity")
    return Decimal(int(units(ideal, 10.0**decimals))).scaleb(-decimals)


def rounded_down(quantity: Decimal, unit: Decimal) -> Decimal:
    """The largest multiple of `unit` (a power of ten) that is not above a quantity; at least 0.

    >>> rounded_down(Decimal("12.99"), Decimal(1)), rounded_down(Decimal(-1), Decimal(1))
    (Decimal('12'), Decimal('0'))
    """
    return max(quantity, ZERO).quantize(unit, ROUND_DOWN)


def unit_among(quantities: Iterable[Decimal]) -> Decimal:
    """Whole shares stay whole: 1 if every quantity is whole, else the finest part there is.

    The answer depends on the values only, never on how many zeros they were written with.
    """
    return ONE if all(quantity == quantity.to_integral_value() for quantity in quantities) else NANO


def allocate(total: Decimal, weights: Mapping[str, Decimal], unit: Decimal) -> dict[str, Decimal]:
    """Share out a total in proportion to weights, by the largest remainder; ties go by name.

    Total and weights must not be negative. The parts add up to the total exactly; where the total
    is at most the sum of the weights and these are multiples of `unit`, no part exceeds its weight.

    >>> parts = allocate(Decimal(10), {"a": Decimal(1), "b": Decimal(1), "c": Decimal(1)}, ONE)
    >>> [str(part) for part in parts.values()]
    ['4', '3', '3']
    """
    names = sorted(name for name, weight in weights.items() if weight)
    if len(names) == 1:
        return {names[0]: total} if total else {}
    if not names:
        return {}
    scaled = _integers([weights[name] for name in names])
    whole, amount = sum(scaled), int(total / unit)
    quotas = [divmod(amount * weight, whole) for weight in scaled]
    missing = amount - sum(quota for quota, _ in quotas)
    by_remainder = sorted(range(len(names)), key=lambda index: (-quotas[index][1], names[index]))
    extra = set(by_remainder[:missing])
    parts = {name: (quotas[index][0] + (index in extra)) * unit for index, name in enumerate(names)}
    residue = total - amount * unit  # what the unit is too coarse for
    if residue:
        parts[names[by_remainder[0]]] += residue
    return {name: part for name, part in parts.items() if part}


def _integers(values: list[Decimal]) -> list[int]:
    """The same proportions in whole numbers."""
    exponent = min(int(value.as_tuple().exponent) for value in values)
    return [int(value.scaleb(-exponent)) if exponent < 0 else int(value) for value in values]
