"""Between held, working and wanted; and what strategies exchange among themselves."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.trading.desk_factories import (
    NOON,
    OPEN,
    approved,
    bar,
    cash,
    closed,
    desk,
    feed_row,
    filled,
    signal,
)
from trimtab_common.events import HoldingsCrossed, OrderApproved
from trimtab_common.sides import Side
from trimtab_trading.open_orders import UNASSIGNED, from_approval
from trimtab_trading.risk.attribution import Crossing, divide, needs, restored, shares
from trimtab_trading.risk.netting import plan
from trimtab_trading.sizing import ONE

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


def working(quantity, key="one"):
    side = BUY if quantity > 0 else SELL
    return from_approval(approved(key, side=side, quantity=abs(quantity)))


def planned(target, held, *orders, tolerance=0, least=0, unit=1, price=10):
    return plan(
        target=D(target),
        held=D(held),
        orders=[working(each, f"o{n}") for n, each in enumerate(orders)],
        price=D(price),
        unit=D(unit),
        tolerance=D(tolerance),
        least=D(least),
    )


@pytest.mark.parametrize(
    ("target", "held", "orders", "order"),
    [
        (10, 0, [], 10),
        (10, 4, [], 6),
        (0, 4, [], -4),
        (10, 4, [6], 0),
        (10, 0, [6], 4),
        (10, 0, [3, 3], 4),
        (-5, 0, [], -5),
    ],
)
def test_only_what_is_missing_is_ordered(target, held, orders, order):
    found = planned(target, held, *orders)
    assert (found.order, found.cancel, found.waits) == (order, (), False)


@pytest.mark.parametrize(
    ("target", "held", "orders"), [(0, 4, [6]), (4, 4, [6]), (8, 4, [6]), (10, 12, [-4])]
)
def test_what_goes_beyond_or_against_the_target_is_cancelled(target, held, orders):
    found = planned(target, held, *orders)
    assert (found.order, len(found.cancel), found.waits) == (0, 1, True)


def test_nothing_is_ordered_while_a_cancel_is_on_its_way():
    order = working(6)
    order.cancelling = True
    found = plan(
        target=D(20), held=D(0), orders=[order], price=D(10), unit=ONE, tolerance=D(0), least=D(0)
    )
    assert (found.order, found.cancel, found.waits) == (D(0), (), True)


@pytest.mark.parametrize(("tolerance", "order"), [("60", 0), ("59.99", 6)])
def test_a_difference_worth_no_more_than_the_tolerance_is_left(tolerance, order):
    assert planned(10, 4, tolerance=tolerance).order == order


@pytest.mark.parametrize(("least", "order"), [("60", 6), ("60.01", 0)])
def test_dust_is_left(least, order):
    assert planned(10, 4, least=least).order == order


def test_a_fraction_goes_only_with_the_whole():
    assert planned(10, "4.5").order == 5
    assert planned(0, "4.5").order == D("-4.5")


class TestDivision:
    def test_opposite_needs_meet_and_only_the_rest_is_ordered(self):
        division = divide({"alpha": D(20), "beta": D(-8)})
        assert division.exchanged == {"alpha": 8, "beta": -8}
        assert division.ordered == {"alpha": 12}

    def test_the_same_the_other_way_round(self):
        division = divide({"alpha": D(5), "beta": D(-6), "gamma": D(-4)})
        assert division.exchanged == {"alpha": 5, "beta": -3, "gamma": -2}
        assert division.ordered == {"beta": 3, "gamma": 2}

    def test_what_is_on_its_way_is_no_need_any_more(self):
        order = from_approval(approved(quantity=4, shares={"alpha": 3, "beta": 1}))
        crossing = Crossing(NOON, {"alpha": D(2), "gamma": D(-2)})
        aim = {"alpha": D(10), "beta": D(5)}
        book = {"beta": D(1), "gamma": D(2), UNASSIGNED: D(3)}
        assert needs(aim, book, [order], crossing) == {
            "alpha": 5,
            "beta": 3,
            UNASSIGNED: -3,
        }

    @given(st.dictionaries(st.sampled_from("abcdef"), st.integers(-50, 50).filter(bool).map(D)))
    def test_every_need_is_met_exactly(self, lacking):
        division = divide(lacking)
        side = 1 if sum(lacking.values()) >= 0 else -1
        assert sum(division.exchanged.values()) == 0
        assert sum(division.ordered.values()) == abs(sum(lacking.values()))
        for strategy, need in lacking.items():
            met = division.exchanged.get(strategy, 0) + side * division.ordered.get(strategy, 0)
            assert met == need

    @given(
        st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 50).map(D), min_size=1),
        st.sampled_from(list(Side)),
        st.data(),
    )
    def test_the_attribution_of_a_clipped_order_adds_up(self, ordered, side, data):
        quantity = D(data.draw(st.integers(1, int(sum(ordered.values())))))
        parts = shares(quantity, side, ordered)
        assert sum(part.quantity for part in parts) == quantity * side.sign

    def test_a_crossing_takes_no_more_than_a_book_still_holds(self):
        crossing = Crossing(NOON, {"alpha": D(8), "beta": D(-8)})
        assert crossing.possible({"beta": D(5)}) == {"alpha": 5, "beta": -5}
        assert crossing.possible({}) == {}

    def test_a_crossing_remembers_itself(self):
        crossing = Crossing(NOON, {"alpha": D(8), "beta": D(-8)})
        assert restored(crossing.snapshot()) == crossing


class TestCrossing:
    """alpha holds 250 shares and leaves; beta wants 250."""

    def swapped(self, beta=0.5):
        room = desk(shares={"alpha": 0.5, "beta": 0.5})
        [order] = self.row(room, 1, cash(), signal(weight=0.5))
        wishes = [
            signal(weight=0.0, at=self.minute(2)),
            signal(weight=beta, strategy="beta", at=self.minute(2)),
        ]
        return room, self.row(room, 2, filled(order, 250), *wishes)

    def minute(self, number):
        return OPEN + timedelta(minutes=number)

    def row(self, room, number, *events, **options):
        return feed_row(room, self.minute(number), {"AAPL": 100}, *events, **options)

    def test_no_order_is_made_and_the_holdings_change_hands_at_the_next_open(self):
        room, said = self.swapped()
        assert said == []
        [crossed] = self.row(room, 3, opening=104)
        assert isinstance(crossed, HoldingsCrossed)
        assert (crossed.price, crossed.id) == (D(104), "crossed:AAPL:2024-03-05T14:33:00Z")
        assert {s.strategy: s.quantity for s in crossed.transfers} == {"alpha": -250, "beta": 250}
        assert room.state.ledger.book("AAPL") == {"alpha": 0, "beta": 250}
        assert room.state.ledger.books.holdings("AAPL")["alpha"].realised == 1000
        assert self.row(room, 4) == []

    def test_only_the_difference_goes_to_the_market(self):
        room, said = self.swapped(beta=0.8)
        [order] = said
        assert isinstance(order, OrderApproved)
        assert (order.quantity, [s.strategy for s in order.attribution]) == (D(150), ["beta"])
        [crossed] = self.row(room, 3, filled(order, 150))
        assert room.state.ledger.book("AAPL") == {"alpha": 0, "beta": 400}
        assert crossed.transfers

    def test_a_bar_that_opened_before_the_decision_is_too_early(self):
        room, _ = self.swapped()
        long = bar("AAPL", self.minute(3), opened_at=OPEN)
        room.handle(long)
        assert list(room.close(closed(self.minute(3), [long]))) == []
        assert len(self.row(room, 4)) == 1

    def test_a_row_without_a_bar_of_the_symbol_waits(self):
        room, _ = self.swapped()
        assert list(room.close(closed(self.minute(3), []))) == []
        assert len(self.row(room, 4)) == 1
