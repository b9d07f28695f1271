"""What the account's activities explain, and that they explain nothing by half."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.execution.examples import row_at
from trimtab_execution.core.books import Books
from trimtab_execution.core.explain import explain
from trimtab_execution.ports import Account, Activity, Position

AT = row_at(1)


def activity(id: str, cash: str = "0", symbol: str | None = None, quantity: str = "0") -> Activity:
    return Activity(id, symbol, Decimal(cash), Decimal(quantity), f"told by {id}")


def told(
    books: Books, *activities: Activity, cash: str = "1000", **held: str
) -> list[tuple[str, str, str]]:
    """What is told when the broker shows this much cash and these positions."""
    positions = [Position(s.replace("_", "/"), Decimal(q), Decimal(0)) for s, q in held.items()]
    account = Account("A1", Decimal(cash), Decimal(cash), blocked=False)
    events: list[Any] = explain(books, account, positions, activities, name="main", at=AT)
    books.apply(events)
    return [(e.id, str(getattr(e, "amount", "") or e.quantity), e.reason) for e in events]


def some_books(**held: str) -> Books:
    positions = {s.replace("_", "/"): Decimal(quantity) for s, quantity in held.items()}
    return Books(Decimal(1000), positions, account_number="A1")


def test_a_dividend_is_told_once():
    books, dividend = some_books(), activity("d1", cash="12.34")
    assert told(books, dividend, cash="1012.34") == [("cash:main:d1", "12.34", "told by d1")]
    assert told(books, dividend, cash="1012.34") == []
    assert books.cash == Decimal("1012.34")


def test_several_at_once_are_told_each():
    books = some_books()
    ids = [t[0] for t in told(books, activity("d1", "12"), activity("f1", "-0.35"), cash="1011.65")]
    assert ids == ["cash:main:d1", "cash:main:f1"]


def test_a_split_is_told_in_units():
    books = some_books(AAPL="10")
    split = activity("s1", symbol="AAPL", quantity="30")
    assert told(books, split, AAPL="40") == [("position:main:s1", "30", "told by s1")]


@pytest.mark.parametrize("cash", ["1012.33", "1000.02", "990"])
def test_what_does_not_add_up_explains_nothing_and_may_still_explain_later(cash):
    books, dividend = some_books(), activity("d1", cash="12.34")
    assert told(books, dividend, cash=cash) == []
    assert len(told(books, dividend, cash="1012.34")) == 1


def test_a_change_by_hand_has_no_explanation():
    books = some_books(AAPL="10")
    assert told(books, activity("d1", "5"), AAPL="12", cash="1005") == [
        ("cash:main:d1", "5", "told by d1")
    ]
    assert books.positions == {"AAPL": 10}


def test_what_is_in_the_books_already_is_not_told_again():
    books = some_books(AAPL="10")
    assert told(books, activity("s1", symbol="AAPL", quantity="30"), AAPL="10") == []
    assert told(books, activity("s1", symbol="AAPL", quantity="30"), AAPL="40") == []


def test_activities_the_broker_lists_no_more_are_forgotten():
    books = some_books()
    told(books, activity("d1", "1"), cash="1001")
    told(books, activity("d2", "1"), cash="1002")
    assert books.activities == {"d2"}


@pytest.mark.parametrize(
    ("theirs", "fee"), [("0.9975", "-0.0025"), ("0.996", None), ("1.001", None)]
)
def test_a_coin_fee_is_known_by_its_size(theirs, fee):
    books = some_books(BTC_USD="1")
    reasons = [(amount, reason) for _, amount, reason in told(books, BTC_USD=theirs)]
    assert reasons == ([(fee, "coin fee")] if fee else [])


def test_a_stock_pays_no_fee_in_shares():
    assert told(some_books(AAPL="1000"), AAPL="999") == []
