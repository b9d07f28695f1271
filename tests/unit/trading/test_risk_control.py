"""Halt, resume and flatten: what they stop, what they allow, and who may lift them."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.trading.desk_factories import (
    OPEN,
    cancelled,
    cash,
    desk,
    feed_row,
    filled,
    position,
    signal,
)
from trimtab_common.events import (
    Event,
    FlattenRequested,
    OrderApproved,
    OrderCancelRequested,
    OrderRefused,
    TradingHalted,
    TradingResumed,
)
from trimtab_common.sides import Side
from trimtab_trading.risk.control import KILL_SWITCH, Control, TradingState

TRADING, HALTED, FLATTENING = TradingState.TRADING, TradingState.HALTED, TradingState.FLATTENING


def minute(number):
    return OPEN + timedelta(minutes=number)


def event(kind, by, number=1, reason="storm"):
    return kind(id=f"{kind.__name__}:{by}:{number}", at=minute(number), by=by, reason=reason)


def halt(by="owner", number=1):
    return event(TradingHalted, by, number)


def resume(by="owner", number=1):
    return event(TradingResumed, by, number)


def flatten(by="owner", number=1):
    return event(FlattenRequested, by, number)


def after(*events):
    control = Control()
    acts: dict[type[Event], Callable[[Any], object]] = {
        TradingHalted: control.on_halted,
        TradingResumed: control.on_resumed,
        FlattenRequested: control.on_flatten,
    }
    for each in events:
        acts[type(each)](each)
    return control


def row(room, number, *events, price=100):
    return feed_row(room, minute(number), {"AAPL": price}, *events)


def kinds(events):
    return [type(each).__name__ for each in events]


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], TRADING),
        ([halt()], HALTED),
        ([halt(), resume()], TRADING),
        ([halt(), resume("guard")], TRADING),
        ([halt("guard"), halt("owner"), resume()], TRADING),
        ([halt(KILL_SWITCH), resume()], HALTED),
        ([halt(KILL_SWITCH), resume(KILL_SWITCH)], TRADING),
        ([halt(KILL_SWITCH), halt(), resume(KILL_SWITCH)], HALTED),
        ([flatten()], FLATTENING),
        ([flatten(), resume()], TRADING),
        ([flatten(), resume(KILL_SWITCH)], FLATTENING),
        ([flatten(), halt()], HALTED),
        ([halt(), flatten()], FLATTENING),
        ([halt(KILL_SWITCH), flatten()], HALTED),
        ([halt(KILL_SWITCH), flatten(), resume(KILL_SWITCH)], FLATTENING),
    ],
    ids=lambda value: value.value if isinstance(value, TradingState) else "-".join(kinds(value)),
)
def test_who_stops_and_who_lifts(events, state):
    control = after(*events)
    assert control.state is state
    assert bool(control.why) is (state is not TRADING)


def test_the_reason_names_everybody_who_halted():
    assert after(halt("owner"), halt("guard")).why == "guard: storm; owner: storm"


def test_the_first_reason_of_a_hand_stands():
    second = event(TradingHalted, "owner", 2, "later")
    assert after(halt(), second).why == "owner: storm"


def test_control_remembers_itself():
    before = after(halt(KILL_SWITCH), halt(), flatten())
    control = Control()
    control.restore(before.snapshot())
    assert (control.state, control.why, control.flatten) == (
        before.state,
        before.why,
        before.flatten,
    )


class TestHalt:
    def test_nothing_is_ordered_and_the_refusal_says_why(self):
        room = desk()
        [refusal] = row(room, 1, cash(), halt(), signal(weight=0.5))
        assert isinstance(refusal, OrderRefused)
        assert (refusal.rule, refusal.value) == ("HALT", "HALTED")
        assert refusal.reason == "no orders: owner: storm"
        assert row(room, 2) == []

    def test_nothing_is_sold_either(self):
        room = desk()
        [refusal] = row(room, 1, cash(), position("AAPL", 5), halt(), signal(weight=0.0))
        assert (refusal.rule, refusal.side) == ("HALT", Side.SELL)

    def test_what_works_is_taken_back_at_once(self):
        room = desk()
        [order] = row(room, 1, cash(), signal(weight=0.5))
        [cancel] = room.handle(halt())
        assert isinstance(cancel, OrderCancelRequested)
        assert (cancel.client_order_id, cancel.reason) == (
            order.client_order_id,
            "trading is halted by owner",
        )
        assert list(room.handle(halt("guard"))) == []

    def test_after_the_resume_the_work_goes_on(self):
        room = desk()
        [order] = row(room, 1, cash(), signal(weight=0.5))
        room.handle(halt())
        assert kinds(row(room, 2, cancelled(order))) == ["OrderRefused"]
        assert kinds(row(room, 3, resume())) == ["OrderApproved"]

    def test_strategies_exchange_nothing_while_halted(self):
        room = desk(shares={"alpha": 0.5, "beta": 0.5})
        [order] = row(room, 1, cash(), signal(weight=0.5))
        swap = [signal(weight=0.0, at=minute(2)), signal(weight=0.5, strategy="beta", at=minute(2))]
        assert row(room, 2, filled(order, order.quantity), halt(), *swap) == []
        assert room.state.crossings == {}


class TestFlatten:
    def flattened(self, **changes):
        room = desk(**changes)
        [order] = row(room, 1, cash(), signal(weight=0.5))
        said = row(room, 2, filled(order, 500), flatten())
        return room, said

    @pytest.mark.parametrize("rebalance", ["drift", "on_change"])
    def test_everything_is_sold_and_says_by_whose_order(self, rebalance):
        _, [order] = self.flattened(rebalance=rebalance)
        assert isinstance(order, OrderApproved)
        assert (order.side, order.quantity) == (Side.SELL, Decimal(500))
        assert order.reason.endswith("everything is sold, by order of owner: storm")

    def test_also_what_no_strategy_ever_spoke_of(self):
        room = desk()
        [order] = row(room, 1, cash(), position("AAPL", 7), flatten())
        assert (order.side, order.quantity, order.signals) == (Side.SELL, 7, ())

    def test_open_purchases_are_cancelled_and_new_targets_bought_by_nobody(self):
        room = desk()
        [order] = row(room, 1, cash(), signal(weight=0.5))
        assert kinds(row(room, 2, flatten())) == ["OrderCancelRequested"]
        said = row(room, 3, cancelled(order), signal(weight=0.9, at=minute(3)))
        assert said == []

    @pytest.mark.parametrize("rebalance", ["drift", "on_change"])
    def test_after_the_resume_every_target_is_reached_anew(self, rebalance):
        room, [sale] = self.flattened(rebalance=rebalance)
        room.handle(filled(sale, 500))
        assert row(room, 3) == []
        said = feed_row(room, minute(24 * 60 + 4), {"AAPL": 100}, resume())
        assert [(each.side, each.quantity) for each in said] == [(Side.BUY, 500)]
