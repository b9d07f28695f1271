"""Decimal money: the types that events carry, and the only door between Decimal and float.

In JSON an amount is a plain decimal string and nothing else: no number, no exponent, no
thousands separator, no sign but a leading minus. In Python it is a finite `Decimal`. Either way
it has at most 15 digits before the point and 9 after it, so it survives every hop unchanged.
"""

import math
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Annotated, Any, Final

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

INTEGER_DIGITS_MAX: Final = 15
DECIMAL_PLACES_MAX: Final = 9

_LIMIT: Final = Decimal(10) ** INTEGER_DIGITS_MAX
_FLOAT_LIMIT: Final = 10.0**INTEGER_DIGITS_MAX
_SMALLEST: Final = Decimal(1).scaleb(-DECIMAL_PLACES_MAX)
_ZERO: Final = Decimal(0)
_CENT: Final = Decimal("0.01")
# Wide enough for the product of any two amounts; the thread's own context never matters here.
_EXACT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation])

# [0-9] because \d also matches the digits of other scripts, which Decimal would accept.
_UNSIGNED_PATTERN: Final = r"^(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,9})?$"
_SIGNED_PATTERN: Final = r"^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,9})?$"


def plain(value: Decimal) -> str:
    """Write a finite decimal in its one canonical form: no exponent, no trailing zeros.

    >>> plain(Decimal("1E-5")), plain(Decimal("1E+3")), plain(Decimal("2.50")), plain(Decimal("-0"))
    ('0.00001', '1000', '2.5', '0')
    """
    if not value.is_finite():
        raise ValueError(f"{value} is not a finite amount")
    text = str(value)
    if "E" in text:
        text = format(value, "f")
    if text[-1] == "0" and "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def decimal_from_float(value: float) -> Decimal:
    """Turn a float into the decimal a person would read in it, rounded to 9 places.

    >>> decimal_from_float(0.1), decimal_from_float(190.0), decimal_from_float(2 / 3)
    (Decimal('0.1'), Decimal('190'), Decimal('0.666666667'))

    Raises:
        ValueError: for NaN, an infinity, or a value of more than 15 integer digits.
    """
    if value.__class__ is not float:
        value = _plain_float(value)
    if not -_FLOAT_LIMIT < value < _FLOAT_LIMIT:  # also true for NaN
        raise ValueError(f"{value} is not a finite amount below 1e15")
    text = repr(value)
    if "e" in text or len(text) - text.find(".") > DECIMAL_PLACES_MAX + 1:
        text = f"{value:.9f}".rstrip("0")
        if text[-1] == ".":
            text = text[:-1]
    elif text[-2:] == ".0":
        text = text[:-2]
    return _ZERO if text == "-0" else Decimal(text)


def _plain_float(value: object) -> float:
    """Accept subclasses such as numpy.float64 (whose repr is not a number) and integers."""
    if isinstance(value, bool) or not isinstance(value, float | int):
        raise ValueError(f"{value!r:.40} is not a float")
    if isinstance(value, float):
        return float.__float__(value)
    return float(value) if abs(value) < _FLOAT_LIMIT else math.inf


def to_float(value: Decimal) -> float:
    """Leave the world of money for statistics: the float64 nearest to the amount."""
    return float(value)


def round_to_cents(value: Decimal) -> Decimal:
    """Round to two places, halves to even, so that many roundings do not drift one way.

    >>> round_to_cents(Decimal("0.125")), round_to_cents(Decimal("0.135"))
    (Decimal('0.12'), Decimal('0.14'))
    """
    return _EXACT.quantize(value, _CENT)


def notional(quantity: Decimal, price: Decimal) -> Decimal:
    """Return quantity times price, exact where 9 places hold it and else rounded half to even.

    >>> notional(Decimal("-3"), Decimal("1.25"))
    Decimal('-3.75')
    """
    exact = _EXACT.multiply(quantity, price)
    rounded = _EXACT.quantize(exact, _SMALLEST)
    return exact if exact == rounded else rounded


def _checked(value: Decimal) -> Decimal:
    """Refuse what the JSON form could not carry unchanged."""
    if not value.is_finite():
        raise PydanticCustomError("amount_finite", "The amount must be finite")
    if not -_LIMIT < value < _LIMIT:
        raise PydanticCustomError(
            "amount_too_large", "The amount must have at most 15 digits before the point"
        )
    if _EXACT.quantize(value, _SMALLEST) != value:
        raise PydanticCustomError(
            "amount_too_fine", "The amount must have at most 9 decimal places"
        )
    return value


def _positive(value: Decimal) -> Decimal:
    if value <= _ZERO:
        raise PydanticCustomError("amount_positive", "The amount must be greater than 0")
    return value


def _not_negative(value: Decimal) -> Decimal:
    if value < _ZERO:
        raise PydanticCustomError("amount_not_negative", "The amount must not be negative")
    return value


def _any_sign(value: Decimal) -> Decimal:
    return value


class _Amount:
    """Build the schema of one kind of amount: a text form for JSON, a Decimal in Python."""

    def __init__(self, pattern: str, sign: Callable[[Decimal], Decimal]) -> None:
        self._pattern = pattern
        self._sign = sign

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        del source, handler
        sign = self._sign
        text = core_schema.str_schema(
            pattern=self._pattern,
            regex_engine="rust-regex",
            strict=True,
        )

        def from_text(value: str) -> Decimal:
            return sign(Decimal(value))

        def from_python(value: Decimal) -> Decimal:
            return sign(_checked(value))

        return core_schema.json_or_python_schema(
            json_schema=core_schema.no_info_after_validator_function(from_text, text),
            python_schema=core_schema.no_info_after_validator_function(
                from_python, core_schema.is_instance_schema(Decimal)
            ),
            serialization=core_schema.plain_serializer_function_ser_schema(
                plain, return_schema=core_schema.str_schema(), when_used="json"
            ),
        )


Price = Annotated[Decimal, _Amount(_UNSIGNED_PATTERN, _positive)]
"""What one unit costs, in the account's currency: greater than 0."""

Quantity = Annotated[Decimal, _Amount(_UNSIGNED_PATTERN, _positive)]
"""How many units, fractions allowed: greater than 0; the side says in which direction."""

NonNegative = Annotated[Decimal, _Amount(_UNSIGNED_PATTERN, _not_negative)]
"""An amount that may be 0, such as a volume or a fee."""

SignedQuantity = Annotated[Decimal, _Amount(_SIGNED_PATTERN, _any_sign)]
"""A holding or a change of one: negative is short or sold."""

Money = Annotated[Decimal, _Amount(_SIGNED_PATTERN, _any_sign)]
"""An amount of the account's currency, of any sign."""
