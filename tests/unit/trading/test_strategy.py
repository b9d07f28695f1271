"""What a strategy may answer, what it may leave out, and how mistakes are explained."""

from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.trading.strategy_rows import walk
from trimtab_common.timeframes import Timeframe
from trimtab_trading.strategies import MeanReversion, VolatilityManagedMomentum
from trimtab_trading.strategy import (
    AnyStrategy,
    Unusable,
    begin,
    decide,
    make,
    settled,
    sound,
    traits,
)

PANEL = walk(5, 2)
DAY = Timeframe.ONE_DAY


def settle(weights, standing=(0.0, 0.0), **options):
    options = {"allows_short": False, **options}
    return settled(np.array(weights, dtype=float), np.array(standing, dtype=float), **options)


class TestWeights:
    def test_are_rounded_to_a_millionth(self):
        assert settle([1 / 3, 2 / 3]).tolist() == [0.333333, 0.666667]

    def test_that_are_nan_keep_what_stands(self):
        assert settle([np.nan, 0.5], [0.25, 0.25]).tolist() == [0.25, 0.5]

    def test_of_minus_zero_are_zero(self):
        assert not np.signbit(settle([-0.0, -1e-9], allows_short=True)).any()

    @given(st.integers(1, 40), st.integers(0, 40))
    def test_of_equal_parts_are_never_too_much_even_where_some_are_kept(self, count, kept):
        equal = np.full(count, 1 / count)
        first = settled(equal, np.zeros(count), allows_short=False)
        equal[:kept] = np.nan
        settled(equal, first, allows_short=False)

    @pytest.mark.parametrize(
        ("weights", "options", "complaint"),
        [
            ([0.6, 0.5], {}, "weights add up to 1.1; at most 1"),
            ([np.inf, 0.0], {}, "weights add up to inf"),
            ([-np.inf, 0.0], {"allows_short": True}, "weights add up to inf"),
            ([-0.1, 0.5], {}, "a weight of -0.1: selling short is not allowed"),
            ([-0.6, -0.6], {"allows_short": True}, "weights add up to 1.2"),
            ([np.nan, 0.5], {"is_model": True}, "the model answered NaN for 1 of 2 symbols"),
        ],
    )
    def test_that_cannot_be_acted_upon_are_refused(self, weights, options, complaint):
        with pytest.raises(Unusable, match=complaint):
            settle(weights, **options)

    def test_on_both_sides_are_counted_apart(self):
        assert settle([1.0, -1.0], allows_short=True).tolist() == [1.0, -1.0]

    def test_kept_and_new_ones_together_are_at_most_the_capital(self):
        with pytest.raises(Unusable, match=r"add up to 1\.2"):
            settle([0.7, np.nan], [0.0, 0.5])


class Whole:
    warmup = 3
    timeframe = "1h"

    def __init__(self, shape=None):
        self.shape = shape

    def targets(self, panel):
        return np.zeros(self.shape or panel.close.shape)


class Stepped:
    def __init__(self, answer):
        self.answer = answer

    def start(self):
        return {"rows": 0}

    def step(self, panel, state):
        return self.answer


def test_the_last_row_of_the_targets_is_the_decision():
    weights, state = decide(Whole(), PANEL, None)
    assert (weights.shape, state) == ((2,), None)


def test_a_strategy_that_remembers_is_stepped_from_its_start():
    assert begin(Stepped(None)) == {"rows": 0}
    assert decide(Stepped((np.zeros(2), {"rows": 1})), PANEL, {})[1] == {"rows": 1}


@pytest.mark.parametrize(
    ("strategy", "complaint"),
    [
        (Whole((5, 3)), r"targets of shape \(5, 3\); expected \(5, 2\)"),
        (Whole((2,)), r"targets of shape \(2,\)"),
        (Stepped(np.zeros(2)), "step returned ndarray; expected"),
        (Stepped((np.zeros(3), {})), r"targets of shape \(3,\)"),
        (Stepped(([0.0, 0.0], {})), "targets of shape list"),
    ],
)
def test_an_answer_of_another_shape_is_refused(strategy, complaint):
    with pytest.raises(Unusable, match=complaint):
        decide(strategy, PANEL, None)


def test_a_state_that_cannot_be_kept_is_refused_with_its_place():
    with pytest.raises(Unusable, match=r"state\.mean is nan"):
        sound({"mean": float("nan")})


class TestTraits:
    def test_say_what_the_class_says(self):
        said = traits(Whole(), name="file", timeframe=DAY)
        assert (said.name, said.timeframe, said.warmup) == ("file", Timeframe.ONE_HOUR, 3)

    def test_fill_in_what_a_sketch_leaves_out(self):
        said = traits(Stepped(None), name="sketch", timeframe=DAY)
        assert (said.name, said.timeframe, said.warmup) == ("sketch", DAY, None)
        assert (said.schedule, said.other_rows, said.model_hash) == ("every row", {}, None)

    def test_of_something_else_are_refused(self):
        with pytest.raises(ValueError, match="object is no strategy: it has neither"):
            traits(cast(AnyStrategy, object()), name="x", timeframe=DAY)

    @pytest.mark.parametrize("warmup", [0, -1, 2.0, True, "60"])
    def test_a_warmup_is_a_whole_number_of_rows(self, warmup):
        strategy = Whole()
        strategy.warmup = warmup
        with pytest.raises(ValueError, match="expected a whole number of rows, 1 or more"):
            traits(strategy, name="x", timeframe=DAY)

    def test_other_timeframes_must_exist(self):
        class ReadsTwoDays(Whole):
            other_rows: ClassVar = {"2d": 5}

        strategy = ReadsTwoDays()
        with pytest.raises(ValueError, match="'2d' is not a timeframe"):
            traits(strategy, name="x", timeframe=DAY)


@dataclass
class Sketch:
    name: str = "own"
    timeframe: str = "1h"
    rows: int = 5


class TestMaking:
    def made(self, type_, **parameters):
        return make(type_, parameters, name="entry", timeframe=DAY)

    def test_gives_the_parameters_to_the_class(self):
        assert self.made(MeanReversion, lookback_rows=30).lookback_rows == 30

    def test_fills_in_name_and_timeframe_where_there_are_such_fields(self):
        assert self.made(Sketch) == Sketch(name="entry", timeframe="1d")
        assert self.made(VolatilityManagedMomentum).timeframe == "1d"

    def test_explains_an_unknown_parameter(self):
        with pytest.raises(ValueError, match="no parameter 'lookback'; 'lookback_rows' is the"):
            self.made(MeanReversion, lookback=30)

    def test_explains_what_a_plain_class_does_not_take(self):
        with pytest.raises(ValueError, match=r"Whole cannot be made: .* unexpected keyword"):
            self.made(Whole, rows=3)
