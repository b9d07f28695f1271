"""A purchase refused for its size rests while prices hardly move, and is counted all the same."""

from datetime import timedelta
from decimal import Decimal

from tests.unit.trading.desk_factories import (
    OPEN,
    account,
    cash,
    desk,
    feed_row,
    filled,
    minute_rows,
    signal,
)
from trimtab_common.events import OrderApproved, OrderRefused

PAIR = "BTC/USD"
QUARTER = {"position_equity_max": 0.25, "order_equity_max": 0.25}


def room_at_rest(price=100):
    """A desk that holds a quarter, wants all, and was refused the rest."""
    room = desk([PAIR], shares={"alpha": 1}, crypto=QUARTER)
    at = OPEN + timedelta(minutes=1)
    said = feed_row(room, at, {PAIR: price}, cash(), signal(PAIR, 1.0, price=price, at=at))
    (order,) = [each for each in said if isinstance(each, OrderApproved)]
    return room, order


def rows_after(room, prices, *events):
    """Rows of one minute from the second on; what was said, row by row."""
    said = []
    for number, price in enumerate(prices, 2):
        at = OPEN + timedelta(minutes=number)
        said.append(feed_row(room, at, {PAIR: price}, *(events if number == 2 else ())))
    return said


def fill_of(order):
    return filled(order, order.quantity, price=100, at=OPEN + timedelta(minutes=2))


def test_every_row_counts_and_the_refusal_is_said_once():
    room, order = room_at_rest()
    said = rows_after(room, [100] * 20, fill_of(order))
    refused = [each for row in said for each in row if isinstance(each, OrderRefused)]
    assert [each.rule for each in refused] == ["R01", "R13"]
    assert room.state.lines[PAIR].rest is not None
    assert {each["count"] for each in room.state.refusals.counts()} == {20}


def test_a_price_that_has_moved_is_looked_at_again():
    room, order = room_at_rest()
    rows_after(room, [100, 100, Decimal("100.2")], fill_of(order))
    assert room.state.decisions[PAIR]["price"] == "100"
    feed_row(room, OPEN + timedelta(minutes=9), {PAIR: Decimal("100.5")})
    assert room.state.decisions[PAIR]["price"] == "100.5"


def test_room_that_is_worth_an_order_is_used():
    room, order = room_at_rest()
    said = rows_after(room, [100, 99, 98, 97, 96, 95, 94, 93, 92], fill_of(order))
    bought = [each for row in said for each in row if isinstance(each, OrderApproved)]
    assert bought
    assert bought[0].quantity * bought[0].reference_price >= 100_000 * Decimal("0.0098")


def test_a_new_target_wakes_it_at_once():
    room, order = room_at_rest()
    rows_after(room, [100] * 3, fill_of(order))
    at = OPEN + timedelta(minutes=9)
    said = feed_row(room, at, {PAIR: 100}, signal(PAIR, 0.0, at=at))
    assert [type(each) for each in said] == [OrderApproved]


def test_the_next_session_is_told_with_the_count():
    room = desk([PAIR], shares={"alpha": 1}, crypto=QUARTER)
    rows = minute_rows(700, {PAIR: 100})  # past midnight, when the next session begins
    first = rows[0][1].at
    said = account(rows, room, {first: [signal(PAIR, 1.0, at=first)]})
    refused = [each for each in said["orders"] if isinstance(each, OrderRefused)]
    days = {each.at.date() for each in refused}
    assert len(days) == 2
    told = [each for each in refused if each.at.date() == max(days)]
    assert {each.rule for each in told} == {"R01", "R13"}
    minutes = {int((each.at - first).total_seconds() // 60) for each in told}
    assert {each.count for each in told} == minutes


def test_a_rest_survives_a_restart_but_not_other_limits():
    room, order = room_at_rest()
    rows_after(room, [100] * 3, fill_of(order))
    kept = room.snapshot()
    same = desk([PAIR], shares={"alpha": 1}, crypto=QUARTER)
    same.restore(kept)
    assert same.snapshot() == kept
    other = desk([PAIR], shares={"alpha": 1})
    other.restore(kept)
    at = OPEN + timedelta(minutes=9)
    assert [type(each) for each in feed_row(other, at, {PAIR: 100})] == [OrderApproved]
    assert feed_row(same, at, {PAIR: 100}) == []
