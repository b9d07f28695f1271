"""What the desk remembers: bit for bit, through changes of the configuration, from history."""

import json
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.trading.strategy_rows import (
    MINUTE,
    Scripted,
    bar,
    closed,
    minute,
    row,
    said,
    slot,
    walk,
)
from trimtab_common.calendars import CalendarName
from trimtab_common.timeframes import Timeframe
from trimtab_trading.panel import CLOSE, OPEN
from trimtab_trading.position_rules import position_rules
from trimtab_trading.strategies import (
    BuyAndHold,
    FixedWeights,
    MeanReversion,
    VolatilityManagedMomentum,
)
from trimtab_trading.strategy_desk import PastBar, StrategyDesk

BOTH = {"A": 100, "B": 50}
SYMBOLS = ("A", "B", "C")
RULES = position_rules({"stop_loss_pct": 0.3, "time_stop_rows": 9})


class Remembers:
    """A little of everything a state may hold; at times it fails."""

    warmup = 2

    def __init__(self):
        self.other_rows = {"5m": 1}

    def start(self):
        return {"mean": np.zeros(3), "rows": 0, "note": ["x", None, True]}

    def step(self, panel, state):
        rows = state["rows"] + 1
        if rows % 7 == 0 and len(panel.at("5m")) % 2:
            raise RuntimeError("now and then")
        mean = 0.9 * state["mean"] + 0.1 * np.nan_to_num(panel.close[-1])
        weights = np.where(panel.close[-1] > mean, 0.3, panel.book.weights / 2)
        return np.round(weights, 3), {"mean": mean, "rows": rows, "note": ["y", rows, False]}


def full_desk():
    """Every kind of strategy beside each other."""
    common = {"symbols": SYMBOLS, "rules": RULES}
    momentum = VolatilityManagedMomentum(
        timeframe="1m", lookback_rows=6, skip_rows=1, volatility_rows=4
    )
    return StrategyDesk(
        [
            slot(
                MeanReversion(lookback_rows=5, entry_zscore=1.0, exit_zscore=0.0),
                name="mr",
                **common,
            ),
            slot(momentum, name="mom", **common),
            slot(Remembers(), name="mem", **common),
            slot(BuyAndHold(), name="hold", symbols=("A", "C"), book_drift_band=0.01),
            slot(FixedWeights(), name="fix", symbols=("B",), schedule="open+3m"),
            slot(
                MeanReversion(lookback_rows=3, entry_zscore=1.0),
                name="slow",
                symbols=SYMBOLS,
                timeframe=Timeframe("5m"),
            ),
        ]
    )


def events_of(rows, seed, missing):
    """A day's events, with gaps, late bars and a second timeframe: a list of bars and marks."""
    panel = walk(rows, len(SYMBOLS), seed=seed, missing=missing)
    generator = np.random.default_rng(seed)
    for number in range(rows):
        at = minute(number + 1)
        fields = panel._fields[:, number]
        bars = [
            bar(
                symbol,
                at,
                round(float(fields[CLOSE, n]), 2),
                opening=round(float(fields[OPEN, n]), 2),
            )
            for n, symbol in enumerate(SYMBOLS)
            if not np.isnan(fields[CLOSE, n])
        ]
        due = [("XNYS", MINUTE)]
        if (number + 1) % 5 == 0:
            bars.extend(
                bar(each.symbol, at, each.close, timeframe=Timeframe("5m")) for each in list(bars)
            )
            due.append(("XNYS", Timeframe("5m")))
        if generator.random() < 0.3 and number > 2:
            back = int(generator.integers(1, 4))
            late_at = at - timedelta(minutes=back, seconds=30 * int(generator.integers(2)))
            bars.append(bar("B", late_at, 77.5, late=True))
        yield from bars
        yield closed(at, *due, bars=bars)


def fed(desk, events):
    """Everything the desk says to these events."""
    said_ = []
    for event in events:
        out = desk.close(event) if type(event).__name__ == "RowClosed" else desk.handle(event)
        said_.extend(out)
    return said_


@settings(max_examples=40)
@given(st.integers(0, 200), st.integers(0, 5), st.sampled_from([0.0, 0.3]))
def test_a_restored_desk_goes_on_bit_for_bit_from_any_event_on(cut, seed, missing):
    events = list(events_of(30, seed, missing))
    cut = min(cut, len(events))
    original, restored = full_desk(), full_desk()
    fed(original, events[:cut])
    restored.restore(json.loads(json.dumps(original.snapshot())))
    assert json.dumps(restored.snapshot()) == json.dumps(original.snapshot())
    assert fed(restored, events[cut:]) == fed(original, events[cut:])
    assert json.dumps(restored.snapshot()) == json.dumps(original.snapshot())


def test_the_events_of_that_property_move_every_strategy():
    desk = full_desk()
    signals = fed(desk, events_of(60, 1, 0.1))
    assert {signal.strategy for signal in signals} == {"mr", "mom", "mem", "hold", "fix", "slow"}
    assert any(signal.reason.startswith("stop: ") for signal in signals)
    assert desk.info()["strategies"]["mem"]["faults"]


def test_the_same_events_give_the_same_signals():
    events = list(events_of(60, 2, 0.1))
    assert fed(full_desk(), events) == fed(full_desk(), events)


def test_a_snapshot_is_not_changed_by_what_happens_after_it():
    events = list(events_of(40, 3, 0.1))
    desk = full_desk()
    fed(desk, events[:80])
    state = desk.snapshot()
    before = json.dumps(state)
    fed(desk, events[80:])
    assert json.dumps(state) == before


class TestAChangedConfiguration:
    def state(self, **changes):
        desk = StrategyDesk([slot(Scripted([0.5, 0.25]), **changes)])
        row(desk, minute(1), BOTH)
        return json.loads(json.dumps(desk.snapshot()))

    def after(self, *slots, **changes):
        desk = StrategyDesk(slots)
        desk.restore(self.state(**changes))
        return desk

    @pytest.mark.parametrize("slots", [(), (slot(Scripted([0.0, 0.0]), enabled=False),)])
    def test_takes_the_targets_of_a_strategy_that_left_back(self, slots):
        desk = self.after(*slots)
        signals = row(desk, minute(2), {})
        assert said(signals) == [("A", 0.0), ("B", 0.0)]
        assert signals[0].reason == "the strategy is no longer configured: target 0"
        assert (signals[0].previous_weight, signals[0].price) == (0.5, Decimal(100))
        assert row(desk, minute(3), {}) == []

    def test_takes_the_target_of_a_symbol_that_left_back(self):
        desk = self.after(slot(Scripted([0.5, 0.1]), symbols=("A", "C")))
        signals = row(desk, minute(2), {"A": 100, "C": 9})
        assert said(signals) == [("B", 0.0), ("C", 0.1)]
        assert signals[0].reason == "the symbol is no longer configured: target 0"

    def test_what_is_to_be_taken_back_survives_another_restart(self):
        desk = self.after()
        again = StrategyDesk([])
        again.restore(json.loads(json.dumps(desk.snapshot())))
        assert said(row(again, minute(2), {})) == [("A", 0.0), ("B", 0.0)]

    def test_of_parameters_keeps_the_targets_until_the_first_new_decision(self):
        old = slot(MeanReversion(lookback_rows=3, entry_zscore=1.0), symbols=("A",))
        desk = StrategyDesk([old])
        for number, close in enumerate((10, 10, 8), start=1):
            row(desk, minute(number), {"A": close})
        state = json.loads(json.dumps(desk.snapshot()))
        changed = slot(MeanReversion(lookback_rows=5, entry_zscore=1.0), symbols=("A",))
        desk = StrategyDesk([changed])
        desk.restore(state)
        assert desk.info()["strategies"]["under-test"]["targets"] == {"A": 1.0}
        assert row(desk, minute(4), {"A": 8}) == []  # four of five rows: still waiting
        assert said(row(desk, minute(5), {"A": 9})) == [("A", 0.0)]

    def test_of_a_calendar_keeps_bars_for_nobody(self):
        desk = StrategyDesk([])
        desk.restore(self.state())
        desk.handle(bar("A", minute(2), 1))
        assert desk.snapshot()["pending"] == []


def past(closes, *, symbol="A", timeframe=MINUTE):
    return [
        PastBar(minute(n), symbol, timeframe, (c, c, c, c, 1.0))
        for n, c in enumerate(map(float, closes), start=1)
    ]


class TestHistory:
    STRATEGY = MeanReversion(lookback_rows=4, entry_zscore=1.5)
    FALL = (10, 10, 11, 5)

    def desk(self):
        return StrategyDesk([slot(self.STRATEGY, symbols=("A",))])

    def test_is_asked_for_by_timeframe_symbols_and_rows(self):
        desk = full_desk()
        needs = {(need.timeframe.value, need.symbols): need.rows for need in desk.needs()}
        assert needs[("1m", SYMBOLS)] == 7
        assert needs[("5m", SYMBOLS)] == 3
        fed(desk, events_of(6, 1, 0.0))
        assert desk.needs() == ()

    def test_lets_a_strategy_decide_at_the_first_row(self):
        desk = self.desk()
        assert desk.warm(past(self.FALL[:3])) == 3
        assert said(row(desk, minute(4), {"A": 5})) == [("A", 1.0)]

    def test_brings_back_what_a_strategy_would_hold_and_tells_it(self):
        desk = self.desk()
        desk.warm(past(self.FALL))
        (signal,) = row(desk, minute(5), {"A": 6})
        assert (signal.weight, signal.reason) == (1.0, "target 1, told again after a new start")

    def test_also_tells_what_is_flat_so_that_no_position_is_forgotten(self):
        desk = self.desk()
        desk.warm(past((10, 11, 10, 11)))
        assert said(row(desk, minute(5), {"A": 10})) == [("A", 0.0)]
        assert row(desk, minute(6), {"A": 10}) == []

    def test_that_is_too_short_is_told_of_once_it_is_long_enough(self):
        """Until then nobody knows what it wants, and what others remember of it stands."""
        desk = self.desk()
        desk.warm(past((10, 11)))
        assert row(desk, minute(3), {"A": 10}) == []
        assert said(row(desk, minute(4), {"A": 11})) == [("A", 0.0)]

    def test_without_a_bar_says_nothing(self):
        desk = self.desk()
        assert desk.warm([]) == 0
        assert row(desk, minute(1), {"A": 10}) == []

    def test_that_reaches_into_the_stream_is_not_decided_on_twice(self):
        desk = self.desk()
        desk.warm(past(self.FALL))
        assert row(desk, minute(4), {"A": 5}) == []
        assert said(row(desk, minute(5), {"A": 6})) == [("A", 1.0)]

    def test_is_for_the_cold_only(self):
        desk = self.desk()
        row(desk, minute(1), {"A": 10})
        before = json.dumps(desk.snapshot())
        desk.warm(past(self.FALL))
        assert json.dumps(desk.snapshot()) == before

    def test_of_unknown_symbols_is_left_alone(self):
        desk = self.desk()
        assert desk.warm(past(self.FALL, symbol="Z")) == 0

    def test_survives_a_restart_before_the_first_row(self):
        desk, again = self.desk(), self.desk()
        desk.warm(past(self.FALL))
        again.restore(json.loads(json.dumps(desk.snapshot())))
        assert said(row(again, minute(5), {"A": 6})) == [("A", 1.0)]

    def test_keeps_calendars_apart(self):
        crypto = slot(
            FixedWeights(),
            name="crypto",
            symbols=("BTC/USD",),
            calendar=CalendarName.ALWAYS,
        )
        desk = StrategyDesk([slot(FixedWeights(), symbols=("A",)), crypto])
        desk.warm(past((10,)) + past((60_000,), symbol="BTC/USD"))
        due = [("XNYS", MINUTE), ("24/7", MINUTE)]
        signals = row(desk, minute(2), {"A": 10, "BTC/USD": 60_001}, due=due)
        assert [s.strategy for s in signals] == ["under-test", "crypto"]
