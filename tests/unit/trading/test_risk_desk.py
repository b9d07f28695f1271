"""What the desk orders at a row, for whom, and what it leaves alone."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.unit.trading.desk_factories import (
    CLOSE,
    DAY,
    NEXT_OPEN,
    OPEN,
    account,
    bar,
    cancelled,
    cash,
    closed,
    daily_rows,
    desk,
    feed_row,
    filled,
    minute_rows,
    position,
    signal,
)
from trimtab_common.calendars import calendar
from trimtab_common.events import (
    OrderApproved,
    OrderCancelRequested,
    OrderRefused,
    StrategyShare,
    client_order_id,
)
from trimtab_common.sides import Side

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


def minute(number):
    return OPEN + timedelta(minutes=number)


def orders(events):
    """What was approved, as (symbol, side, quantity)."""
    return [(e.symbol, e.side, e.quantity) for e in events if isinstance(e, OrderApproved)]


def refused(events):
    return [(e.symbol, e.rule) for e in events if isinstance(e, OrderRefused)]


def row(room, number, *events, prices=None):
    return feed_row(room, minute(number), prices or {"AAPL": 100}, *events)


def ordered(room, number, *events, prices=None):
    """Run a row and answer every order with a whole fill at the next one."""
    said = row(room, number, *events, prices=prices)
    for event in said:
        if isinstance(event, OrderApproved):
            room.handle(filled(event, event.quantity, price=event.reference_price, at=event.at))
    return said


def test_a_target_is_bought_at_the_row_that_knows_it():
    room = desk()
    said = row(room, 1, cash(), signal(weight=0.5))
    assert orders(said) == [("AAPL", BUY, 500)]


def test_an_order_says_everything_about_itself():
    room = desk()
    [order] = row(room, 1, cash(), signal(weight=0.5, reason="z-score -2.1"))
    assert order.client_order_id == client_order_id("test", minute(1), "AAPL", 0)
    assert order.signals == ("signal:alpha:AAPL:2024-03-05T14:31:00Z",)
    assert order.attribution == (StrategyShare(strategy="alpha", quantity=D(500)),)
    assert order.reason == "alpha wants 500 more: z-score -2.1"
    assert (order.reference_price, order.account, order.at) == (100, "test", minute(1))


def test_a_signal_alone_orders_nothing():
    room = desk()
    assert list(room.handle(signal())) == []


def test_a_symbol_without_a_bar_in_the_row_is_not_touched():
    room = desk(["AAPL", "MSFT"])
    row(room, 1, cash(), prices={"AAPL": 100, "MSFT": 50})
    said = row(room, 2, signal("MSFT", 0.5, at=minute(2)), prices={"AAPL": 100})
    assert orders(said) == []
    assert orders(row(room, 3, prices={"MSFT": 50})) == [("MSFT", BUY, 1000)]


def test_a_symbol_that_is_due_and_missing_is_not_touched():
    room = desk(["AAPL", "MSFT"])
    row(room, 1, cash(), prices={"AAPL": 100, "MSFT": 50})
    room.handle(signal("MSFT", 0.5))
    bars = [bar("AAPL", minute(2))]
    assert list(room.close(closed(minute(2), bars, missing=["MSFT"]))) == []


def test_a_late_bar_is_no_price():
    room = desk()
    row(room, 1, cash())
    room.handle(bar("AAPL", minute(2), 50, late=True))
    assert room.state.ledger.marks["AAPL"] == 100


def test_what_is_on_its_way_is_not_ordered_again():
    room = desk()
    row(room, 1, cash(), signal(weight=0.5))
    assert row(room, 2) == []
    assert row(room, 3) == []


def test_an_expired_order_is_tried_again_under_a_new_id():
    room = desk()
    [first] = row(room, 1, cash(), signal(weight=0.5))
    [second] = row(room, 2, cancelled(first))
    assert (second.quantity, second.client_order_id != first.client_order_id) == (500, True)


def test_a_difference_within_the_drift_band_is_left_alone():
    room = desk(drift_band=0.02)
    ordered(room, 1, cash(), signal(weight=0.5))
    assert row(room, 2, prices={"AAPL": 103}) == []  # 50.7 % now
    assert orders(row(room, 3, prices={"AAPL": 110})) == [("AAPL", SELL, 23)]


def test_a_target_of_zero_is_sold_whole_however_small_it_is():
    room = desk(drift_band=0.02)
    ordered(room, 1, cash(), signal(weight=0.005))
    assert orders(row(room, 2, signal(weight=0.0, at=minute(2)))) == [("AAPL", SELL, 5)]


def test_a_strategy_that_enters_is_not_turned_away_for_being_small():
    room = desk(drift_band=0.02)
    ordered(room, 1, cash(), signal(weight=0.5))
    said = row(room, 2, signal(weight=0.005, strategy="beta", at=minute(2)))
    assert orders(said) == [("AAPL", BUY, 5)]


def test_a_weight_that_moves_a_little_is_drift():
    room = desk(drift_band=0.02)
    ordered(room, 1, cash(), signal(weight=0.5))
    assert row(room, 2, signal(weight=0.51, at=minute(2))) == []


def test_an_order_whose_opposite_is_wanted_is_cancelled_first():
    room = desk()
    [first] = row(room, 1, cash(), signal(weight=0.5))
    room.handle(filled(first, 200))
    said = row(room, 2, signal(weight=0.0, at=minute(2)))
    assert [type(event) for event in said] == [OrderCancelRequested]
    assert said[0].client_order_id == first.client_order_id
    assert "the target is 0 now" in said[0].reason
    assert row(room, 3) == []  # the cancel is not answered
    assert orders(row(room, 4, cancelled(first, 200))) == [("AAPL", SELL, 200)]


def test_an_order_that_would_go_beyond_the_target_is_cancelled():
    room = desk()
    [first] = row(room, 1, cash(), signal(weight=0.5))
    said = row(room, 2, signal(weight=0.3, at=minute(2)))
    assert [type(event) for event in said] == [OrderCancelRequested]
    assert orders(row(room, 3, cancelled(first))) == [("AAPL", BUY, 300)]


def test_sales_come_before_purchases_and_symbols_in_order():
    room = desk(["AAPL", "MSFT", "SPY"])
    prices = {"AAPL": 100, "MSFT": 50, "SPY": 10}
    ordered(room, 1, cash(), signal("SPY", 0.2, price=10), prices=prices)
    wishes = [signal("MSFT", 0.2, at=minute(2), price=50), signal("AAPL", 0.2, at=minute(2))]
    said = row(room, 2, *wishes, signal("SPY", 0.0, at=minute(2), price=10), prices=prices)
    assert [symbol for symbol, _, _ in orders(said)] == ["SPY", "AAPL", "MSFT"]


def test_two_strategies_make_one_order_and_each_gets_its_part():
    room = desk(shares={"alpha": 0.5, "beta": 0.5})
    said = row(room, 1, cash(), signal(weight=0.6), signal(weight=0.2, strategy="beta"))
    [order] = said
    parts = {share.strategy: share.quantity for share in order.attribution}
    assert (order.quantity, parts) == (400, {"alpha": 300, "beta": 100})
    assert order.reason == "alpha wants 300 more: because; beta wants 100 more: because"


def test_a_strategy_without_a_share_moves_nothing():
    room = desk(shares={"beta": 1})
    assert row(room, 1, cash(), signal(weight=0.6)) == []


def test_a_weight_that_is_no_number_and_an_older_signal_change_nothing():
    room = desk()
    ordered(room, 1, cash(), signal(weight=0.5))
    assert row(room, 2, signal(weight=float("nan"), at=minute(2))) == []
    assert row(room, 3, signal(weight=0.1, at=OPEN)) == []


class TestWhenOrdersMayTrade:
    def test_while_the_session_runs_at_once_for_two_bars(self):
        [order] = row(desk(), 1, cash(), signal())
        assert (order.not_before, order.valid_until) == (minute(1), minute(3))

    def test_a_daily_decision_waits_for_the_next_open_and_ten_minutes(self):
        rows = daily_rows(1, {"AAPL": 100})
        at = rows[0][1].at
        log = account(rows, desk(), {at: [signal(at=at)]})
        [order] = log["orders"]
        assert isinstance(order, OrderApproved)
        opens = calendar("XNYS").next_open(at)
        assert order.not_before == opens
        assert order.valid_until == opens + timedelta(minutes=10)

    def test_what_the_last_minute_decides_waits_for_the_next_open_too(self):
        room = desk()
        [order] = feed_row(room, CLOSE, {"AAPL": 100}, cash(), signal(at=CLOSE))
        assert (order.not_before, order.valid_until) == (
            NEXT_OPEN,
            NEXT_OPEN + timedelta(minutes=10),
        )

    def test_a_coin_may_trade_at_once_at_any_hour(self):
        at = CLOSE + timedelta(hours=3)
        room = desk(["BTC/USD"])
        wish = signal("BTC/USD", 0.5, at=at)
        [order] = feed_row(room, at, {"BTC/USD": 100}, cash(), wish)
        assert (order.not_before, order.valid_until) == (at, at + timedelta(minutes=2))


class TestWhatWasThereBefore:
    def test_holdings_of_nobody_are_left_alone_while_nobody_speaks_of_them(self):
        assert row(desk(), 1, cash(), position("AAPL", 7)) == []

    def test_a_strategy_takes_them_over_and_orders_the_rest(self):
        room = desk()
        said = row(room, 1, cash(99_300), position("AAPL", 7), signal(weight=0.5))
        assert orders(said) == [("AAPL", BUY, 493)]
        [order] = said
        assert order.attribution == (StrategyShare(strategy="alpha", quantity=D(493)),)
        room.handle(filled(order, 493))
        [crossed] = feed_row(room, minute(2), {"AAPL": 100})
        assert [(s.strategy, s.quantity) for s in crossed.transfers] == [
            ("alpha", 7), ("unassigned", -7)
        ]  # fmt: skip
        assert room.state.ledger.book("AAPL") == {"alpha": 500, "unassigned": 0}

    def test_they_are_sold_where_a_strategy_wants_none(self):
        said = row(desk(), 1, cash(), position("AAPL", 7), signal(weight=0.0))
        assert orders(said) == [("AAPL", SELL, 7)]

    def test_a_holding_outside_the_universe_counts_nothing_and_is_not_touched(self):
        said = row(desk(), 1, cash(), position("ZZZ", 7), signal(weight=0.5))
        assert orders(said) == [("AAPL", BUY, 500)]

    def test_nothing_is_bought_before_every_holding_of_the_universe_has_a_price(self):
        room = desk(["AAPL", "MSFT"])
        row(room, 1, cash(), position("MSFT", 10))
        assert row(room, 2, signal(weight=0.5, at=minute(2))) == []
        assert "no price yet for MSFT" in room.summary()["decisions"]["AAPL"]["outcome"]
        said = row(room, 3, prices={"AAPL": 100, "MSFT": 50})
        assert orders(said) == [("AAPL", BUY, 502)]

    def test_without_every_price_a_holding_can_still_be_sold(self):
        room = desk(["AAPL", "MSFT"])
        said = row(room, 1, cash(), position("MSFT", 10), position("AAPL", 4), signal(weight=0.0))
        assert orders(said) == [("AAPL", SELL, 4)]


class TestOnChange:
    def room(self, **changes):
        return desk(rebalance="on_change", **changes)

    def test_drift_is_never_traded(self):
        room = self.room()
        ordered(room, 1, cash(), signal(weight=0.5))
        assert row(room, 2, prices={"AAPL": 150}) == []
        assert row(room, 3, prices={"AAPL": 50}) == []

    def test_the_quantity_is_fixed_when_the_target_changes(self):
        room = self.room()
        [first] = row(room, 1, cash(), signal(weight=0.5))
        [second] = row(room, 2, cancelled(first), prices={"AAPL": 90})
        assert second.quantity == 500

    def test_another_strategys_change_does_not_move_those_who_did_not(self):
        room = self.room(shares={"alpha": 0.5, "beta": 0.5})
        ordered(room, 1, cash(), signal(weight=0.5))
        later = signal(weight=0.2, strategy="beta", at=minute(2), price=200)
        said = row(room, 2, later, prices={"AAPL": 200})
        [order] = said
        assert order.attribution == (StrategyShare(strategy="beta", quantity=D(62)),)

    def test_the_same_target_told_again_is_no_change(self):
        room = self.room()
        ordered(room, 1, cash(), signal(weight=0.5))
        assert row(room, 2, signal(weight=0.5, at=minute(2)), prices={"AAPL": 150}) == []

    def test_a_split_on_the_way_to_a_target_does_not_spoil_it(self):
        room = self.room()
        [first] = row(room, 1, cash(), signal(weight=0.5))
        row(room, 2, filled(first, 200), cancelled(first, 200))
        said = row(room, 3, position("AAPL", 200, name="split"), prices={"AAPL": 50})
        assert room.state.ledger.held("AAPL") == 400
        assert orders(said) == [("AAPL", BUY, 300)]  # 1000 new shares, 300 still on their way


def test_the_price_a_strategy_saw_must_be_ours_until_it_decides_anew():
    room = desk()
    row(room, 1, cash())
    assert refused(row(room, 2, signal(weight=0.5, price=104, at=minute(2)))) == [("AAPL", "R04")]
    assert row(room, 3) == []  # told once a session
    assert orders(row(room, 4, signal(weight=0.5, at=minute(4)))) == [("AAPL", BUY, 500)]


def test_an_old_decision_at_a_price_that_was_right_then_stands():
    room = desk()
    row(room, 1, cash())
    row(room, 2, signal("AAPL", 0.5, at=minute(2)), prices={"AAPL": 100})
    assert room.state.ledger.orders


@pytest.mark.parametrize("timeframe", [DAY])
def test_the_finest_bar_of_a_row_gives_its_price(timeframe):
    room = desk()
    room.handle(cash())
    whole = bar("AAPL", CLOSE, 101, timeframe=timeframe, opened_at=OPEN)
    last = bar("AAPL", CLOSE, 102)
    for first, second in ((whole, last), (last, whole)):
        fresh = desk()
        fresh.handle(first)
        fresh.handle(second)
        assert fresh.state.ledger.marks["AAPL"] == 102


def test_rows_run_through_the_engine_reach_their_target():
    rows = minute_rows(5, {"AAPL": 100})
    room = desk()
    account(rows, room, {rows[0][1].at: [signal(weight=0.5)]})
    assert room.state.ledger.held("AAPL") == 500
