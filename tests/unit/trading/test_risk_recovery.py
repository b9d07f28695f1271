"""A desk that has forgotten everything: what it takes over from a record, and what it waits for."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.trading.desk_factories import (
    CLOSE,
    NEXT_OPEN,
    OPEN,
    accepted,
    approved,
    cancelled,
    cash,
    desk,
    feed_row,
    filled,
    position,
    signal,
)
from trimtab_common.events import (
    FlattenRequested,
    OrderApproved,
    TradingHalted,
    TradingResumed,
)
from trimtab_common.sides import Side
from trimtab_trading.risk import recovery
from trimtab_trading.risk.control import RECOVERY, TradingState

TOLD = (cash(90_000), position("AAPL", 100))
"""What execution says first: 10,000 of 100,000 are in AAPL."""
WANTED = signal(weight=0.1)


def minute(number):
    return OPEN + timedelta(minutes=number)


def command(kind, by, number=1):
    return kind(id=f"{kind.__name__}:{by}:{number}", at=minute(number), by=by, reason="storm")


def recovering(*past: Any, **changes: Any):
    room = desk(**changes)
    return room, recovery.remember(room.state, past)


def row(room, number, *events, **options):
    return feed_row(room, minute(number), {"AAPL": 100}, *events, **options)


def orders_in(events):
    return [event for event in events if isinstance(event, OrderApproved)]


def test_a_first_start_is_no_recovery():
    room, said = recovering()
    assert said == []
    assert room.state.control.state is TradingState.TRADING


def test_nothing_is_ordered_before_the_account_is_told_and_then_trading_goes_on_by_itself():
    room, (halted,) = recovering(WANTED, signal("AAPL", 0.5, strategy="beta"))
    assert isinstance(halted, TradingHalted)
    assert halted.by == RECOVERY
    assert orders_in(row(room, 5)) == []
    assert room.state.control.why.startswith(RECOVERY)
    resumed, *said = row(room, 6, *TOLD)
    assert isinstance(resumed, TradingResumed)
    assert [order.quantity for order in orders_in(said)] == [500], "what the record says is wanted"
    assert not [each for each in row(room, 7) if isinstance(each, TradingResumed)]


@pytest.mark.parametrize("rebalance", ["drift", "on_change"])
def test_what_is_held_because_it_is_wanted_stays(rebalance):
    room, _ = recovering(WANTED, rebalance=rebalance)
    said = [event for number in range(5, 9) for event in row(room, number, *TOLD)]
    assert orders_in(said) == []


def test_one_strategy_that_speaks_again_does_not_sell_what_the_others_want():
    """Without the record it would: the others would want nothing."""
    beta = signal("AAPL", 0.01, strategy="beta", at=minute(5))
    assert [order.side for order in orders_in(row(desk(), 5, *TOLD, beta))] == [Side.SELL]
    room, _ = recovering(WANTED)
    assert [order.side for order in orders_in(row(room, 5, *TOLD, beta))] == [Side.BUY]


def test_a_flattening_and_the_halts_of_others_outlive_the_streams():
    room, _ = recovering(WANTED, command(FlattenRequested, "owner"))
    assert [order.side for order in orders_in(row(room, 5, *TOLD))] == [Side.SELL]
    room, _ = recovering(WANTED, command(TradingHalted, "guard"), command(TradingHalted, "owner"))
    row(room, 5, *TOLD)
    assert sorted(room.state.control.halts) == ["guard", "owner"]
    lifted = [command(TradingHalted, "owner"), command(TradingResumed, "owner", 2)]
    room, _ = recovering(WANTED, *lifted)
    row(room, 5, *TOLD)
    assert room.state.control.state is TradingState.TRADING


@pytest.mark.parametrize("kind", [TradingResumed, FlattenRequested])
def test_nobody_else_lifts_it(kind):
    room, _ = recovering(WANTED)
    row(room, 5, command(kind, "owner"))
    assert RECOVERY in room.state.control.halts


def test_its_own_words_come_back_by_the_stream_and_change_nothing():
    room, (halted,) = recovering(WANTED, signal("AAPL", 0.5, strategy="beta"))
    resumed, bought = row(room, 5, *TOLD)
    row(room, 6, accepted(bought))
    late = room.handle(halted)
    assert list(late) == []
    assert room.state.control.state is TradingState.TRADING
    room.handle(resumed)
    assert not room.state.ledger.orders[bought.client_order_id].cancelling


def test_an_order_that_the_broker_still_has_is_known_and_counts_what_it_trades_from_now_on():
    order = approved("one", quantity=50, at=minute(1))
    room, _ = recovering(WANTED, order)
    row(room, 5, *TOLD, accepted(order))
    ledger = room.state.ledger
    assert ledger.orders["one"].shares == {"alpha": Decimal(50)}
    row(room, 6, filled(order, 20, 30, at=minute(6)))  # ten were in the opening balance
    assert ledger.held("AAPL") == 120
    assert ledger.cash == 88_000
    row(room, 7, filled(order, 20, 50, at=minute(7)))
    assert (ledger.held("AAPL"), ledger.oddities_count) == (140, 0)
    assert "one" not in ledger.orders


@pytest.mark.parametrize("traded", [0, 10])
def test_such_an_order_may_also_end_without_trading_again(traded):
    order = approved("one", quantity=50, at=minute(1))
    room, _ = recovering(WANTED, order)
    row(room, 5, *TOLD, accepted(order))
    row(room, 6, cancelled(order, traded))
    ledger = room.state.ledger
    assert (ledger.orders, ledger.remembered, ledger.oddities_count) == ({}, {}, 0)


def test_an_order_whose_approval_was_not_written_any_more_is_no_wonder():
    order = approved("one", quantity=50, at=minute(1))
    room, _ = recovering(WANTED)
    row(room, 5, *TOLD, accepted(order))
    ledger = room.state.ledger
    assert ledger.orders["one"].shares == {"unassigned": Decimal(50)}
    row(room, 6, filled(order, 20, 50, at=minute(6)))
    assert (ledger.held("AAPL"), ledger.oddities_count) == (120, 0)
    row(room, 7, accepted(approved("two", at=minute(6))))
    assert ledger.oddities_count == 1, "later it is one"


def test_an_order_of_which_the_broker_knows_nothing_is_not_waited_for():
    room, _ = recovering(WANTED, approved("one", quantity=50, at=minute(1)))
    row(room, 5, *TOLD)
    assert room.state.ledger.orders == {}


def test_proceeds_that_are_not_settled_are_not_spent():
    sold = filled(
        approved("one", side=Side.SELL, quantity=100, at=minute(1)), 100, price=50, at=minute(2)
    )
    room, _ = recovering(WANTED, sold)
    row(room, 5, *TOLD)
    ledger = room.state.ledger
    assert ledger.cash == 90_000
    assert ledger.settled(CLOSE) == 85_000
    assert ledger.settled(NEXT_OPEN) == 90_000


def test_a_restart_on_the_way_changes_nothing():
    order = approved("one", quantity=50, at=minute(1))
    past = (WANTED, order, signal("AAPL", 0.5, strategy="beta"))
    steps = [(), (*TOLD, accepted(order)), (filled(order, 20, 30, at=minute(7)),), ()]
    one, _ = recovering(*past)
    other, _ = recovering(*past)
    for number, events in enumerate(steps, 5):
        fresh = desk()
        fresh.restore(other.snapshot())
        other = fresh
        assert row(one, number, *events) == row(other, number, *events)
        assert one.snapshot() == other.snapshot()
