"""An order's state does not depend on the order, the batches or the repetition of its news."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests import factories as make
from trimtab_common.events import Event
from trimtab_recorder.core.orders import OrderNews, OrderState, merge
from trimtab_recorder.core.rows import Batch
from trimtab_recorder.handlers import HANDLERS

TEN = Decimal(10)
LATER = make.START + timedelta(minutes=5)
PART = make.fill(quantity=Decimal(4), at=make.START)
REST = make.fill(quantity=Decimal(6), cumulative_quantity=Decimal(10), at=LATER)
LIVES: tuple[tuple[Event, ...], ...] = (
    (make.approval(), make.acceptance(), PART, REST),
    (make.approval(), make.acceptance(), PART, make.cancel_request(), make.cancellation()),
    (make.approval(), make.rejection()),
    (make.approval(), make.acceptance(), make.cancel_request(), REST),
    (make.approval(), make.cancel_request(), make.rejection(), make.cancellation()),
)


def news_of(event: Event) -> OrderNews:
    batch = Batch()
    HANDLERS[type(event)](event, batch)
    return batch.orders[make.order_id()]


def folded(events: Sequence[Event]) -> OrderNews:
    known = news_of(events[0])
    for event in events[1:]:
        known = merge(known, news_of(event))
    return known


def test_an_order_comes_to_its_end():
    done = folded(LIVES[0])
    assert (done.state, done.filled_quantity, done.reason) == (OrderState.FILLED, TEN, "drift")
    assert (done.created_at, done.at) == (make.START, LATER)


def test_part_of_an_order_is_not_all_of_it():
    assert folded([make.approval(), PART]).state is OrderState.PARTLY_FILLED


def test_a_cancelled_order_keeps_what_had_traded_and_says_why_it_ended():
    gone = folded(LIVES[1])
    assert (gone.state, gone.filled_quantity, gone.reason) == (
        OrderState.CANCELLED,
        Decimal(4),
        "it expired",
    )


def test_a_cancel_that_came_too_late_changes_nothing():
    done = folded(LIVES[3])
    assert (done.state, done.reason) == (OrderState.FILLED, "drift")


def test_an_end_without_a_beginning_is_known_as_far_as_it_goes():
    lone = folded([make.rejection()])
    assert (lone.state, lone.side, lone.quantity) == (OrderState.REJECTED, "", Decimal(0))
    whole = merge(lone, news_of(make.approval()))
    assert (whole.state, whole.side, whole.quantity) == (OrderState.REJECTED, "buy", TEN)
    assert whole.reason == "insufficient buying power"


@given(st.sampled_from(LIVES), st.data())
def test_news_may_come_in_any_order_and_any_number_of_times(life, data):
    repeated = data.draw(st.lists(st.sampled_from(life), max_size=6))
    shuffled = data.draw(st.permutations([*life, *repeated]))
    assert folded(shuffled) == folded(life)


@given(st.sampled_from(LIVES), st.data())
def test_news_may_come_in_any_batches(life, data):
    shuffled = data.draw(st.permutations(life))
    cut = data.draw(st.integers(1, len(life) - 1))
    assert merge(folded(shuffled[:cut]), folded(shuffled[cut:])) == folded(life)
