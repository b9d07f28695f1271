"""A panel shows rows as views, and other timeframes only as far as they were complete."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from tests.unit.trading.strategy_rows import walk
from trimtab_common.events import BarClosed
from trimtab_common.timeframes import Timeframe
from trimtab_trading.generated import generated
from trimtab_trading.market import replay
from trimtab_trading.panel import Panel, as_known
from trimtab_trading.window import Bar, Window, microseconds


def hours(*numbers):
    return np.array(numbers, dtype="datetime64[h]").astype("datetime64[us]")


def panel_of(ts, **changes):
    ones = np.ones((len(ts), 1))
    fields: dict[str, Any] = {name: ones for name in ("open", "high", "low", "close", "volume")}
    return Panel.of(ts, ("A",), **{**fields, **changes})


def test_last_and_prefix_are_views_of_the_same_memory():
    panel = walk(10, 2)
    assert np.shares_memory(panel.last(3).close, panel.close)
    assert np.shares_memory(panel.prefix(3).close, panel.close)
    assert (panel.last(3).close == panel.close[7:]).all()
    assert (panel.prefix(3).ts == panel.ts[:3]).all()


def test_last_of_more_rows_than_there_are_is_everything():
    assert len(walk(4, 1).last(9)) == 4


def test_the_five_fields_are_what_they_were_given_as():
    shape = (2, 1)
    given: dict[str, Any] = {
        n: np.full(shape, k) for k, n in enumerate(("open", "high", "low", "close", "volume"))
    }
    panel = Panel.of(hours(1, 2), ("A",), **given)
    for name, values in given.items():
        assert (getattr(panel, name) == values).all()


def test_a_symbol_without_a_bar_is_not_tradable():
    panel = panel_of(hours(1, 2), close=np.array([[np.nan], [1.0]]))
    assert panel.tradable.tolist() == [[False], [True]]


def test_known_tradability_is_cut_with_the_rows():
    panel = panel_of(hours(1, 2, 3), tradable=np.array([[True], [False], [True]]))
    assert panel.last(2).tradable.tolist() == [[False], [True]]


def test_extra_series_are_cut_with_the_rows():
    panel = panel_of(hours(1, 2, 3), extra={"VIX": np.array([10.0, 11.0, 12.0])})
    assert panel.prefix(2).extra["VIX"].tolist() == [10.0, 11.0]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"close": np.ones((3, 2))}, "same shape"),
        ({"ts": hours(1, 1)}, "in order of time"),
        ({"ts": hours(2, 1)}, "in order of time"),
        ({"ts": hours(1, 2, 3)}, "shape"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arguments, complaint):
    ones = np.ones((2, 1))
    fields = {name: ones for name in ("open", "high", "low", "close", "volume")}
    with pytest.raises(ValueError, match=complaint):
        Panel.of(**{"ts": hours(1, 2), "symbols": ("A",), **fields, **arguments})


def test_an_unknown_symbol_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="no Z here; there are A, B"):
        walk(3, 2).index("Z")


def test_bars_in_any_order_become_rows():
    bars = np.array([[10.0, 20.0, 30.0]] * 5)
    panel = Panel.from_bars(("A", "B"), np.array([1, 0, 0]), hours(2, 2, 1), bars)
    assert panel.ts.tolist() == hours(1, 2).tolist()
    np.testing.assert_array_equal(panel.close, [[30.0, np.nan], [20.0, 10.0]])


def floats_of(bar: BarClosed) -> Bar:
    amounts = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    first, high, low, last, volume = map(float, amounts)
    return first, high, low, last, volume


def test_a_market_as_a_panel_is_what_the_live_window_shows_of_its_bars():
    market = generated(
        seed=3,
        symbols=("AAPL", "SPY"),
        calendar_name="XNYS",
        timeframe=Timeframe.ONE_HOUR,
        start=date(2024, 3, 4),
        sessions=4,
        missing=0.2,
    )
    window = Window(("AAPL", "SPY"), None)
    for bars, mark in replay(market):
        columns = [market.symbols.index(bar.symbol) for bar in bars]
        window.append(microseconds(mark.at), columns, [floats_of(bar) for bar in bars])
    panel, live = Panel.of_market(market), window.panel(None)
    assert (panel.ts == live.ts).all()
    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(panel, name), getattr(live, name))


class TestAnotherTimeframe:
    DAYS = panel_of(hours(21, 45, 69), close=np.array([[1.0], [2.0], [3.0]]))

    def with_days(self, *numbers):
        return panel_of(hours(*numbers), others={"1d": self.DAYS})

    def test_shows_only_bars_that_were_complete(self):
        assert self.with_days(20).at("1d").close.size == 0
        assert self.with_days(20, 21).at("1d").close[:, 0].tolist() == [1.0]
        assert self.with_days(20, 46).at("1d").close[:, 0].tolist() == [1.0, 2.0]

    def test_is_cut_with_a_prefix(self):
        panel = self.with_days(20, 46, 70)
        assert panel.prefix(2).at("1d").close[:, 0].tolist() == [1.0, 2.0]

    def test_shows_no_more_rows_than_asked_for(self):
        panel = self.with_days(20, 46, 70).last(1, {"1d": 2})
        assert panel.at("1d").close[:, 0].tolist() == [2.0, 3.0]

    def test_is_carried_over_as_it_was_known(self):
        panel = self.with_days(20, 21, 44, 46)
        carried = panel.align(panel.at("1d"), panel.at("1d").close)
        np.testing.assert_array_equal(carried[:, 0], [np.nan, 1.0, 1.0, 2.0])

    def test_that_is_not_there_is_named_in_the_error(self):
        with pytest.raises(KeyError, match="no bars of 1h here, but 1d: name it in"):
            self.with_days(20).at("1h")


def test_a_value_counts_from_the_instant_it_was_known():
    known = as_known(hours(1, 2, 3), hours(2), np.array([5.0]))
    np.testing.assert_array_equal(known, [np.nan, 5.0, 5.0])
