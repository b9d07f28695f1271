"""What a broker can say and what is believed of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from trimtab_execution.adapters.answers import (
    Unbelievable,
    activity_of,
    order_of,
    position_of,
    time_of,
    update_of,
)

ORDER: dict[str, Any] = {
    "id": "b1", "client_order_id": "tt-1", "symbol": "AAPL", "status": "partially_filled",
    "qty": "10", "filled_qty": "4", "filled_avg_price": "100.123456789123",
}  # fmt: skip
UPDATE: dict[str, Any] = {
    "event": "partial_fill", "execution_id": "e1", "qty": "4", "price": "100.1", "order": ORDER,
}  # fmt: skip


def test_amounts_are_read_to_nine_places_from_text_and_from_numbers():
    assert order_of(ORDER).average_price == Decimal("100.123456789")
    assert order_of(ORDER | {"filled_avg_price": 100.5}).average_price == Decimal("100.5")
    assert order_of(ORDER | {"qty": None}).quantity is None


def test_an_order_that_has_filled_nothing_needs_no_amounts():
    bare = {"id": "b1", "client_order_id": "tt-1", "symbol": "AAPL", "status": "mystery"}
    assert order_of(bare).filled_quantity == 0


@pytest.mark.parametrize(
    "change",
    [
        {"filled_qty": "11"},  # more than was ordered
        {"filled_qty": "-1"},
        {"filled_avg_price": "0"},
        {"filled_avg_price": None},
        {"filled_avg_price": "-5"},
        {"filled_qty": "1e400"},
        {"filled_qty": "NaN"},
        {"qty": "Infinity"},
        {"qty": "1,000.5"},
        {"qty": "0x10"},
        {"qty": True},
        {"qty": {}},
        {"status": "filled"},  # with four of ten
        {"status": "filled", "filled_qty": None},
        {"status": None},
        {"id": ""},
        {"client_order_id": 7},
        {"symbol": None},
    ],
)
def test_an_order_that_cannot_be_is_not_believed(change):
    with pytest.raises(Unbelievable):
        order_of(ORDER | change)


@pytest.mark.parametrize(
    "change", [{"price": "0"}, {"qty": "-4"}, {"fee": "-0.01"}, {"order": None}, {"order": "b1"}]
)
def test_an_execution_that_cannot_be_is_not_believed(change):
    with pytest.raises(Unbelievable):
        update_of(UPDATE | change)


def test_an_update_says_what_traded_and_why_it_was_rejected():
    update = update_of(UPDATE | {"fee": "0.35", "reason": "no funds"})
    told = (update.quantity, update.price, update.fee)
    assert told == (Decimal(4), Decimal("100.1"), Decimal("0.35"))
    assert update.order.reason == "no funds"


def test_a_position_in_something_unheard_of_is_not_believed():
    with pytest.raises(ValueError, match="not a stock symbol"):
        position_of({"symbol": "AAPL240119C00100000", "qty": "1", "market_value": "1"})


@pytest.mark.parametrize("said", ["yesterday", "2024-03-04T14:31:00", None])
def test_a_clock_that_says_no_instant_is_not_believed(said):
    with pytest.raises(ValueError, match=r"timestamp|zone|isoformat"):
        time_of({"timestamp": said})


def test_a_dividends_quantity_changes_no_position_and_a_splits_does():
    dividend = {
        "activity_type": "DIV",
        "id": "1::a",
        "symbol": "T",
        "qty": "2",
        "net_amount": "1.02",
    }
    split = {"activity_type": "SPLIT", "id": "1::b", "symbol": "T", "qty": "6"}
    assert [activity_of(dividend).cash, activity_of(dividend).quantity] == [Decimal("1.02"), 0]
    assert [activity_of(split).symbol, activity_of(split).quantity] == ["T", 6]


@pytest.mark.parametrize(
    ("named", "symbol"), [("BTCUSD", "BTC/USD"), ("AAPL240119C00100000", None), ("", None)]
)
def test_an_activity_in_something_that_is_not_traded_here_is_still_read(named, symbol):
    found = activity_of({"activity_type": "JNLS", "id": "1", "symbol": named, "qty": "5"})
    assert found.symbol == symbol
