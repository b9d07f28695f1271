"""The desk: rows, targets that stand, faults that stay where they are, calendars side by side."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from tests.unit.trading.strategy_rows import (
    MINUTE,
    Scripted,
    bar,
    closed,
    minute,
    row,
    said,
    slot,
)
from trimtab_common.calendars import CalendarName
from trimtab_common.events import OrderFilled, RowClosed
from trimtab_common.timeframes import Timeframe
from trimtab_trading.strategies import FixedWeights, MeanReversion
from trimtab_trading.strategy_desk import StrategyDesk
from trimtab_trading.strategy_fault import Fault

NAN = float("nan")
BOTH = {"A": 100, "B": 50}


def desk_of(*strategies, **changes):
    slots = [
        slot(strategy, **{"name": f"s{number}", **changes})
        for number, strategy in enumerate(strategies)
    ]
    return StrategyDesk(slots)


class Watcher:
    """Keeps what it was shown; always flat."""

    def __init__(self, warmup=1, **others):
        self.warmup = warmup
        self.panels = []
        for name, value in others.items():
            setattr(self, name, value)

    def targets(self, panel):
        self.panels.append((panel.ts.tolist(), panel.close.tolist(), panel.book))
        return np.zeros(panel.close.shape)


class TestASignal:
    def test_says_who_what_when_at_which_price_and_why(self):
        desk = desk_of(Scripted([0.5, 0.25]))
        (first, second) = row(desk, minute(1), {"A": 100.5, "B": 50})
        assert first.id == "signal:s0:A:2024-03-05T14:31:00Z"
        assert (first.strategy, first.symbol, first.at) == ("s0", "A", minute(1))
        assert (first.weight, first.previous_weight) == (0.5, 0.0)
        assert (first.price, first.timeframe) == (Decimal("100.5"), MINUTE)
        assert first.reason == "target 0.5, was 0"
        assert second.symbol == "B"

    def test_is_a_valid_event_for_every_reader(self):
        for signal in row(desk_of(Scripted([1 / 3, 0.25])), minute(1), BOTH):
            assert type(signal).model_validate_json(signal.model_dump_json()) == signal

    def test_is_raised_by_a_changed_target_only(self):
        desk = desk_of(Scripted([0.5, 0.0], [0.5, NAN], [0.5, 0.1], [NAN, 0.1]))
        told = [said(row(desk, minute(n), BOTH)) for n in range(1, 6)]
        assert told == [[("A", 0.5)], [], [("B", 0.1)], [], []]

    def test_gives_the_strategys_own_explanation(self):
        desk = desk_of(MeanReversion(lookback_rows=4, entry_zscore=1.5), symbols=("A",))
        signals = [
            s for n, c in enumerate((10, 10, 11, 5)) for s in row(desk, minute(n + 1), {"A": c})
        ]
        assert [s.reason for s in signals] == ["z-score -1.71 below -1.5: buy"]

    def test_waits_for_the_first_price_of_its_symbol(self):
        desk = desk_of(Scripted([0.5, 0.5]))
        assert said(row(desk, minute(1), {"A": 100})) == [("A", 0.5)]
        (late,) = row(desk, minute(2), BOTH)
        assert (late.symbol, late.reason) == ("B", "target 0.5, told with the first price")

    def test_names_the_last_known_price_of_a_symbol_without_a_bar(self):
        desk = desk_of(Scripted([0.0, 0.0], [0.0, 0.5]))
        row(desk, minute(1), BOTH)
        (signal,) = row(desk, minute(2), {"A": 100})
        assert (signal.symbol, signal.price) == ("B", Decimal(50))


class TestARow:
    def test_exists_for_a_strategy_when_any_of_its_symbols_has_a_bar(self):
        watcher = Watcher(warmup=2)
        desk = desk_of(watcher)
        row(desk, minute(1), {"A": 1})
        row(desk, minute(2), {}, bar("C", minute(2), 9))
        row(desk, minute(3), {"B": 3})
        ((ts, close, _),) = watcher.panels
        assert [each.minute for each in ts] == [31, 33]
        np.testing.assert_array_equal(close, [[1, NAN], [NAN, 3]])

    def test_is_not_decided_on_before_the_warm_up_is_over(self):
        watcher = Watcher(warmup=3)
        desk = desk_of(watcher)
        for n in range(1, 6):
            row(desk, minute(n), BOTH)
        assert [len(ts) for ts, _, _ in watcher.panels] == [3, 3, 3]
        assert desk.info()["strategies"]["s0"]["warm"]

    def test_is_shown_whole_to_a_strategy_that_names_no_warm_up(self):
        watcher = Watcher()
        watcher.warmup = None
        desk = desk_of(watcher)
        for n in range(1, 4):
            row(desk, minute(n), BOTH)
        assert [len(ts) for ts, _, _ in watcher.panels] == [1, 2, 3]

    def test_of_another_calendar_or_timeframe_is_nobodys_turn(self):
        watcher = Watcher()
        desk = desk_of(watcher)
        row(desk, minute(1), BOTH, due=[("24/7", MINUTE)])
        row(desk, minute(2), BOTH, due=[("XNYS", Timeframe.ONE_HOUR)])
        assert watcher.panels == []

    def test_off_schedule_still_joins_the_history(self):
        watcher = Watcher(warmup=2)
        desk = desk_of(watcher, schedule="open+3m")
        for n in range(1, 7):
            row(desk, minute(n), BOTH)
        assert [[each.minute for each in ts] for ts, _, _ in watcher.panels] == [[32, 33]]

    def test_is_taken_up_in_the_order_of_the_configuration(self):
        desk = desk_of(Scripted([0.1, 0.0]), Scripted([0.2, 0.0]))
        assert [s.strategy for s in row(desk, minute(1), BOTH)] == ["s0", "s1"]

    def test_takes_the_later_of_two_bars_of_one_symbol(self):
        watcher = Watcher()
        desk = desk_of(watcher, symbols=("A",))
        row(desk, minute(1), {"A": 2}, bar("A", minute(1), 1))
        assert watcher.panels[0][1] == [[2.0]]


class TestALateBar:
    def shown(self, *late):
        watcher = Watcher(warmup=2)
        desk = desk_of(watcher, symbols=("A",))
        row(desk, minute(1), {"A": 1})
        row(desk, minute(3), {"A": 3})
        row(desk, minute(4), {"A": 4}, *late)
        return [([each.minute for each in ts], close) for ts, close, _ in watcher.panels]

    def test_joins_later_panels_at_its_place(self):
        late = bar("A", minute(2), 2, late=True)
        row_before, row_after = self.shown(late)
        assert row_before == ([31, 33], [[1.0], [3.0]])
        assert row_after == ([33, 34], [[3.0], [4.0]])
        watcher = Watcher(warmup=4)
        desk = desk_of(watcher, symbols=("A",))
        for n in (1, 3):
            row(desk, minute(n), {"A": n})
        row(desk, minute(4), {"A": 4}, late)
        assert watcher.panels[0][1] == [[1.0], [2.0], [3.0], [4.0]]

    def test_that_is_not_marked_late_is_recognised_by_its_time(self):
        watcher = Watcher(warmup=3)
        desk = desk_of(watcher, symbols=("A",))
        row(desk, minute(1), {"A": 1})
        row(desk, minute(3), {"A": 3}, bar("A", minute(2), 2))
        assert watcher.panels[0][1] == [[1.0], [2.0], [3.0]]

    def test_never_triggers_a_decision(self):
        watcher = Watcher()
        desk = desk_of(watcher, symbols=("A",))
        row(desk, minute(2), {}, bar("A", minute(1), 1, late=True))
        row(desk, minute(3), {}, bar("A", minute(3), 1, late=True))
        assert watcher.panels == []

    def test_never_fills_the_book(self):
        watcher = Watcher()
        desk = StrategyDesk([slot(Scripted([1.0]), name="s0", symbols=("A",))])
        row(desk, minute(1), {"A": 100})
        row(desk, minute(3), {}, bar("A", minute(2), 50, late=True))
        row(desk, minute(4), {"A": 100})
        assert desk.info()["strategies"]["s0"]["book_return"] == pytest.approx(-0.0002)
        assert watcher.panels == []

    def test_a_bar_of_a_row_to_come_waits_for_it(self):
        watcher = Watcher()
        desk = desk_of(watcher, symbols=("A",))
        row(desk, minute(1), {}, bar("A", minute(2), 7))
        row(desk, minute(2), {})
        assert watcher.panels[0][1] == [[7.0]]


class Broken:
    warmup = 1

    def __init__(self, answer, explain=None):
        self.answer = answer
        if explain:
            self.explain = explain

    def start(self):
        return {}

    def step(self, panel, state):
        return self.answer(panel)


def raising(*arguments):
    raise KeyError("VIX\n")


FAULTS = {
    "raises": (raising, "KeyError: 'VIX\\n'"),
    "wrong shape": (lambda p: (np.zeros(3), {}), "targets of shape (3,); expected (2,)"),
    "too much": (lambda p: (np.ones(2), {}), "weights add up to 2; at most 1 is there"),
    "short": (lambda p: (-np.ones(2), {}), "a weight of -1: selling short is not allowed here"),
    "infinite": (lambda p: (np.full(2, np.inf), {}), "weights add up to inf; at most 1 is there"),
    "NaN in its state": (lambda p: (np.zeros(2), {"m": NAN}), "cannot be kept: state.m is nan"),
    "a strange state": (
        lambda p: (np.zeros(2), {1, 2}),
        "cannot be kept: state is of the type set",
    ),
}


class TestAFault:
    @pytest.mark.parametrize(("answer", "text"), FAULTS.values(), ids=FAULTS)
    def test_is_reported_and_touches_nobody_else(self, answer, text):
        faults: list[Fault] = []
        slots = [slot(Broken(answer), name="bad"), slot(FixedWeights(), name="good")]
        desk = StrategyDesk(slots, on_fault=faults.append)
        assert said(row(desk, minute(1), BOTH)) == [("A", 0.5), ("B", 0.5)]
        assert text in faults[0].text
        info = desk.info()["strategies"]["bad"]
        assert (info["faults"], info["failing"]) == (1, True)
        assert text in info["last_fault"]

    def test_leaves_the_targets_standing_and_is_forgiven(self):
        answers = iter([np.array([0.5, 0.0]), np.zeros(9), np.array([0.5, 0.25])])
        desk = desk_of(Broken(lambda panel: (next(answers), {})))
        assert said(row(desk, minute(1), BOTH)) == [("A", 0.5)]
        assert said(row(desk, minute(2), BOTH)) == []
        assert said(row(desk, minute(3), BOTH)) == [("B", 0.25)]
        assert not desk.info()["strategies"]["s0"]["failing"]

    def test_of_a_model_is_nan(self):
        desk = desk_of(Scripted([NAN, 0.5], model_hash="abc123"))
        assert row(desk, minute(1), BOTH) == []
        assert "the model answered NaN" in desk.info()["strategies"]["s0"]["last_fault"]

    def test_in_an_explanation_costs_only_the_explanation(self):
        desk = desk_of(Broken(lambda p: (np.array([0.5, 0.0]), {}), explain=raising))
        (signal,) = row(desk, minute(1), BOTH)
        assert signal.reason == "target 0.5; explain failed: KeyError: 'VIX\\n'"

    def test_that_warns_of_nan_arithmetic_is_none(self):
        class Divides(Broken):
            def step(self, panel, state):
                np.zeros(2) / np.zeros(2)
                return np.array([0.5, 0.0]), state

        assert said(row(desk_of(Divides(None)), minute(1), BOTH)) == [("A", 0.5)]


def test_the_model_that_decided_is_named():
    desk = desk_of(Scripted([0.5, 0.5], model_hash="abc123"))
    assert {s.model_hash for s in row(desk, minute(1), BOTH)} == {"abc123"}


def test_a_long_or_multi_line_explanation_is_made_fit_for_an_event():
    answer = Broken(
        lambda p: (np.array([0.5, 0.0]), {}), explain=lambda p, s: "a\nb\x00" + "c" * 999
    )
    (signal,) = row(desk_of(answer), minute(1), BOTH)
    assert signal.reason.startswith("a b c")
    assert len(signal.reason) == 300


def test_shorting_is_possible_where_the_slot_allows_it():
    desk = desk_of(Scripted([0.5, -0.5]), allows_short=True)
    assert said(row(desk, minute(1), BOTH)) == [("A", 0.5), ("B", -0.5)]


def test_other_events_are_stepped_over():
    assert list(desk_of(FixedWeights()).handle(OrderFilled.trusted(id="x"))) == []


def test_two_strategies_of_one_name_are_refused():
    with pytest.raises(ValueError, match="more than one strategy is called twin"):
        StrategyDesk([slot(FixedWeights(), name="twin") for _ in range(2)])


class TestSideBySide:
    """A daily and a minutely strategy on stocks, and an hourly one on crypto, at one desk."""

    DAY, HOUR = Timeframe.ONE_DAY, Timeframe.ONE_HOUR
    CLOSE = datetime(2024, 3, 5, 21, 0, tzinfo=UTC)

    def desk(self):
        self.daily, self.minutely, self.hourly = Watcher(), Watcher(), Watcher()
        return StrategyDesk(
            [
                slot(self.daily, name="daily", symbols=("A",), timeframe=self.DAY),
                slot(self.minutely, name="minutely", symbols=("A",)),
                slot(
                    self.hourly,
                    name="hourly",
                    symbols=("BTC/USD",),
                    calendar=CalendarName.ALWAYS,
                    timeframe=self.HOUR,
                ),
            ]
        )

    def shown(self):
        return [len(each.panels) for each in (self.daily, self.minutely, self.hourly)]

    def daily_bar(self):
        opened = self.CLOSE - timedelta(hours=6.5)
        return bar("A", self.CLOSE, 200, timeframe=self.DAY, opened_at=opened)

    def test_each_decides_at_its_own_rows(self):
        desk = self.desk()
        row(desk, minute(1), {"A": 1})
        assert self.shown() == [0, 1, 0]
        crypto = bar("BTC/USD", minute(30), 60_000, timeframe=self.HOUR)
        due = [("XNYS", MINUTE), ("24/7", self.HOUR)]
        row(desk, minute(30), {"A": 1}, crypto, due=due)
        assert self.shown() == [0, 2, 1]
        night = datetime(2024, 3, 6, 3, 0, tzinfo=UTC)
        row(desk, night, {}, bar("BTC/USD", night, 1, timeframe=self.HOUR), due=due[1:])
        assert self.shown() == [0, 2, 2]

    def test_a_row_of_several_timeframes_asks_all_of_them(self):
        desk = self.desk()
        row(
            desk,
            self.CLOSE,
            {"A": 201},
            self.daily_bar(),
            due=[("XNYS", MINUTE), ("XNYS", self.DAY)],
        )
        assert self.shown() == [1, 1, 0]
        assert self.daily.panels[0][1] == [[200.0]]
        assert self.minutely.panels[0][1] == [[201.0]]

    def test_a_minutely_strategy_sees_completed_days_only(self):
        class ReadsDays(Watcher):
            def targets(self, panel):
                self.panels.append(panel.at("1d").close[:, 0].tolist())
                return np.zeros(panel.close.shape)

        reader = ReadsDays(other_rows={"1d": 1})
        desk = StrategyDesk([slot(reader, symbols=("A",))])
        row(desk, minute(1), {"A": 1})
        assert not desk.info()["strategies"]["under-test"]["warm"]
        row(
            desk,
            self.CLOSE,
            {"A": 201},
            self.daily_bar(),
            due=[("XNYS", MINUTE), ("XNYS", self.DAY)],
        )
        morning = minute(1) + timedelta(days=1)
        row(desk, morning, {"A": 1})
        assert reader.panels == [[200.0], [200.0]]


def test_a_mark_without_anything_due_closes_nothing():
    desk = desk_of(Watcher())
    desk.handle(bar("A", minute(1), 1))
    mark = closed(minute(1))
    assert list(desk.close(RowClosed.trusted(**{**dict(mark), "due": ()}))) == []
