"""The window holds the newest rows, whatever order and number of bars it was given."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab_trading.window import Window, instant_of, microseconds


def bar_of(close):
    return (close, close, close, close, 1.0)


def filled(rows, closes, symbols=("A", "B")):
    window = Window(symbols, rows)
    for stamp, close in enumerate(closes):
        window.append(stamp, [0], [bar_of(close)])
    return window


def closes(window, rows=None):
    return window.panel(rows).close[:, 0].tolist()


def test_instants_go_to_microseconds_and_back():
    at = datetime(2024, 3, 5, 14, 31, 0, 1, tzinfo=UTC)
    assert instant_of(microseconds(at)) == at


def test_a_panel_shows_the_newest_rows_and_nan_for_missing_bars():
    panel = filled(3, [1.0, 2.0, 3.0, 4.0]).panel(3)
    assert panel.close[:, 0].tolist() == [2.0, 3.0, 4.0]
    assert np.isnan(panel.close[:, 1]).all()


def test_views_are_contiguous_and_cannot_be_written_to():
    panel = filled(3, [1.0, 2.0, 3.0]).panel(3)
    assert panel.close.flags.c_contiguous
    for array in (panel.close, panel.ts):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]


def test_appending_thousands_of_rows_keeps_memory_and_content():
    window = filled(5, map(float, range(10_000)))
    assert len(window) == 5
    assert closes(window, 5) == [9995.0, 9996.0, 9997.0, 9998.0, 9999.0]
    assert window._values.shape[1] == 64


def test_what_lay_in_reused_memory_does_not_shine_through():
    window = Window(("A", "B"), 5)
    for stamp in range(200):
        window.append(stamp, [stamp % 2], [bar_of(float(stamp))])
    nan = np.nan
    expected = [[nan, 195.0], [196.0, nan], [nan, 197.0], [198.0, nan], [nan, 199.0]]
    np.testing.assert_array_equal(window.panel(5).close, expected)


def test_a_window_without_limit_keeps_everything():
    assert closes(filled(None, map(float, range(300)))) == list(map(float, range(300)))


def test_a_row_known_already_is_no_new_row():
    window = filled(5, [1.0, 2.0])
    assert not window.append(1, [1], [bar_of(7.0)])
    assert len(window) == 2
    assert window.panel(2).close[1].tolist() == [2.0, 7.0]


class TestALateBar:
    def test_opens_a_row_at_its_place(self):
        window = Window(("A",), 4)
        for stamp in (10, 30):
            window.append(stamp, [0], [bar_of(float(stamp))])
        window.insert(20, 0, bar_of(20.0))
        assert closes(window) == [10.0, 20.0, 30.0]

    def test_joins_the_row_it_belongs_to(self):
        window = filled(4, [1.0, 2.0])
        window.insert(0, 1, bar_of(9.0))
        np.testing.assert_array_equal(window.panel(4).close, [[1.0, 9.0], [2.0, np.nan]])

    def test_pushes_the_oldest_row_out_of_a_full_window(self):
        window = filled(2, [0.0, 1.0])
        window.append(5, [0], [bar_of(5.0)])
        window.insert(3, 0, bar_of(3.0))
        assert closes(window, 2) == [3.0, 5.0]

    def test_older_than_all_rows_needed_changes_nothing(self):
        window = filled(2, [0.0, 1.0, 2.0])
        window.insert(0, 1, bar_of(9.0))
        assert np.isnan(window.last_close[1])

    def test_is_the_last_price_only_if_nothing_newer_is_known(self):
        window = filled(4, [1.0, 2.0])
        window.insert(0, 0, bar_of(5.0))
        window.insert(0, 1, bar_of(6.0))
        assert window.last_close.tolist() == [2.0, 6.0]


def test_the_last_price_outlives_its_row():
    window = filled(2, [1.0])
    for stamp in (5, 6, 7):
        window.append(stamp, [1], [bar_of(float(stamp))])
    assert window.last_close.tolist() == [1.0, 7.0]


def test_a_smaller_window_takes_the_newest_rows_of_a_snapshot():
    state = filled(4, [1.0, 2.0, 3.0, 4.0]).snapshot()
    window = Window(("A", "B"), 2)
    window.restore(state)
    assert closes(window) == [3.0, 4.0]


OPERATION = st.tuples(st.booleans(), st.integers(0, 40), st.integers(0, 1), st.floats(1, 9))


def apply(window, operation):
    is_late, stamp, column, close = operation
    if is_late:
        window.insert(stamp, column, bar_of(close))
    else:
        window.append(max(stamp, window.last_stamp + 1), [column], [bar_of(close)])


@given(
    st.lists(OPERATION, max_size=40),
    st.lists(OPERATION, max_size=40),
    st.sampled_from([1, 2, 3, 7, None]),
)
def test_a_restored_window_goes_on_as_the_original(before, after, rows):
    original = Window(("A", "B"), rows)
    for operation in before:
        apply(original, operation)
    restored = Window(("A", "B"), rows)
    restored.restore(json.loads(json.dumps(original.snapshot())))
    for operation in after:
        apply(original, operation)
        apply(restored, operation)
    assert restored.snapshot() == original.snapshot()


@given(st.lists(OPERATION, max_size=60), st.sampled_from([1, 3, None]))
def test_the_window_is_what_a_plain_table_would_be(operations, rows):
    window = Window(("A", "B"), rows)
    table: dict[int, list[float]] = {}
    for is_late, stamp, column, close in operations:
        apply(window, (is_late, stamp, column, close))
        at = stamp if is_late else max(stamp, max(table, default=-1) + 1)
        table.setdefault(at, [np.nan, np.nan])[column] = close
    expected = [table[stamp] for stamp in sorted(table)][-(rows or len(table)) :]
    shown = window.panel(rows).close
    np.testing.assert_array_equal(shown, np.array(expected).reshape(len(expected), 2))
