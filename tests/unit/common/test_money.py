"""Amounts: what is let in from JSON and Python, how they are written, and the door to float."""

import json
import math
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from trimtab_common.money import (
    Money,
    NonNegative,
    Price,
    Quantity,
    SignedQuantity,
    decimal_from_float,
    notional,
    plain,
    round_to_cents,
    to_float,
)

ADAPTERS = {
    "Price": TypeAdapter(Price),
    "Quantity": TypeAdapter(Quantity),
    "NonNegative": TypeAdapter(NonNegative),
    "SignedQuantity": TypeAdapter(SignedQuantity),
    "Money": TypeAdapter(Money),
}
EVERY_KIND = pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=ADAPTERS.keys())
LARGEST = Decimal("999999999999999.999999999")
SMALLEST = Decimal("0.000000001")

amounts = st.decimals(-LARGEST, LARGEST, places=9, allow_nan=False, allow_infinity=False)


class Ticket(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    price: Price
    fee: Money | None = None


@EVERY_KIND
@pytest.mark.parametrize(
    "text",
    [
        *("NaN", "nan", "sNaN", "Infinity", "-Infinity", "inf", "1e400"),
        *("1e3", "1E3", "1e-5", "1,000.5", "1_000", "0x10", "0b1", "1.000,5", "½", "1/2"),
        *("", " ", "1 ", " 1", "1\n", "\n1", "1\r\n", "1\t", "+1", "--1", "- 1", ".5", "1.", "."),
        *("01", "007", "-00.5", "1.2.3", "$1", "1 USD", "true", "None", "null"),
        *(
            "\u0661\u0662",
            "1\u0662",
            "1.\u0662",
            "\uff11",
            "1\u00a0000",
            "\u22121",
            "1\u200b",
            "\ufeff1",
            "1\x00",
            "O.5",
        ),
        *("0.0000000001", "1.1234567890123", "1000000000000000", "1000000000000000000"),
        "1" * 5_000_000,
    ],
    ids=lambda text: ascii(text)[:24],
)
def test_text_that_is_no_plain_decimal_is_refused(adapter, text):
    with pytest.raises(ValidationError):
        adapter.validate_json(json.dumps(text))


@EVERY_KIND
@pytest.mark.parametrize(
    "document",
    [
        *("1", "1.5", "0.1", "-1", "1e400", "NaN", "Infinity", "-Infinity"),
        *("true", "false", "null", "[]", '["1"]', "{}", '"1', "", '"\\ud800"', '"1\\u0000"'),
        *(b'"\xff1"', b'"1\xc0\x80"', b'\xef\xbb\xbf"1"'),
    ],
    ids=ascii,
)
def test_json_that_is_no_string_is_refused(adapter, document):
    with pytest.raises(ValidationError):
        adapter.validate_json(document)


@EVERY_KIND
@pytest.mark.parametrize(
    "value",
    [
        *(1, 1.0, 0.1, True, "1", b"1", None, math.nan, math.inf, -math.inf),
        *(Decimal(text) for text in ("NaN", "sNaN", "-NaN12", "Infinity", "-Infinity")),
        *(Decimal(text) for text in ("1e400", "1e-400", "1e15", "-1e15", "1e18")),
        *(Decimal(text) for text in ("1e-10", "-1e-12", "1.1234567890123", "0.0000000015")),
    ],
    ids=str,
)
def test_python_values_that_json_could_not_carry_are_refused(adapter, value):
    with pytest.raises(ValidationError):
        adapter.validate_python(value)


@pytest.mark.parametrize("kind", ["Price", "Quantity"])
@pytest.mark.parametrize("text", ["0", "0.0", "0.000000000", "-1", "-0.01"])
def test_a_price_and_a_quantity_are_greater_than_zero(kind, text):
    with pytest.raises(ValidationError):
        ADAPTERS[kind].validate_json(f'"{text}"')
    with pytest.raises(ValidationError):
        ADAPTERS[kind].validate_python(Decimal(text))


@pytest.mark.parametrize("text", ["-1", "-0.000000001"])
def test_a_volume_may_be_zero_but_not_negative(text):
    volume = ADAPTERS["NonNegative"]
    assert volume.validate_json('"0"') == volume.validate_python(Decimal(0)) == 0
    with pytest.raises(ValidationError):
        volume.validate_json(f'"{text}"')
    with pytest.raises(ValidationError):
        volume.validate_python(Decimal(text))


@pytest.mark.parametrize("kind", ["Money", "SignedQuantity"])
def test_money_and_holdings_have_any_sign(kind):
    for text in ("-12.5", "0", "12.5"):
        assert ADAPTERS[kind].validate_json(f'"{text}"') == Decimal(text)
        assert ADAPTERS[kind].validate_python(Decimal(text)) == Decimal(text)


@EVERY_KIND
@pytest.mark.parametrize("value", [SMALLEST, Decimal("190.12"), Decimal("1E+3"), LARGEST])
def test_the_whole_range_passes_through_json_unchanged(adapter, value):
    assert adapter.validate_python(value) is value
    assert adapter.validate_json(adapter.dump_json(value)) == value


@given(amounts)
def test_any_amount_survives_json_with_its_one_spelling(value):
    money = ADAPTERS["Money"]
    first = money.dump_json(value)
    again = money.validate_json(first)
    assert again == value
    assert money.dump_json(again) == first


def test_strictness_asked_for_at_the_call_changes_nothing():
    ticket = Ticket.model_validate_json('{"price": "190.12", "fee": "-0.02"}', strict=True)
    assert ticket == Ticket(price=Decimal("190.120"), fee=Decimal("-0.02"))
    with pytest.raises(ValidationError):
        Ticket.model_validate_json('{"price": 190.12}', strict=False)
    with pytest.raises(ValidationError):
        Ticket.model_validate({"price": "190.12"}, strict=False)


def test_a_model_that_turns_numbers_into_text_still_refuses_them():
    class Eager(BaseModel):
        model_config = ConfigDict(coerce_numbers_to_str=True, regex_engine="python-re")

        price: Price

    assert Eager.model_validate_json('{"price": "1"}').price == 1
    for document in ('{"price": 1}', '{"price": 1.5}', '{"price": "1\\n"}'):
        with pytest.raises(ValidationError):
            Eager.model_validate_json(document)


def test_a_model_writes_text_in_json_and_keeps_decimals_in_python():
    ticket = Ticket(price=Decimal("1E-5"))
    assert ticket.model_dump_json() == '{"price":"0.00001","fee":null}'
    assert ticket.model_dump()["price"] is ticket.price


def test_the_published_schema_tells_other_programs_the_pattern():
    schema = TypeAdapter(Money).json_schema()
    assert schema["type"] == "string"
    assert schema["pattern"].startswith("^-?")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1E-5", "0.00001"),
        ("1E-9", "0.000000001"),
        ("1E+3", "1000"),
        ("1.50E+1", "15"),
        ("100", "100"),
        ("100.00", "100"),
        ("-2.50", "-2.5"),
        ("0", "0"),
        ("0E-9", "0"),
        ("-0", "0"),
        ("-0.00", "0"),
    ],
)
def test_an_amount_has_one_spelling(value, text):
    assert plain(Decimal(value)) == text


@pytest.mark.parametrize("value", ["NaN", "sNaN", "NaN123", "Infinity", "-Infinity"])
def test_what_is_not_finite_has_no_spelling(value):
    with pytest.raises(ValueError, match="not a finite amount"):
        plain(Decimal(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (190.12, "190.12"),
        (190.0, "190"),
        (0.1 + 0.2, "0.3"),
        (2 / 3, "0.666666667"),
        (1e-5, "0.00001"),
        (1.6e-9, "0.000000002"),
        (1e-12, "0"),
        (-1e-12, "0"),
        (0.0, "0"),
        (-0.0, "0"),
        (-12.5, "-12.5"),
        (123456789.125, "123456789.125"),
        (999999999999999.0, "999999999999999"),
        (5, "5"),
    ],
)
def test_a_float_becomes_the_decimal_one_reads_in_it(value, text):
    assert format(decimal_from_float(value), "f") == text


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, 1e15, -1e15, 1e300, 10**400],
    ids=lambda value: f"{value!r:.9}",
)
def test_a_float_that_is_no_amount_is_refused(value):
    with pytest.raises(ValueError, match="not a finite amount"):
        decimal_from_float(value)


@pytest.mark.parametrize("value", [True, "1", None, Decimal(1), 1j])
def test_only_floats_pass_the_door(value):
    with pytest.raises(ValueError, match="not a float"):
        decimal_from_float(value)


def test_a_subclass_of_float_is_read_by_its_value():
    class Scalar(float):
        """Like numpy.float64, whose own text and rounding are not a float's."""

        def __repr__(self):
            return f"Scalar({super().__repr__()})"

        def __float__(self):
            return math.nan

    assert str(decimal_from_float(Scalar(190.12))) == "190.12"


@given(st.floats(-1e6, 1e6))
def test_a_float_and_its_decimal_differ_by_less_than_the_ninth_place(value):
    amount = decimal_from_float(value)
    assert abs(amount - Decimal(value)) <= SMALLEST / 2 + Decimal("1e-15")
    assert format(amount, "f") == plain(amount)
    assert ADAPTERS["Money"].validate_python(amount) is amount


@given(amounts.map(lambda amount: round(amount, 4)))
def test_a_quoted_price_comes_back_from_float_unchanged(amount):
    if abs(amount) < 10**11:
        assert decimal_from_float(to_float(amount)) == amount


@pytest.mark.parametrize(
    ("value", "cents"),
    [("0.125", "0.12"), ("0.135", "0.14"), ("-0.125", "-0.12"), ("1.23456", "1.23"), ("7", "7.00")],
)
def test_cents_round_halves_to_even(value, cents):
    assert str(round_to_cents(Decimal(value))) == cents


def test_a_notional_is_exact_where_nine_places_hold_it():
    assert notional(Decimal("-3"), Decimal("1.25")) == Decimal("-3.75")
    assert notional(SMALLEST, Decimal("0.5")) == 0
    assert notional(Decimal("0.333333333"), Decimal("0.5")) == Decimal("0.166666666")


def test_arithmetic_does_not_depend_on_the_context_of_the_thread():
    quantity, price = Decimal("123456.123456789"), Decimal("654321.987654321")
    expected = notional(quantity, price)
    with localcontext() as context:
        context.prec = 3
        assert notional(quantity, price) == expected
        assert plain(quantity) == "123456.123456789"
        assert str(round_to_cents(quantity)) == "123456.12"
        assert ADAPTERS["Price"].validate_python(quantity) is quantity
