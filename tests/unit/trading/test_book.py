"""The virtual book fills at the next open, marks at the close, and adds up."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab_trading.book import Book, BookView


def book_of(symbols=1, *, cost_bps=0.0, **changes):
    return Book(symbols, cost_bps=cost_bps, **changes)


def row(book, opens, closes, targets=None):
    """One row: what waits trades at the opens, then closes and a new target."""
    book.open(np.array(opens, dtype=float))
    book.mark(np.array(closes, dtype=float))
    if targets is not None:
        book.aim(np.array(targets, dtype=float))


def test_a_target_is_traded_at_the_next_open_not_at_the_close_it_was_decided_at():
    book = book_of()
    row(book, [100], [100], [0.5])
    assert book.held == []
    row(book, [110], [121])
    position = book.position(0)
    assert position.quantity == pytest.approx(0.5 / 100)
    assert position.average_entry_price == 110
    assert book.equity == pytest.approx(1 + 0.5 / 100 * 11)
    assert book.gain == pytest.approx(0.055)


def test_costs_are_paid_on_both_sides():
    book = book_of(cost_bps=10)
    row(book, [100], [100], [1.0])
    row(book, [100], [100], [0.0])
    row(book, [100], [100])
    assert book.equity == pytest.approx(1 - 2 * 0.001)


def test_without_a_bar_an_order_waits_and_the_last_close_goes_on():
    book = book_of()
    row(book, [100], [100], [1.0])
    row(book, [np.nan], [np.nan])
    assert book.held == []
    row(book, [105], [np.nan])
    assert book.position(0).average_entry_price == 105
    assert book.equity == pytest.approx(1 - 0.01 * 5)


def test_a_symbol_without_any_price_is_bought_once_it_has_one():
    book = book_of()
    row(book, [np.nan], [np.nan], [1.0])
    row(book, [100], [100], [1.0])
    row(book, [100], [100])
    assert book.held == [0]


def test_a_target_that_stands_is_left_alone_without_a_drift_band():
    book = book_of(2)
    row(book, [100, 100], [100, 100], [0.5, 0.5])
    row(book, [100, 100], [200, 100], [0.5, 0.5])
    row(book, [200, 100], [200, 100])
    assert book.weights == pytest.approx([2 / 3, 1 / 3])


def test_a_target_that_stands_is_traded_back_beyond_the_drift_band():
    book = book_of(2, drift_band=0.1)
    row(book, [100, 100], [100, 100], [0.5, 0.5])
    row(book, [100, 100], [200, 100], [0.5, 0.5])
    row(book, [200, 100], [200, 100])
    assert book.weights == pytest.approx([0.5, 0.5])


def test_the_average_entry_price_moves_with_purchases_only():
    book = book_of()
    row(book, [100], [100], [0.2])
    row(book, [100], [200], [0.8])
    row(book, [200], [200])
    quantity = book.position(0).quantity
    average = book.position(0).average_entry_price
    assert average == pytest.approx((0.002 * 100 + (quantity - 0.002) * 200) / quantity)
    row(book, [200], [200], [0.4])
    row(book, [300], [300])
    assert book.position(0).average_entry_price == average


def test_the_best_close_and_the_rows_count_from_the_entry():
    book = book_of()
    row(book, [100], [100], [1.0])
    for close in (90, 130, 120):
        row(book, [100], [close])
    position = book.position(0)
    assert (position.best_price, position.rows_held) == (130, 3)
    assert position.fall_from_best == pytest.approx(10 / 130)
    assert position.gain == pytest.approx(0.2)


def test_leaving_a_position_forgets_it():
    book = book_of()
    row(book, [100], [100], [1.0])
    row(book, [100], [100], [0.0])
    row(book, [120], [120])
    assert book.held == []
    assert book.position(0).rows_held == 0
    assert np.isnan(book.position(0).average_entry_price)
    assert book.gain == pytest.approx(0.2)


def test_a_short_position_gains_when_the_price_falls():
    book = book_of()
    row(book, [100], [100], [-0.5])
    row(book, [100], [80])
    position = book.position(0)
    assert position.gain == pytest.approx(0.2)
    assert position.best_price == 80
    assert book.equity == pytest.approx(1.1)


def test_the_high_water_is_the_best_equity_at_any_close():
    book = book_of()
    row(book, [100], [100], [1.0])
    row(book, [100], [150])
    row(book, [150], [90])
    assert book.high_water == pytest.approx(1.5)
    assert book.equity == pytest.approx(0.9)


def test_a_view_shows_the_book_and_cannot_change_it():
    book = book_of()
    view = BookView(book)
    row(book, [100], [100], [1.0])
    row(book, [100], [110])
    assert (view.equity, view.gain, view.high_water) == (book.equity, book.gain, book.high_water)
    assert (view.held, view.weights.tolist()) == ([0], book.weights.tolist())
    view.weights[0] = 9.0
    assert book.weights[0] == pytest.approx(1.0)
    assert not hasattr(view, "aim")


ROWS = st.lists(
    st.tuples(
        st.lists(st.one_of(st.just(float("nan")), st.floats(1, 100)), min_size=4, max_size=4),
        st.lists(st.sampled_from([0.0, 0.25, 0.5, -0.5]), min_size=2, max_size=2),
    ),
    max_size=12,
)


@given(ROWS, ROWS, st.sampled_from([None, 0.05]))
def test_a_restored_book_goes_on_as_the_original(before, after, band):
    original, restored = (book_of(2, cost_bps=3, drift_band=band) for _ in range(2))
    for prices, targets in before:
        row(original, prices[:2], prices[2:], targets)
    restored.restore(json.loads(json.dumps(original.snapshot())))
    for prices, targets in after:
        row(original, prices[:2], prices[2:], targets)
        row(restored, prices[:2], prices[2:], targets)
    assert json.dumps(restored.snapshot()) == json.dumps(original.snapshot())


@given(ROWS)
def test_equity_is_cash_plus_holdings_after_every_row(rows):
    book = book_of(2)
    for prices, targets in rows:
        row(book, prices[:2], prices[2:], targets)
        worth = sum(book.position(s).quantity * book.position(s).price for s in book.held)
        assert book.equity == pytest.approx(book.snapshot()["cash"] + worth)
