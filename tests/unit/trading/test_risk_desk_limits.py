"""Limits in action: clipped orders, shared cash, orders that only together are too much."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.unit.trading.desk_factories import (
    NEXT_OPEN,
    OPEN,
    approved,
    cash,
    desk,
    feed_row,
    filled,
    position,
    rejected,
    signal,
)
from trimtab_common.events import FeedStale, OrderApproved, OrderRefused
from trimtab_common.sides import Side
from trimtab_trading.risk.limits import without_cash_rules
from trimtab_trading.risk.netting import Wanted, fit

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
THREE = {"AAPL": 100, "MSFT": 50, "SPY": 10}


def minute(number):
    return OPEN + timedelta(minutes=number)


def orders(events):
    return [(e.symbol, e.side, e.quantity) for e in events if isinstance(e, OrderApproved)]


def refused(events):
    return [(e.symbol, e.rule) for e in events if isinstance(e, OrderRefused)]


def row(room, number, *events, prices=None):
    return feed_row(room, minute(number), prices or {"AAPL": 100}, *events)


def fills(events):
    return [
        filled(e, e.quantity, price=e.reference_price, at=e.at)
        for e in events
        if isinstance(e, OrderApproved)
    ]


def wishes(number, **weights):
    return [
        signal(symbol, weight, at=minute(number), price=THREE[symbol])
        for symbol, weight in weights.items()
    ]


class TestClipping:
    def test_an_order_is_clipped_to_the_most_one_may_be_and_the_rest_follows(self):
        room = desk(classes={"order_notional_max": 20_000})
        first = row(room, 1, cash(), signal(weight=0.5))
        assert orders(first) == [("AAPL", BUY, 200)]
        assert first[0].reason == "alpha wants 200 more: because; 200 of 500 for now: R01"
        second = row(room, 2, *fills(first))
        assert orders(second) == [("AAPL", BUY, 200)]
        assert orders(row(room, 3, *fills(second))) == [("AAPL", BUY, 100)]

    def test_a_position_grows_to_its_limit_and_then_the_rest_is_refused(self):
        room = desk(classes={"order_equity_max": 0.25, "position_equity_max": 0.25})
        first = row(room, 1, cash(), signal(weight=0.5))
        assert orders(first) == [("AAPL", BUY, 250)]
        assert refused(row(room, 2, *fills(first))) == [("AAPL", "R13")]

    def test_a_limit_that_breathes_is_not_followed_share_by_share(self):
        room = desk(classes={"order_equity_max": 0.25, "position_equity_max": 0.25})
        row(room, 2, *fills(row(room, 1, cash(), signal(weight=0.5))))
        said = row(room, 3, cash(2000, name="dividend"))  # five more shares would be allowed
        assert orders(said) == []

    def test_fractions_are_clipped_to_their_decimals(self):
        room = desk(["BTC/USD"], crypto={"order_notional_max": 100})
        wish = signal("BTC/USD", 0.5, price=30_000)
        said = feed_row(room, minute(1), {"BTC/USD": 30_000}, cash(1000), wish)
        assert orders(said) == [("BTC/USD", BUY, D("0.0033"))]

    def test_dust_is_not_ordered(self):
        room = desk(["BTC/USD"], crypto={"order_notional_min": 10})
        wish = signal("BTC/USD", 0.005, price=30_000)
        assert feed_row(room, minute(1), {"BTC/USD": 30_000}, cash(1000), wish) == []

    def test_a_sale_out_of_a_position_is_not_clipped(self):
        room = desk(classes={"order_notional_max": 20_000})
        said = row(room, 1, cash(), position("AAPL", 500), signal(weight=0.0))
        assert orders(said) == [("AAPL", SELL, 500)]

    def test_a_fraction_of_a_share_leaves_with_the_whole_position_only(self):
        room = desk()
        first = row(room, 1, cash(100_000), position("AAPL", "9.5"), signal(weight=0.0))
        assert orders(first) == [("AAPL", SELL, D("9.5"))]
        other = desk()
        said = row(other, 1, cash(99_050), position("AAPL", "9.5"), signal(weight=0.005))
        assert orders(said) == [("AAPL", SELL, 4)]


class TestCash:
    def test_purchases_share_the_cash_there_is(self):
        room = desk(["AAPL", "MSFT"])
        said = row(room, 1, cash(), *wishes(1, AAPL=0.9, MSFT=0.6), prices=THREE)
        assert orders(said) == [("AAPL", BUY, 600), ("MSFT", BUY, 800)]
        assert said[0].reason.endswith("600 of 900 for now: R19")

    def test_the_reserve_is_never_spent(self):
        room = desk(cash_reserve_equity=0.02, cash_reserve_amount=500)
        assert orders(row(room, 1, cash(), signal(weight=1.0))) == [("AAPL", BUY, 980)]
        small = desk(cash_reserve_equity=0.02, cash_reserve_amount=500)
        assert orders(row(small, 1, cash(10_000), signal(weight=1.0))) == [("AAPL", BUY, 95)]

    def test_the_price_may_rise_a_little_until_the_order_trades(self):
        room = desk(classes={"cost_allowance": 0.02})
        assert orders(row(room, 1, cash(), signal(weight=1.0))) == [("AAPL", BUY, 980)]

    def test_proceeds_of_a_sale_pay_for_nothing_before_they_are_settled(self):
        room = desk(["AAPL", "MSFT"])
        bought = row(room, 1, cash(), signal(weight=1.0), prices=THREE)
        change = wishes(2, AAPL=0.0, MSFT=1.0)
        said = row(room, 2, *fills(bought), *change, prices=THREE)
        assert orders(said) == [("AAPL", SELL, 1000)]
        assert refused(said) == [("MSFT", "R14"), ("MSFT", "R19")]
        assert orders(row(room, 3, *fills(said), prices=THREE)) == []
        after_close = feed_row(room, NEXT_OPEN - timedelta(hours=17, minutes=30), THREE)
        assert orders(after_close) == [("MSFT", BUY, 2000)]
        assert after_close[0].not_before == NEXT_OPEN

    def test_with_sales_counted_the_proceeds_pay_at_once(self):
        room = desk(["AAPL", "MSFT"], buying_power="with_sales")
        bought = row(room, 1, cash(), signal(weight=1.0), prices=THREE)
        said = row(room, 2, *fills(bought), *wishes(2, AAPL=0.0, MSFT=1.0), prices=THREE)
        assert orders(said) == [("AAPL", SELL, 1000), ("MSFT", BUY, 2000)]

    def test_an_open_purchase_binds_what_it_may_cost(self):
        room = desk(["AAPL", "MSFT"], classes={"cost_allowance": 0.02})
        row(room, 1, cash(), *wishes(1, AAPL=0.5), prices=THREE)
        said = row(room, 2, *wishes(2, MSFT=1.0), prices=THREE)
        assert orders(said) == [("MSFT", BUY, 960)]  # (100,000 - 51,000) / 51

    def test_a_sale_that_counts_may_bring_less_than_the_last_price(self):
        room = desk(["AAPL", "MSFT"], buying_power="with_sales", classes={"cost_allowance": 0.02})
        held = (cash(1000), position("AAPL", 1000))
        said = row(room, 1, *held, *wishes(1, AAPL=0.0, MSFT=1.0), prices=THREE)
        assert orders(said) == [("AAPL", SELL, 1000), ("MSFT", BUY, 1941)]  # 99,000 / 51

    def test_reserve_and_open_purchases_are_kept_back_from_sales_too(self):
        room = desk(["AAPL", "MSFT"], buying_power="with_sales", cash_reserve_amount=10_000)
        row(room, 1, cash(), *wishes(1, AAPL=0.5), prices=THREE)
        said = row(room, 2, *wishes(2, MSFT=1.0), prices=THREE)
        assert orders(said) == [("MSFT", BUY, 800)]

    def test_research_sees_an_account_without_cash_rules(self):
        by = without_cash_rules(desk(cash_reserve_equity=0.1).state.limits)
        room = desk(["AAPL", "MSFT"], by=by, rules=())
        bought = row(room, 1, cash(), signal(weight=1.0), prices=THREE)
        assert orders(bought) == [("AAPL", BUY, 1000)]
        said = row(room, 2, *fills(bought), *wishes(2, AAPL=0.0, MSFT=1.0), prices=THREE)
        assert orders(said) == [("AAPL", SELL, 1000), ("MSFT", BUY, 2000)]
        assert orders(row(room, 3, cash("-100000", name="gone"), prices=THREE)) == []


class TestFit:
    def wanted(self, quantity, cost=10, unit=1, worthwhile=0):
        return Wanted(D(quantity), D(unit), D(cost), D(cost), D(worthwhile))

    def test_what_rounding_leaves_over_buys_one_more(self):
        assert fit([self.wanted(3), self.wanted(3)], D(50)) == [3, 2]

    def test_what_is_left_over_is_spent_once(self):
        three = [self.wanted(3), self.wanted(3), self.wanted(3)]
        assert fit(three, D(75)) == [3, 2, 2]

    def test_enough_cash_changes_nothing_and_no_cash_buys_nothing(self):
        assert fit([self.wanted(3), self.wanted(3)], D(60)) == [3, 3]
        assert fit([self.wanted(3), self.wanted(3)], D(-1)) == [0, 0]

    def test_crumbs_are_not_handed_out_but_served_one_after_the_other(self):
        purchases = [self.wanted(10, worthwhile=60) for _ in range(3)]
        assert fit(purchases, D(150)) == [10, 0, 0]
        assert fit(purchases, D(160)) == [10, 6, 0]

    def test_a_whole_purchase_is_never_a_crumb(self):
        assert fit([self.wanted(1, worthwhile=60), self.wanted(10)], D(20)) == [1, 1]


class TestTogether:
    """Each of the two orders alone would pass."""

    def both(self, **changes):
        room = desk(["AAPL", "MSFT"], **changes)
        said = row(room, 1, cash(), *wishes(1, AAPL=0.4, MSFT=0.4), prices=THREE)
        return orders(said), refused(said)

    def test_the_basket_is_refused_as_a_whole(self):
        approved_orders, rules = self.both(basket_equity_max=0.79)
        assert (approved_orders, rules) == ([], [("AAPL", "R03"), ("MSFT", "R03")])

    def test_the_basket_passes_at_its_limit(self):
        assert len(self.both(basket_equity_max=0.8)[0]) == 2

    @pytest.mark.parametrize("limit", ["gross_equity_max", "open_orders_equity_max"])
    def test_the_second_gets_what_the_first_has_left(self, limit):
        approved_orders, _ = self.both(**{limit: 0.5})
        assert approved_orders == [("AAPL", BUY, 400), ("MSFT", BUY, 200)]

    def test_an_open_order_counts_for_the_position_like_a_holding(self):
        room = desk(classes={"order_equity_max": 0.3, "position_equity_max": 0.5})
        assert orders(row(room, 1, cash(), signal(weight=0.8))) == [("AAPL", BUY, 300)]
        assert orders(row(room, 2)) == [("AAPL", BUY, 200)]
        assert refused(row(room, 3)) == [("AAPL", "R13")]

    def test_an_open_sale_leaves_less_to_sell(self):
        room = desk()
        row(room, 1, cash(), position("AAPL", 10))
        by_hand = approved("by-hand", side=SELL, quantity=8)
        room.state.ledger.on_approved(by_hand)
        said = row(room, 2, signal(weight=0.0, at=minute(2)))
        assert orders(said) == [("AAPL", SELL, 2)]

    def test_an_order_of_the_same_row_is_recognised_by_its_id(self):
        room = desk()
        [order] = row(room, 1, cash(), signal(weight=0.5))
        room.state.ledger.on_rejected(rejected(order))
        again = feed_row(room, minute(1), {"AAPL": 100})
        assert refused(again) == [("AAPL", "R10"), ("AAPL", "R11")]

    def test_the_same_again_a_minute_later_is_no_repetition(self):
        room = desk(classes={"order_notional_max": 20_000})
        first = row(room, 1, cash(), signal(weight=0.4))
        assert orders(row(room, 2, *fills(first))) == orders(first)


class TestRefusals:
    def starved(self):
        room = desk(restricted=["AAPL"])
        return room, row(room, 1, cash(), signal(weight=0.5))

    def test_a_refusal_names_rule_numbers_and_signals(self):
        [refusal] = self.starved()[1]
        assert (refusal.rule, refusal.side, refusal.quantity, refusal.count) == ("R22", BUY, 500, 1)
        assert refusal.signals == ("signal:alpha:AAPL:2024-03-05T14:31:00Z",)

    def test_it_is_told_once_a_session_and_counted(self):
        room, _ = self.starved()
        assert [row(room, number) for number in (2, 3, 4)] == [[], [], []]
        [again] = feed_row(room, NEXT_OPEN + timedelta(minutes=1), {"AAPL": 100})
        assert (again.rule, again.count) == ("R22", 5)

    def test_a_new_signal_is_a_new_cause(self):
        room, _ = self.starved()
        [again] = row(room, 2, signal(weight=0.6, at=minute(2)))
        assert (again.rule, again.count) == ("R22", 1)

    def test_what_was_refused_is_tried_again_while_data_is_fresh(self):
        room = desk(["AAPL"])
        stale = FeedStale(
            id="stale:1", at=minute(1), feed="test", symbols=("AAPL", "ZZZ"), last_bar_at=None,
            age_seconds=60,
        )  # fmt: skip
        first = row(room, 1, cash())
        assert first == []
        room.handle(stale)
        room.handle(signal(weight=0.5, at=minute(1)))
        assert orders(row(room, 2)) == [("AAPL", BUY, 500)]  # a bar came: the feed lives

    def test_a_small_wish_that_was_refused_is_not_forgotten_as_drift(self):
        room = desk(drift_band=0.02)
        late = NEXT_OPEN - timedelta(hours=17, minutes=31)  # a minute before the close
        said = feed_row(room, late, {"AAPL": 100}, cash(), signal(weight=0.005, at=late))
        assert refused(said) == [("AAPL", "R23")]
        morning = feed_row(room, NEXT_OPEN + timedelta(minutes=1), {"AAPL": 100})
        assert orders(morning) == [("AAPL", BUY, 5)]

    def test_a_strategy_that_needs_a_short_leg_is_refused_whole(self):
        room = desk(["AAPL", "MSFT"], shares={"alpha": 0.5, "beta": 0.5})
        first = row(room, 1, cash(), *wishes(1, AAPL=0.4), prices=THREE)
        assert orders(first) == [("AAPL", BUY, 200)]
        assert row(room, 2, *fills(first), prices=THREE) == []
        said = row(room, 3, *wishes(3, MSFT=-0.4), prices=THREE)
        assert orders(said) == [("AAPL", SELL, 200)]
        assert refused(said) == [("MSFT", "R20")]
        assert row(room, 4, *fills(said), prices=THREE) == []
        after = row(room, 5, *wishes(5, MSFT=0.0), prices=THREE)
        assert orders(after) == [("AAPL", BUY, 200)]
