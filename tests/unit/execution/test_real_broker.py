"""The room against a real broker: nothing is final at once, the clock rules, updates are hints."""

from __future__ import annotations

import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.execution.examples import (
    a_bar,
    a_cancel,
    a_row,
    an_order,
    an_update,
    orders_end,
    row_at,
    seen,
)
from tests.unit.execution.fakes import Kept, no_trouble
from tests.unit.execution.worlds import World, a_world
from trimtab_common.events import (
    CashAdjusted,
    MismatchFound,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRejected,
    PositionAdjusted,
)
from trimtab_execution.ports import OutcomeUnknown, Refused
from trimtab_trading.exchange import opening_balance


class Died(BaseException):
    """The process ended here."""


def at_a_real_broker(*orders, rows=2, **settings) -> World:
    """A room whose streams hold some rows, and orders approved at the first of them."""
    bars = [event for row in range(1, rows + 1) for event in (a_bar(row), a_row(row))]
    world = a_world([*orders, orders_end(1)], bars, simulated=False, **settings)
    world.broker.time = row_at(1)
    return world


def health(world: World) -> list[MismatchFound]:
    return [event for event in world.streams.told("health") if isinstance(event, MismatchFound)]


async def until_told(world: World, *kinds: type, count: int = 1) -> list[Any]:
    await world.until(lambda: len(world.told(*kinds)) >= count)
    return world.told(*kinds)


async def cycles(world: World, number: int = 3) -> None:
    """Live through so many reconciliations."""
    enough = world.broker.looks + number + 1  # one may be on its way, the last is not yet judged
    await world.until(lambda: world.broker.looks > enough)


# --------------------------------------------------------------------------- how it begins


async def test_the_room_tells_first_what_the_account_holds():
    world = at_a_real_broker(rows=1)
    world.broker.venue.positions.update({"SPY": Decimal(3), "AAPL": Decimal(7)})
    async with world.alive():
        await until_told(world, PositionAdjusted, count=2)
    balance, *held = world.told()
    assert balance == opening_balance("main", row_at(1), Decimal(100_000))
    assert [(event.symbol, event.quantity) for event in held] == [("AAPL", 7), ("SPY", 3)]


@pytest.mark.parametrize("answer", ["empty", "error"])
async def test_a_failed_look_at_the_positions_is_never_read_as_flat(answer):
    world = at_a_real_broker(rows=1)
    world.broker.venue.positions["AAPL"] = Decimal(7)
    world.broker.hidden_positions = answer == "empty"

    def trouble(method: str, moment: str) -> None:
        if method == "positions" and answer == "error":
            raise OutcomeUnknown("500: internal server error")

    world.broker.trouble = trouble
    async with world.alive():
        await world.until(lambda: world.desk.trouble is not None)
        assert world.told() == [], "nothing is said before it is known"
        assert "the account cannot be read" in (world.desk.trouble or "")


async def test_after_redis_was_emptied_orders_of_ours_at_the_broker_are_taken_over():
    order, stranger = an_order(), an_order(symbol="SPY", client_order_id="by-hand")
    world = at_a_real_broker(rows=1)
    world.journal.intend([], [order])
    for kept in (order, stranger):
        world.broker.orders[kept.client_order_id] = Kept(kept)
    async with world.alive():
        await until_told(world, OrderAccepted)
        assert list(world.room._book.orders) == [order.client_order_id]
        await cycles(world)
        assert [m.subject for m in health(world)] == [f"order {stranger.client_order_id}"]


async def test_what_trades_while_the_books_are_opened_is_counted_once():
    order = an_order()
    world = at_a_real_broker(rows=1)
    world.journal.intend([], [order])
    world.broker.orders[order.client_order_id] = Kept(order)
    traded: list[str] = []

    def trouble(method: str, moment: str) -> None:
        if method == "positions" and not traded:  # after the orders were read
            traded.append(method)
            world.broker.fill(order.client_order_id, "4", "100")

    world.broker.trouble = trouble
    async with world.alive():
        (held,) = await until_told(world, PositionAdjusted)
        await cycles(world)
        assert held.quantity == 4
        assert world.told(OrderFilled) == health(world) == []


# ------------------------------------------------------------------------ orders and their time


async def test_an_order_is_sent_and_accepted_and_its_fill_is_told():
    order = an_order()
    world = at_a_real_broker(order)
    async with world.alive():
        await until_told(world, OrderAccepted)
        world.hints.tell(world.broker.fill(order.client_order_id, "10", "101.5"))
        (fill,) = await until_told(world, OrderFilled)
        assert (fill.quantity, fill.price) == (10, Decimal("101.5"))
        assert world.broker.submissions == [order.client_order_id]


async def test_a_held_order_is_sent_by_the_brokers_clock():
    held = an_order(wait=60)
    world = at_a_real_broker(held)
    async with world.alive():
        await world.until(lambda: world.journal.states == {held.client_order_id: "held"})
        assert world.broker.submissions == []
        await world.pass_time(held.not_before)
        await until_told(world, OrderAccepted)
        assert world.broker.submissions == [held.client_order_id]


async def test_a_held_order_whose_time_has_passed_is_never_sent():
    held = an_order(wait=60)
    world = at_a_real_broker(held)
    async with world.alive():
        await world.until(lambda: bool(world.journal.states))
        await world.pass_time(held.valid_until + timedelta(seconds=1))
        (end,) = await until_told(world, OrderCancelled)
        assert (end.reason, world.broker.submissions) == ("expired: no bar opened in time", [])


async def test_what_was_read_too_late_is_not_sent():
    order = an_order()
    world = at_a_real_broker(order)
    world.broker.time = order.valid_until + timedelta(seconds=1)
    async with world.alive():
        (end,) = await until_told(world, OrderRejected)
        assert (end.reason, world.broker.submissions) == ("not sent: past its time", [])


async def test_a_halt_stops_held_orders_and_lets_cancels_go():
    working, held = an_order(), an_order(symbol="SPY", wait=30)
    world = at_a_real_broker(working, held)
    async with world.alive():
        await until_told(world, OrderAccepted)
        world.switch.reason = "the owner said stop"
        await world.pass_time(held.not_before)
        world.streams.entries["orders"].append(a_cancel(working, 2))
        (refused,) = await until_told(world, OrderRejected)
        assert refused.reason == "not sent: the owner said stop"
        await world.until(lambda: world.broker.orders[working.client_order_id].status == "canceled")
        assert world.broker.submissions == [working.client_order_id]


async def test_an_order_the_broker_refuses_is_told_with_its_words():
    world = at_a_real_broker(an_order())
    world.broker.refusal = 'asset "AAPL" is not tradable'
    async with world.alive():
        (refused,) = await until_told(world, OrderRejected)
        assert refused.reason == 'asset "AAPL" is not tradable'


async def test_a_clock_that_is_seconds_off_sends_nothing():
    late = an_order()
    world = at_a_real_broker(rows=1)
    world.clock.learn(row_at(1), row_at(1) + timedelta(seconds=2.1), row_at(1))
    reason = world.permission.veto(late)
    assert reason == "this machine's clock is -2.1 s off the broker's; set it right (NTP)"


# ------------------------------------------------------------------------------ lost and found


async def test_a_lost_fill_is_found_by_looking():
    order = an_order()
    world = at_a_real_broker(order)
    async with world.alive():
        await until_told(world, OrderAccepted)
        world.broker.fill(order.client_order_id, "4", "100")  # its update never came
        (part,) = await until_told(world, OrderFilled)
        world.broker.fill(order.client_order_id, "6", "110")
        fills = await until_told(world, OrderFilled, count=2)
        assert part.quantity == 4
        assert [(str(f.quantity), f.price) for f in fills] == [("4", 100), ("6", 110)]
        assert health(world) == []


async def test_an_update_may_come_before_the_answer_and_after_the_end():
    order = an_order()
    world = at_a_real_broker(order, place_seconds=0.05)
    answered: list[str] = []

    def trouble(method: str, moment: str) -> None:
        if (method, moment) == ("submit", "after") and not answered:
            answered.append(moment)
            update = world.broker.fill(order.client_order_id, "10", "100")
            world.hints.tell(update)
            world.hints.tell(update)

    world.broker.trouble = trouble
    async with world.alive():
        await until_told(world, OrderFilled)
        world.hints.tell(an_update(seen(order)))
        await cycles(world)
        assert [type(event) for event in world.told()] == [CashAdjusted, OrderAccepted, OrderFilled]


async def test_a_late_refusal_of_an_order_that_the_broker_is_known_to_have_is_not_believed():
    order = an_order()
    world = at_a_real_broker(order, place_seconds=0.01)

    def trouble(method: str, moment: str) -> None:
        if (method, moment) == ("submit", "after"):
            world.hints.tell(an_update(seen(order)))
            time.sleep(0.1)
            raise Refused("you are not allowed to do this")

    world.broker.trouble = trouble
    async with world.alive():
        await until_told(world, OrderAccepted)
        await world.until(lambda: not world.desk._errands)
        await cycles(world)
        assert [type(event) for event in world.told()] == [CashAdjusted, OrderAccepted]


async def test_a_row_does_not_wait_for_an_answer_that_does_not_come():
    order = an_order()
    world = at_a_real_broker(order, rows=2, place_seconds=0.02)
    silent = [True]

    def trouble(method: str, moment: str) -> None:
        if silent[0] and method in ("submit", "find") and moment != "after":
            raise OutcomeUnknown("no answer")

    world.broker.trouble = trouble
    async with world.alive():
        await world.until(lambda: len(world.streams.outputs) == 3)  # the balance and two marks
        await world.until(lambda: order.client_order_id in world.desk.in_doubt)
        silent[0] = False
        world.broker.orders[order.client_order_id] = Kept(order)  # it had arrived after all
        await until_told(world, OrderAccepted)
        assert world.broker.submissions == [], "it may have arrived: no second try"


async def test_a_cancel_that_was_lost_is_sent_again():
    order = an_order()
    world = at_a_real_broker(order)
    async with world.alive():
        await until_told(world, OrderAccepted)
        lost: list[str] = []

        def trouble(method: str, moment: str) -> None:
            if (method, moment) == ("cancel", "before") and len(lost) < 2:
                lost.append(method)
                raise OutcomeUnknown("no answer")

        world.broker.trouble = trouble
        world.streams.entries["orders"].append(a_cancel(order, 2))
        (end,) = await until_told(world, OrderCancelled)
        assert (end.reason, len(lost)) == ("not wanted", 2)


async def test_an_order_that_the_broker_has_forgotten_ends_when_it_is_cancelled():
    order = an_order()
    world = at_a_real_broker(order)
    async with world.alive():
        await until_told(world, OrderAccepted)
        world.broker.orders.clear()  # a paper account that was reset
        await world.pass_time(order.valid_until + timedelta(seconds=1))
        (end,) = await until_told(world, OrderCancelled)
        assert end.remaining_quantity == 10


async def test_a_crash_after_a_held_order_was_sent_neither_loses_nor_doubles_it():
    held = an_order(wait=30)
    world = at_a_real_broker(held)

    def die() -> None:
        if world.broker.submissions:
            raise Died

    world.streams.before_commit = die

    async def die_when_it_is_sent() -> None:
        async with world.alive():
            await world.until(lambda: bool(world.journal.states))
            await world.pass_time(held.not_before)
            await world.until(lambda: False)

    with pytest.raises(Died):
        await die_when_it_is_sent()
    world.streams.before_commit = lambda: None
    world.streams.entries["orders"].append(a_cancel(held, 2))
    world.begin()
    async with world.alive():
        await until_told(world, OrderCancelled)
    assert [type(event) for event in world.told()] == [CashAdjusted, OrderAccepted, OrderCancelled]
    assert world.broker.submissions == [held.client_order_id]


# ------------------------------------------------------------------------ when the books differ


def silent(method: str, moment: str) -> None:
    """A broker that answers nothing."""
    raise OutcomeUnknown("no answer")


async def test_a_position_changed_by_hand_is_told_once_and_once_more_when_it_is_put_right():
    world = at_a_real_broker()
    async with world.alive():
        await until_told(world, CashAdjusted)
        world.broker.venue.positions["AAPL"] = Decimal(5)
        await cycles(world, 5)
        world.streams.entries["orders"].append(an_order(1))
        (refused,) = await until_told(world, OrderRejected)
        assert "differ on the position in AAPL" in refused.reason, "no order repairs a riddle"
    world.begin()  # a restart forgets neither the doubt nor that it was told
    world.broker.trouble = silent
    async with world.alive():
        await world.until(lambda: world.desk.trouble is not None)
        assert world.permission.doubtful_symbols == {"AAPL"}, "also while nobody can be asked"
        world.broker.trouble = no_trouble
        await cycles(world, 3)
        assert world.permission.doubtful_symbols == {"AAPL"}
        del world.broker.venue.positions["AAPL"]
        await cycles(world, 3)
        assert world.permission.doubtful_symbols == frozenset()
    assert [(m.subject, m.ours, m.brokers, m.resolved) for m in health(world)] == [
        ("position AAPL", "0", "5", False),
        ("position AAPL", "", "", True),
    ]


async def test_nothing_is_sent_for_an_account_that_is_blocked_or_another():
    world = at_a_real_broker()
    async with world.alive():
        await cycles(world, 2)
        world.broker.blocked = True
        await cycles(world, 1)
        assert world.permission.veto(an_order()) == "the account is blocked by the broker"
        assert world.desk.trouble == "the account is blocked by the broker"
        world.broker.blocked, world.broker.number = False, "FAKE-2"
        await cycles(world, 3)
        assert "keys belong to account FAKE-2" in (world.permission.veto(an_order()) or "")
        assert [m.subject for m in health(world)] == ["account number"]


async def test_a_broker_that_cannot_be_asked_makes_trouble_and_no_mismatch():
    world = at_a_real_broker()
    async with world.alive():
        await until_told(world, CashAdjusted)

        def trouble(method: str, moment: str) -> None:
            if method == "account":
                raise OutcomeUnknown("503")

        world.broker.trouble = trouble
        await world.until(lambda: world.desk.trouble == "reconciliation: 503")
        assert health(world) == []


async def test_a_missing_mark_of_risk_is_waited_for_no_longer_than_patience_and_on_record():
    world = at_a_real_broker(rows=3)  # risk ended row 1 only
    async with world.alive():
        await world.until(lambda: len(world.streams.outputs) >= 4)
        assert world.streams.forced == 1
