"""The order book: what follows from orders and rows, and from what is seen at the broker."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.unit.execution.examples import (
    a_cancel,
    a_row,
    an_order,
    an_update,
    row_at,
    seen,
)
from trimtab_common.events import (
    Event,
    OrderAccepted,
    OrderApproved,
    OrderCancelled,
    OrderFilled,
    OrderRejected,
)
from trimtab_execution.core.order_book import OrderBook
from trimtab_execution.core.orders import Cancel, Hold, Send, State, Tell
from trimtab_execution.ports import BrokerOrder, Update

AT = row_at(2)


def working(order: OrderApproved) -> OrderBook:
    """A book whose order the broker has."""
    book = OrderBook()
    book.on_order(order)
    book.take_tasks()
    book.accept(order.client_order_id, seen(order).order_id, AT)
    return book


def fills(events: list[Event]) -> list[tuple[str, str]]:
    return [(str(e.quantity), str(e.price)) for e in events if isinstance(e, OrderFilled)]


# ------------------------------------------------------------------------ what has to be done


def test_an_order_goes_at_once_or_is_held_for_its_session():
    book, now, later = OrderBook(), an_order(), an_order(symbol="MSFT", wait=5)
    book.on_order(now)
    book.on_order(later)
    assert book.take_tasks() == [Send(now, now.at), Hold(later)]


def test_the_same_order_twice_is_one_order():
    book, order = OrderBook(), an_order()
    book.on_order(order)
    book.on_order(order)
    assert book.take_tasks() == [Send(order, order.at)]


def test_a_held_order_goes_when_its_bar_opens():
    book, order = OrderBook(), an_order(1, wait=2)
    book.on_order(order)
    book.take_tasks()
    book.close(a_row(3))
    assert book.take_tasks() == [], "the bar of row 3 opened at row 2, before not_before"
    book.close(a_row(4, present=["MSFT"]))
    assert book.take_tasks() == [], "another symbol's bar says nothing"
    book.close(a_row(4))
    assert book.take_tasks() == [Send(order, row_at(4))]


def test_a_held_order_that_is_too_late_was_never_sent():
    book, order = OrderBook(), an_order(1, wait=2, rows_valid=1)
    book.on_order(order)
    book.close(a_row(9))
    told = book.take_tasks()[-1]
    assert isinstance(told, Tell)
    assert isinstance(told.event, OrderCancelled)
    assert (told.event.reason, book.orders) == ("expired: no bar opened in time", {})


def test_a_cancel_is_asked_for_once():
    order = an_order()
    book = working(order)
    book.on_cancel(a_cancel(order, 2))
    book.on_cancel(a_cancel(order, 3))
    assert book.take_tasks() == [Cancel(order.client_order_id, row_at(2))]


def test_a_cancel_of_an_order_on_its_way_is_asked_for_when_it_has_arrived():
    book, order = OrderBook(), an_order()
    book.on_order(order)
    book.on_cancel(a_cancel(order, 2))
    book.take_tasks()
    events = book.accept(order.client_order_id, "broker-1", AT)
    assert [type(event) for event in events] == [OrderAccepted]
    assert book.take_tasks() == [Cancel(order.client_order_id, AT)]


def test_a_cancel_that_may_have_been_lost_is_asked_for_again():
    order = an_order()
    book = working(order)
    book.on_cancel(a_cancel(order, 2))
    book.take_tasks()
    book.cancel_again(row_at(3))
    assert book.take_tasks() == [Cancel(order.client_order_id, row_at(3))]


# ------------------------------------------------------------------- what is seen at the broker


def test_a_fill_that_comes_before_the_answer_says_that_the_order_was_accepted():
    book, order = OrderBook(), an_order()
    book.on_order(order)
    events = book.observe(seen(order, status="filled", filled="10", average="101"), AT)
    assert [type(event) for event in events] == [OrderAccepted, OrderFilled]
    assert book.accept(order.client_order_id, "broker-1", AT) == [], "the late answer is no news"


def test_a_lost_update_is_told_by_the_next_one_at_the_price_between_the_averages():
    order = an_order()
    book = working(order)
    partly = seen(order, status="partially_filled", filled="4", average="100")
    wholly = seen(order, status="filled", filled="10", average="103")
    assert fills(book.observe(partly, AT, an_update(partly, quantity="4", price="100"))) == [
        ("4", "100")
    ]
    assert fills(book.observe(wholly, AT, an_update(wholly, quantity="3", price="105"))) == [
        ("6", "105.000000000")
    ], "(10 × 103 − 400) / 6, for what the lost update and this one traded together"
    assert book.orders == {}


def test_averages_that_were_rounded_or_corrected_never_give_a_price_of_nothing():
    order = an_order()
    book = working(order)
    book.observe(seen(order, status="partially_filled", filled="9", average="100"), AT)
    events = book.observe(seen(order, status="filled", filled="10", average="80"), AT)
    assert fills(events) == [("1", "80")]


def test_an_older_state_tells_nothing_new():
    order = an_order()
    book = working(order)
    book.observe(seen(order, status="partially_filled", filled="6", average="100"), AT)
    for older in (seen(order), seen(order, status="partially_filled", filled="2", average="99")):
        assert book.observe(older, AT) == []
    assert book.orders[order.client_order_id].filled == 6


def test_what_is_over_stays_over():
    order = an_order()
    book = working(order)
    book.observe(seen(order, status="filled", filled="10", average="100"), AT)
    for late in (seen(order), seen(order, status="canceled"), seen(order, status="rejected")):
        assert book.observe(late, AT) == []


def test_an_unknown_order_is_nobody_elses_business():
    assert (
        OrderBook().observe(seen(an_order(), status="filled", filled="10", average="1"), AT) == []
    )


@pytest.mark.parametrize(
    ("shown", "kind", "reason"),
    [
        ({"status": "canceled"}, OrderCancelled, "canceled by the broker"),
        ({"status": "expired"}, OrderCancelled, "expired by the broker"),
        ({"status": "done_for_day"}, OrderCancelled, "done_for_day by the broker"),
        ({"status": "replaced"}, OrderCancelled, "replaced by the broker"),
        ({"status": "rejected", "reason": "no\nfunds"}, OrderRejected, "no funds"),
        ({"status": "rejected"}, OrderRejected, "rejected by the broker"),
    ],
)
def test_every_end_at_the_broker_is_told_in_its_own_words(shown, kind, reason):
    order = an_order()
    event: Any
    (event,) = working(order).observe(seen(order, **shown), AT)
    assert (type(event), event.reason) == (kind, reason)


def test_a_status_nobody_has_heard_of_keeps_the_order_working():
    order = an_order()
    book = working(order)
    shown = seen(order, status="mystery_status", filled="3", average="100")
    assert fills(book.observe(shown, AT)) == [("3", "100.000000000")]
    assert book.orders[order.client_order_id].state is State.WORKING


def test_what_traded_after_a_cancel_was_asked_for_is_kept():
    order = an_order()
    book = working(order)
    book.on_cancel(a_cancel(order, 2, "not wanted"))
    book.observe(seen(order, status="pending_cancel", filled="4", average="100"), AT)
    (end,) = book.observe(seen(order, status="canceled", filled="4", average="100"), AT)
    assert isinstance(end, OrderCancelled)
    assert (end.cumulative_quantity, end.remaining_quantity) == (Decimal(4), Decimal(6))
    assert end.reason == "not wanted"


def history(order: OrderApproved, steps: list[tuple[int, int]]) -> list[Update]:
    """An order's updates as the broker sends them: quantity and price of each execution."""
    filled, value, updates = Decimal(0), Decimal(0), [an_update(seen(order))]
    for quantity, price in steps:
        filled, value = filled + quantity, value + quantity * price
        status = "filled" if filled == order.quantity else "partially_filled"
        shown = BrokerOrder(
            **vars(seen(order, status=status))
            | {"filled_quantity": filled, "average_price": value / filled}
        )
        updates.append(an_update(shown, quantity=str(quantity), price=str(price)))
    return updates


@given(
    steps=some.lists(
        some.tuples(some.integers(1, 9), some.integers(50, 150)), min_size=1, max_size=6
    ),
    mangle=some.data(),
)
def test_updates_may_be_lost_doubled_and_reordered_as_long_as_one_look_tells_the_end(steps, mangle):
    order = an_order(quantity=str(sum(quantity for quantity, _ in steps)))
    updates = history(order, steps)
    arriving = mangle.draw(some.lists(some.sampled_from(updates), max_size=12))
    book, told = OrderBook(), []
    book.on_order(order)
    for update in arriving:
        told += book.observe(update.order, AT, update)
    told += book.observe(updates[-1].order, AT)  # the look that reconciliation takes
    told += book.accept(order.client_order_id, updates[0].order.order_id, AT)
    assert [type(event) for event in told].count(OrderAccepted) == 1
    traded = [event for event in told if isinstance(event, OrderFilled)]
    assert sum(event.quantity for event in traded) == order.quantity
    assert [e.cumulative_quantity for e in traded] == sorted(
        {e.cumulative_quantity for e in traded}
    )
    value = sum(event.quantity * event.price for event in traded)
    expected = sum(quantity * price for quantity, price in steps)
    assert abs(value - expected) < Decimal("1e-6")
    assert len({event.id for event in told}) == len(told)
    assert book.orders == {}


# -------------------------------------------------------------------------------- coming back


def restored(book: OrderBook) -> OrderBook:
    again = OrderBook()
    again.restore(book.snapshot())
    return again


def test_a_book_is_restored_to_the_last_detail():
    order, held = an_order(), an_order(symbol="MSFT", wait=3)
    book = working(order)
    book.on_order(held)
    book.observe(seen(order, status="partially_filled", filled="4", average="100.5"), AT)
    book.on_cancel(a_cancel(order, 2))
    assert restored(book).orders == book.orders


def test_what_was_under_way_is_taken_up_again():
    sending, cancelling = an_order(symbol="SPY"), an_order(symbol="AAPL")
    arriving = an_order(symbol="TSLA")
    book = working(cancelling)
    for order in (sending, arriving):
        book.on_order(order)
    for order in (cancelling, arriving):
        book.on_cancel(a_cancel(order, 2))
    again = restored(book)
    again.resume(frozenset())
    assert again.take_tasks() == [
        Send(sending, sending.at, maybe_sent=True),
        Send(arriving, arriving.at, maybe_sent=True),
        Cancel(cancelling.client_order_id, cancelling.at),
    ]


def test_a_held_order_that_may_have_been_sent_is_asked_about_and_not_dropped():
    held = an_order(wait=3)
    book = OrderBook()
    book.on_order(held)
    again = restored(book)
    again.resume({held.client_order_id})
    again.on_cancel(a_cancel(held, 2))
    assert again.take_tasks() == [
        Send(held, held.at, maybe_sent=True),
        Cancel(held.client_order_id, row_at(2)),
    ], "to tell that it was cancelled unsent would be a guess"


def test_a_held_order_that_is_read_again_after_it_may_have_been_sent_is_asked_about():
    held, book = an_order(wait=3), OrderBook()
    book.resume({held.client_order_id})
    book.on_order(held)
    assert book.take_tasks() == [Send(held, held.at)]


def test_a_forgotten_order_is_adopted_without_telling_its_old_fills_again():
    order, book = an_order(), OrderBook()
    partly = seen(order, status="partially_filled", filled="4", average="100")
    assert [type(event) for event in book.adopt(order, partly, AT)] == [OrderAccepted]
    events = book.observe(seen(order, status="filled", filled="10", average="103"), AT)
    assert fills(events) == [("6", "105.000000000")]
