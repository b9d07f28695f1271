"""The check catches every kind of strategy that would not do live what it does in a backtest."""

import numpy as np
import pytest

from tests.unit.trading.strategy_rows import walk
from trimtab_trading.causality import FAULT, HIDDEN_STATE, LOOKS_AHEAD, SHORT_WARMUP, check
from trimtab_trading.indicators import rolling_mean, zscore
from trimtab_trading.panel import Panel

PANEL = walk(200, 2)


def kinds(strategy, panel=PANEL, cuts=20):
    generator = np.random.default_rng(3)
    return {finding.kind for finding in check(strategy, panel, cuts=cuts, generator=generator)}


def weights(score):
    return np.where(np.nan_to_num(score) > 0, 0.5, 0.0)


class Honest:
    warmup = 10

    def targets(self, panel):
        return weights(panel.close - rolling_mean(panel.close, 10))


class OneBarAhead(Honest):
    """Knows the next close."""

    def targets(self, panel):
        tomorrow = np.vstack([panel.close[1:], panel.close[-1:]])
        return weights(tomorrow - panel.close)


class GlobalMean(Honest):
    """Normalises by the mean of all data, the future included."""

    def targets(self, panel):
        return weights(panel.close - panel.close.mean(axis=0))


class ShortWarmup(Honest):
    """Needs twenty rows and says ten."""

    def targets(self, panel):
        return weights(panel.close - rolling_mean(panel.close, 20))


class EndlessMemory(Honest):
    """An average over all rows has no warm-up at all."""

    def targets(self, panel):
        rows = np.arange(1, len(panel) + 1)[:, None]
        return weights(panel.close - np.cumsum(panel.close, axis=0) / rows)


class CountsCalls(Honest):
    """Answers differently the second time."""

    calls = 0

    def targets(self, panel):
        self.calls += 1
        return np.full(panel.close.shape, 0.1 * self.calls)


class Writes(Honest):
    """Changes the data under everybody's feet."""

    def targets(self, panel):
        panel.close[-1] = 0.0
        return weights(panel.close)


def test_an_honest_strategy_passes():
    assert kinds(Honest()) == set()


@pytest.mark.parametrize(
    ("strategy", "kind"),
    [
        (OneBarAhead(), LOOKS_AHEAD),
        (GlobalMean(), LOOKS_AHEAD),
        (ShortWarmup(), SHORT_WARMUP),
        (EndlessMemory(), SHORT_WARMUP),
        (CountsCalls(), HIDDEN_STATE),
    ],
    ids=lambda value: getattr(value, "__class__", type).__name__,
)
def test_a_dishonest_strategy_is_caught(strategy, kind):
    assert kind in kinds(strategy)


def test_a_finding_names_row_symbol_and_both_targets():
    findings = check(OneBarAhead(), PANEL, cuts=20, generator=np.random.default_rng(3))
    finding = next(each for each in findings if each.kind == LOOKS_AHEAD)
    assert f"(row {finding.row})" in finding.text
    assert "target 0.5, but 0 with the future cut off" in finding.text


def test_the_strategy_that_is_checked_is_left_as_it_was():
    strategy = CountsCalls()
    kinds(strategy)
    assert strategy.calls == 0


def test_a_strategy_that_raises_is_a_finding_not_an_accident():
    values = np.stack([PANEL.close] * 5)
    values.flags.writeable = False
    panel = Panel(PANEL.ts, PANEL.symbols, values)
    assert kinds(Writes(), panel) == {FAULT}


def test_too_few_rows_are_said_so():
    with pytest.raises(ValueError, match="10 rows are too few to check a strategy with a warm-up"):
        kinds(Honest(), PANEL.prefix(10))


class Steps:
    """Hysteresis with everything in its state."""

    warmup = 10

    def start(self):
        return [False, False]

    def step(self, panel, state):
        score = zscore(panel.close, 10)[-1]
        held = (np.array(state) & ~(score > 0)) | (score < -1)
        return held / 2, held.tolist()


class HidesState(Steps):
    """Keeps what matters on itself, where no snapshot finds it."""

    def __init__(self):
        self.held = [False, False]

    def step(self, panel, state):
        answer, self.held = super().step(panel, self.held)
        return answer, []


class SharesState(Steps):
    """Keeps what matters in the class, where even another copy finds it."""

    rows = 0

    def step(self, panel, state):
        SharesState.rows += 1
        return np.full(2, 0.1 * (SharesState.rows % 5)), state


class Tuples(Steps):
    """A tuple is a list after the next restart."""

    def step(self, panel, state):
        answer, held = super().step(panel, list(state))
        return answer, tuple(held)


class StepsTooShort(Steps):
    def step(self, panel, state):
        return weights(panel.close[-1] - panel.close[-30:].mean(axis=0)), state


class WatchesItsBook:
    """Adds to what it holds while it gains: needs its own book, which a restart must bring back."""

    warmup = 2

    def start(self):
        return None

    def step(self, panel, state):
        rising = panel.close[-1] > panel.close[-2]
        more = np.minimum(panel.book.weights + 0.05, 0.5)
        return np.where(rising, np.round(more, 2), 0.0), state


@pytest.mark.parametrize("strategy", [Steps(), WatchesItsBook()])
def test_a_strategy_that_remembers_honestly_passes(strategy):
    assert kinds(strategy) == set()


@pytest.mark.parametrize(
    ("strategy", "kind"),
    [
        (HidesState(), HIDDEN_STATE),
        (SharesState(), HIDDEN_STATE),
        (StepsTooShort(), SHORT_WARMUP),
        (Tuples(), FAULT),
    ],
    ids=lambda value: getattr(value, "__class__", type).__name__,
)
def test_a_strategy_that_remembers_dishonestly_is_caught(strategy, kind):
    assert kind in kinds(strategy)


class ReadsDays:
    """Compares the minute with the mean of the last days."""

    warmup = 1

    def __init__(self, other_rows, needs):
        self.other_rows = other_rows
        self.needs = needs

    def targets(self, panel):
        daily = panel.at("1d")
        mean = rolling_mean(daily.close, self.needs)
        return weights(panel.close - panel.align(daily, mean))


def with_days(panel):
    days = Panel(panel.ts[9::10], panel.symbols, np.stack([panel.close[9::10]] * 5))
    values = np.stack([panel.close] * 5)
    return Panel(panel.ts, panel.symbols, values, others={"1d": days})


def test_rows_of_another_timeframe_are_checked_too():
    panel = with_days(PANEL)
    assert kinds(ReadsDays({"1d": 5}, 5), panel) == set()
    assert kinds(ReadsDays({"1d": 5}, 8), panel) == {SHORT_WARMUP}
