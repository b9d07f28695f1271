"""Conservation: whatever happens, in whatever order, nothing appears and nothing is lost."""

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.trading.desk_factories import (
    accepted,
    approved,
    cancelled,
    cash,
    filled,
    position,
    rejected,
)
from trimtab_common.events import CashAdjusted, OrderFilled
from trimtab_common.sides import Side
from trimtab_trading.ledger import Ledger

D = Decimal
SYMBOLS = ("AAPL", "BTC/USD", "SPY")

quantities = st.one_of(
    st.integers(1, 500).map(D), st.decimals("0.0001", 500, places=4).filter(bool)
)
prices = st.decimals("0.01", 2000, places=4)
fees = st.decimals(0, 9, places=2)


@st.composite
def order_and_outcome(draw, key):
    """An order and everything that became of it."""
    symbol, side = draw(st.sampled_from(SYMBOLS)), draw(st.sampled_from(list(Side)))
    parts = draw(st.lists(quantities, min_size=1, max_size=3))
    shares = dict(zip(("alpha", "beta", "gamma"), parts, strict=False))
    order = approved(key, symbol, side, sum(parts), shares=shares)
    events, traded = [order, accepted(order)], D(0)
    for fraction in draw(st.lists(st.decimals("0.05", "0.6", places=2), max_size=4)):
        quantity = min((order.quantity * fraction).quantize(D("0.0001")), order.quantity - traded)
        if quantity > 0:
            traded += quantity
            events.append(filled(order, quantity, traded, price=draw(prices), fee=draw(fees)))
    if traded < order.quantity:
        end = draw(st.sampled_from(["cancel", "reject", "open"]))
        if end == "cancel":
            events.append(cancelled(order, traded))
        elif end == "reject" and not traded:
            events.append(rejected(order))
    return events


@st.composite
def adjustment(draw, key):
    """Money or holdings that no order brought."""
    if draw(st.booleans()):
        return [cash(draw(st.decimals(-1000, 1000, places=2)), name=key)]
    quantity = draw(st.integers(-5, 50).filter(bool))
    return [position(draw(st.sampled_from(SYMBOLS)), quantity, name=key)]


@st.composite
def histories(draw, kinds=(order_and_outcome, adjustment)):
    """Many of both, one after the other."""
    happened = []
    for number in range(draw(st.integers(0, 10))):
        happened.extend(draw(draw(st.sampled_from(kinds))(f"n{number}")))
    return happened


def folded(events):
    account = Ledger(lambda symbol, at: at)
    for event in events:
        account.fold(event)
    return account


@given(histories())
def test_cash_changes_by_what_was_traded_and_adjusted_to_the_cent(events):
    account = folded(events)
    expected = D(0)
    for event in events:
        if isinstance(event, CashAdjusted):
            expected += event.amount
        elif isinstance(event, OrderFilled):
            expected -= event.quantity * event.price * event.side.sign + event.fee
    assert account.cash == expected


@given(histories())
def test_the_books_of_a_symbol_add_up_to_its_position(events):
    account = Ledger(lambda symbol, at: at)
    for event in events:
        account.fold(event)
        for symbol in SYMBOLS:
            assert sum(account.book(symbol).values()) == account.held(symbol)


@given(histories(kinds=(order_and_outcome,)))
def test_the_strategies_profits_add_up_to_the_accounts(events):
    account = folded(events)
    for symbol, whole in account.positions.items():
        parts = account.books.holdings(symbol).values()
        assert sum(part.realised - part.cost for part in parts) == whole.realised - whole.cost


@given(histories())
def test_everything_twice_is_everything_once(events):
    twice = [event for event in events for _ in range(2)]
    assert folded(twice).snapshot() == folded(events).snapshot()


@given(histories(), st.data())
def test_a_restored_ledger_goes_on_as_if_nothing_had_happened(events, data):
    cut = data.draw(st.integers(0, len(events)))
    restored = Ledger(lambda symbol, at: at)
    restored.restore(json.loads(json.dumps(folded(events[:cut]).snapshot())))
    for event in events[cut:]:
        restored.fold(event)
    assert restored.snapshot() == folded(events).snapshot()


@given(histories())
def test_an_open_order_never_has_more_left_than_its_strategies_wait_for(events):
    for order in folded(events).orders.values():
        assert sum(order.shares.values()) == order.remaining
