"""What the account holds after what happened, each thing once."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.unit.trading.desk_factories import (
    CLOSE,
    NEXT_OPEN,
    NOON,
    OPEN,
    accepted,
    approved,
    bar,
    cancelled,
    cash,
    filled,
    instrument,
    position,
    rejected,
)
from trimtab_common.events import HoldingsCrossed, StrategyShare
from trimtab_common.sides import Side
from trimtab_trading.ledger import ADJUSTMENTS_KEPT, FINISHED_KEPT, Ledger
from trimtab_trading.open_orders import UNASSIGNED

D = Decimal
SELL = Side.SELL


def at_once(symbol, at):
    return at


def ledger(*events, settles=at_once):
    account = Ledger(settles)
    for event in events:
        account.fold(event)
    return account


class TestMoney:
    def test_a_purchase_costs_its_price_and_its_fee(self):
        order = approved(quantity=10)
        account = ledger(cash(5000), order, filled(order, 10, price="100.25", fee="1.50"))
        assert (account.cash, account.held("AAPL")) == (D("3996.00"), 10)

    def test_a_dividend_and_a_fee_without_an_order_change_the_cash(self):
        account = ledger(cash(100), cash("2.55", name="dividend"), cash("-1", name="fee"))
        assert account.cash == D("101.55")

    def test_the_same_adjustment_twice_counts_once(self):
        assert ledger(cash(100), cash(100)).cash == 100

    def test_only_so_many_adjustments_are_remembered(self):
        account = ledger(*(cash(1, name=str(n)) for n in range(ADJUSTMENTS_KEPT + 5)))
        assert len(account.snapshot()["adjustments"]) == ADJUSTMENTS_KEPT

    def test_equity_is_cash_and_marked_positions(self):
        order = approved(quantity=10)
        account = ledger(cash(5000), order, filled(order, 10))
        assert (account.equity(), account.unmarked()) == (4000, ("AAPL",))
        account.mark("AAPL", D("110"))
        assert (account.equity(), account.unmarked()) == (5100, ())


class TestSettlement:
    def sold(self):
        buy, sell = approved("buy"), approved("sell", side=SELL)
        settles = instrument("AAPL").settles_at
        events = (cash(5000), buy, filled(buy, 10), sell, filled(sell, 10, price=110, fee=1))
        return ledger(*events, settles=lambda symbol, at: settles(at))

    def test_proceeds_are_cash_but_may_be_spent_from_the_next_open_on(self):
        account = self.sold()
        assert account.cash == 5099
        assert account.settled(CLOSE) == 4000
        assert account.settled(NEXT_OPEN) == 5099
        assert account.unsettled == {NEXT_OPEN: 1099}

    def test_time_turns_proceeds_into_ordinary_cash(self):
        account = self.sold()
        account.pass_time(CLOSE)
        assert account.unsettled
        account.pass_time(NEXT_OPEN)
        assert not account.unsettled

    def test_two_sessions_later_means_two_sessions_over_a_weekend(self):
        friday = NOON + timedelta(days=3)
        slow = instrument("AAPL", classes={"settlement_sessions": 2})
        assert slow.settles_at(friday) == OPEN + timedelta(days=7, hours=-1)  # summer time began

    def test_a_coin_settles_at_once(self):
        assert instrument("BTC/USD").settles_at(NOON) == NOON


class TestFills:
    def test_parts_add_up_and_the_order_ends_with_the_last(self):
        order = approved(quantity=10)
        account = ledger(cash(5000), order, accepted(order), filled(order, 4))
        assert account.orders["one"].remaining == 6
        account.fold(filled(order, 6, 10))
        assert (account.held("AAPL"), account.cash) == (10, 4000)
        assert (account.orders, account.is_known("one")) == ({}, True)

    @pytest.mark.parametrize("again", [(10, 10), (4, 4)])
    def test_a_repeated_or_older_fill_changes_nothing(self, again):
        order = approved(quantity=10)
        account = ledger(cash(5000), order, filled(order, 4), filled(order, 6, 10))
        before = account.snapshot()
        account.fold(filled(order, *again))
        assert account.snapshot() == before

    def test_a_fill_that_was_missed_is_made_up_by_the_next_and_noted(self):
        order = approved(quantity=10)
        account = ledger(cash(5000), order, filled(order, 6, 10))
        assert (account.held("AAPL"), account.oddities_count) == (10, 1)
        assert "10 are new, the fill says 6" in account.oddities[0]

    def test_a_fill_of_an_unknown_order_is_booked_and_noted(self):
        order = approved("by-hand", quantity=10)
        account = ledger(cash(5000), filled(order, 4), filled(order, 4), filled(order, 6, 10))
        assert (account.held("AAPL"), account.cash) == (10, 4000)
        assert account.book("AAPL") == {UNASSIGNED: 10}
        assert account.oddities_count == 1

    def test_more_than_was_ordered_belongs_to_nobody(self):
        order = approved(quantity=10)
        account = ledger(cash(5000), order, filled(order, 12))
        assert account.book("AAPL") == {"alpha": 10, UNASSIGNED: 2}
        assert "more than the 10 ordered" in account.oddities[-1]

    def test_a_fill_after_the_cancel_is_still_the_strategys(self):
        order = approved(quantity=10)
        account = ledger(cash(5000), order, cancelled(order), filled(order, 4))
        assert (account.book("AAPL"), account.orders) == ({"alpha": 4}, {})

    def test_a_cancel_that_knows_of_more_trades_is_noted(self):
        order = approved(quantity=10)
        account = ledger(cash(5000), order, filled(order, 4), cancelled(order, 7))
        assert "3 traded that no fill told" in account.oddities[-1]

    def test_a_cancel_that_knows_what_we_know_is_ordinary(self):
        order = approved(quantity=10)
        assert ledger(cash(5000), order, filled(order, 4), cancelled(order, 4)).oddities == []

    def test_a_rejected_order_is_over(self):
        order = approved(quantity=10)
        assert ledger(cash(5000), order, rejected(order)).orders == {}

    def test_an_order_the_broker_has_and_nobody_approved_counts_as_open(self):
        account = ledger(accepted(approved("stranger", quantity=3)))
        assert account.working("AAPL")[0].signed_remaining == 3
        assert "never approved" in account.oddities[0]

    def test_a_late_acceptance_does_not_reopen_an_order(self):
        order = approved(quantity=10)
        account = ledger(order, rejected(order), accepted(order), order)
        assert (account.orders, account.oddities_count) == ({}, 0)

    def test_only_so_many_finished_orders_are_remembered(self):
        account = ledger()
        for number in range(FINISHED_KEPT + 3):
            order = approved(str(number))
            account.fold(order)
            account.fold(rejected(order))
        assert not account.is_known("0")
        assert account.is_known(str(FINISHED_KEPT + 2))

    def test_a_bar_is_no_business_of_a_ledger(self):
        account = ledger(cash(100))
        account.fold(bar())
        assert account.marks == {}


class TestBooks:
    def test_a_fill_is_divided_pro_rata_in_whole_shares(self):
        order = approved(quantity=10, shares={"alpha": 7, "beta": 3})
        account = ledger(cash(5000), order, filled(order, 5))
        assert account.book("AAPL") == {"alpha": 4, "beta": 1}
        account.fold(filled(order, 5, 10))
        assert account.book("AAPL") == {"alpha": 7, "beta": 3}

    def test_a_fee_is_divided_like_the_fill(self):
        order = approved(quantity=4, shares={"alpha": 3, "beta": 1})
        account = ledger(cash(5000), order, filled(order, 4, fee=1))
        parts = account.books.holdings("AAPL")
        assert (parts["alpha"].realised, parts["beta"].realised) == (D("-0.75"), D("-0.25"))

    def test_a_sale_by_hand_takes_what_nobody_owns_first_then_all_pro_rata(self):
        order = approved(quantity=8, shares={"alpha": 6, "beta": 2})
        by_hand = approved("by-hand", side=SELL, quantity=6)
        events = (cash(5000), position("AAPL", 2), order, filled(order, 8), filled(by_hand, 6))
        assert ledger(*events).book("AAPL") == {"alpha": 3, "beta": 1, UNASSIGNED: 0}

    def test_a_sale_of_more_than_there_is_leaves_nobodys_book_short(self):
        by_hand = approved("by-hand", side=SELL, quantity=6)
        assert ledger(position("AAPL", 2), filled(by_hand, 6)).book("AAPL") == {UNASSIGNED: -4}

    def test_a_sale_beyond_the_order_takes_from_what_each_keeps(self):
        order = approved("buy", quantity=12, shares={"alpha": 8, "beta": 4})
        sale = approved("sell", side=SELL, quantity=5, shares={"alpha": 5})
        account = ledger(cash(5000), order, filled(order, 12), sale, filled(sale, 7))
        assert account.book("AAPL") == {"alpha": 2, "beta": 3}

    def test_a_split_changes_every_book_in_proportion(self):
        order = approved(quantity=8, shares={"alpha": 6, "beta": 2})
        events = (cash(5000), order, filled(order, 8), position("AAPL", 8, name="split"))
        assert ledger(*events).book("AAPL") == {"alpha": 12, "beta": 4}

    def test_what_was_there_before_belongs_to_nobody_and_costs_the_first_price(self):
        account = ledger(position("AAPL", 5))
        assert ledger(position("AAPL", 5)).positions["AAPL"].average_cost is None
        account.mark("AAPL", D(120))
        account.mark("AAPL", D(130))
        assert account.positions["AAPL"].average_cost == 120
        assert account.books.holdings("AAPL")[UNASSIGNED].average_cost == 120

    def test_a_crossing_moves_holdings_and_profit_but_not_the_position(self):
        order = approved(quantity=8, shares={"alpha": 8})
        transfers = [
            StrategyShare(strategy=s, quantity=D(q)) for s, q in (("alpha", -5), ("beta", 5))
        ]
        crossing = HoldingsCrossed(
            id="crossed:1", at=NOON, symbol="AAPL", price=D(110), transfers=tuple(transfers)
        )
        account = ledger(cash(5000), order, filled(order, 8), crossing)
        assert account.book("AAPL") == {"alpha": 3, "beta": 5}
        assert account.held("AAPL") == 8
        assert account.books.holdings("AAPL")["alpha"].realised == 50
        assert (account.positions["AAPL"].realised, account.cash) == (0, 4200)
