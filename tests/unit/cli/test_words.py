"""Events as sentences: nobody has to know the names of fields to read them."""

import re
from decimal import Decimal

import pytest

from tests import factories
from trimtab.money_words import amount, change, price, quantity, share
from trimtab.words import brief, sentence
from trimtab_common.sides import Side

EVENTS = [
    factories.bar(),
    factories.signal(),
    factories.approval(),
    factories.refusal(),
    factories.cancel_request(),
    factories.crossing(),
    factories.acceptance(),
    factories.rejection(),
    factories.fill(),
    factories.cancellation(),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_of_a_story_is_a_sentence(event):
    text = sentence(event)
    assert text[0].isupper() or text.startswith(getattr(event, "strategy", "?"))
    assert text.endswith((".", "!", "?"))
    assert not re.search(r"Decimal|None|<|\bE[+-]\d", text)


def test_a_refusal_names_the_rule_and_both_numbers():
    refused = factories.refusal(rule="R13", value="12 %", limit="10 %", count=3)
    text = sentence(refused)
    assert all(part in text for part in ("R13", "12 %", "10 %", "3 times"))


def test_a_fill_says_what_was_done_and_how_much_is_still_open():
    part = factories.fill(
        side=Side.SELL,
        quantity=Decimal(3),
        cumulative_quantity=Decimal(3),
        order_quantity=Decimal(10),
        price=Decimal("101.5"),
    )
    assert sentence(part).startswith("Sold 3 AAPL at 101.50")
    assert "3 of 10" in sentence(part)


def test_a_screen_line_begins_with_the_symbol():
    events = (factories.signal(), factories.approval(), factories.refusal(), factories.fill())
    assert all(brief(event).startswith("AAPL") for event in events)


@pytest.mark.parametrize(
    ("value", "text"),
    [("1234567.891", "1,234,567.89"), (None, "–"), ("NaN", "–"), (Decimal("-0.004"), "-0.00")],
)
def test_money_has_thousands_and_cents(value, text):
    assert amount(value) == text


def test_numbers_are_written_as_people_read_them():
    assert quantity(Decimal("1E+2")) == "100"
    assert quantity("0.500000000") == "0.5"
    assert price(Decimal("0.00012")) == "0.00012"
    assert share(0.0666667) == "6.67 %"
    assert change("99", "100") == "-1.00, -1.00 %"
    assert change("99", None) == "–"
