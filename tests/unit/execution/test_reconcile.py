"""Comparing books: what differs, what is believed, and when a doubt is news."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.unit.execution.examples import ACCOUNT, an_order, row_at, seen
from trimtab_common.events import CashAdjusted, OrderFilled, PositionAdjusted
from trimtab_common.sides import Side
from trimtab_execution.core.books import Books
from trimtab_execution.core.reconcile import Doubt, Mismatch, compare, contradiction
from trimtab_execution.core.wording import identifier
from trimtab_execution.ports import Account, BrokerOrder, Position

AT = row_at(1)


def account(cash: str = "1000", equity: str = "1000", number: str = "A1") -> Account:
    return Account(number, Decimal(cash), Decimal(equity), blocked=False)


def position(symbol: str, quantity: str, value: str = "0") -> Position:
    return Position(symbol, Decimal(quantity), Decimal(value))


def books(**positions: str) -> Books:
    held = {symbol: Decimal(quantity) for symbol, quantity in positions.items()}
    return Books(Decimal(1000), held, account_number="A1")


def a_fill(side: Side, quantity: str, price: str, fee: str = "0") -> OrderFilled:
    return OrderFilled(
        id="fill:x",
        at=AT,
        client_order_id="tt-x",
        symbol="AAPL",
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        fee=Decimal(fee),
        cumulative_quantity=Decimal(quantity),
        order_quantity=Decimal(quantity),
    )


# ------------------------------------------------------------------------------------- books


def test_books_follow_everything_that_was_told():
    kept = Books()
    kept.apply(
        [
            CashAdjusted(id="c:1", at=AT, account=ACCOUNT, amount=Decimal(5000), reason="opening"),
            a_fill(Side.BUY, "10", "100.5", "0.35"),
            a_fill(Side.SELL, "4", "101"),
            PositionAdjusted(
                id="p:1", at=AT, account=ACCOUNT, symbol="SPY", quantity=Decimal(3), reason="split"
            ),
        ]
    )
    assert kept.cash == Decimal("5000") - Decimal("1005.35") + Decimal("404")
    assert kept.positions == {"AAPL": 6, "SPY": 3}


def test_a_position_that_is_sold_is_gone():
    kept = books(AAPL="4")
    kept.apply([a_fill(Side.SELL, "4", "100")])
    assert kept.positions == {}


def test_books_are_restored_to_the_last_digit():
    kept = Books(Decimal("1.005"), {"BTC/USD": Decimal("0.000000001")}, {"20240304::x"}, "A1")
    assert Books.restored(kept.snapshot()) == kept
    assert kept.opened
    assert not Books().opened


# ----------------------------------------------------------------------------------- compare


def test_equal_books_differ_in_nothing():
    order = an_order()
    held = [position("AAPL", "10.000")]
    assert compare(books(AAPL="10"), account(), held, {order.client_order_id}, [seen(order)]) == []


def test_every_difference_is_named_in_a_fixed_order():
    stranger = an_order(symbol="TSLA")
    found = compare(
        books(AAPL="10", SPY="5"),
        account("999.98", number="A2"),
        [position("SPY", "4"), position("GLD", "1")],
        set(),
        [seen(stranger)],
    )
    assert found == [
        Mismatch("account number", "A1", "A2"),
        Mismatch("position AAPL", "10", "0"),
        Mismatch("position GLD", "0", "1"),
        Mismatch("position SPY", "5", "4"),
        Mismatch("cash", "1000", "999.98"),
        Mismatch(f"order {stranger.client_order_id}", "unknown here", "new TSLA"),
    ]


def test_whatever_others_call_their_orders_it_can_be_told():
    shown = BrokerOrder(**vars(seen(an_order())) | {"client_order_id": "Übung\n 1"})
    (mismatch,) = compare(books(), account(), [], set(), [shown])
    assert mismatch.subject == "order Übung  1"
    assert identifier(mismatch.subject) == "order--bung--1"


@pytest.mark.parametrize(("cash", "differs"), [("1000.009", False), ("1000.01", True)])
def test_cash_is_compared_to_the_cent(cash, differs):
    assert bool(compare(books(), account(cash), [], set(), [])) is differs


# ---------------------------------------------------------------------------- what is believed


@pytest.mark.parametrize(
    ("equity", "values", "believed"),
    [
        ("1000", [], True),
        ("1500", ["500"], True),
        ("1500", ["450"], True),  # read a moment apart
        ("1500", [], False),  # an empty answer of an account that holds something
        ("1500", ["250"], False),  # half a page
        ("1000", ["500"], False),
        ("700", ["-300"], True),
    ],
)
def test_positions_are_believed_if_the_accounts_equity_agrees(equity, values, believed):
    listed = [position(f"S{index}", "1", value) for index, value in enumerate(values)]
    assert (contradiction(account("1000", equity), listed) is None) is believed


# ------------------------------------------------------------------------------------- doubt

CASH = Mismatch("cash", "1", "2")
APPLE = Mismatch("position AAPL", "1", "2")


def test_a_difference_is_news_once_and_its_end_is_news_once():
    doubt = Doubt(2)
    told = [doubt.judge(found) for found in ([CASH], [CASH], [CASH], [], [])]
    assert told == [([], []), ([CASH], []), ([], []), ([], ["cash"]), ([], [])]


def test_a_fill_on_its_way_is_no_news():
    doubt = Doubt(2)
    assert [doubt.judge(found) for found in ([CASH], [], [CASH], [])] == [([], [])] * 4


def test_doubts_survive_a_restart():
    before = Doubt(2)
    before.judge([APPLE])
    before.judge([APPLE])
    after = Doubt(2)
    after.seen = dict(before.seen)
    assert after.symbols == {"AAPL"}
    assert after.judge([APPLE]) == ([], []), "it was told before"
    assert after.judge([]) == ([], ["position AAPL"])


def test_only_positions_put_a_symbol_in_doubt():
    doubt = Doubt(1)
    doubt.judge([CASH, APPLE, Mismatch("order tt-x", "", ""), Mismatch("account number", "", "")])
    assert doubt.symbols == {"AAPL"}
    assert doubt.standing == ["cash", "position AAPL", "order tt-x", "account number"]
