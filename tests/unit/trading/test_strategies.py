"""The built-in strategies do what they say, on any timeframe, and explain it."""

from typing import Any

import numpy as np
import pytest

from tests.unit.trading.strategy_rows import walk
from trimtab_common.timeframes import Timeframe
from trimtab_trading.causality import check
from trimtab_trading.indicators import zscore
from trimtab_trading.panel import Panel
from trimtab_trading.strategies import (
    REGISTRY,
    BuyAndHold,
    FixedWeights,
    MeanReversion,
    VolatilityManagedMomentum,
)
from trimtab_trading.strategy import FloatRange, IntegerRange, begin, decide, make, traits


def panel_of(*columns, symbols=None):
    close = np.array(columns, dtype=float).T
    ts = np.datetime64("2024-01-02T21:00", "us") + np.arange(len(close)) * np.timedelta64(1, "D")
    names = symbols or tuple("ABCDEFG"[: close.shape[1]])
    return Panel(ts, names, np.stack([close] * 5))


def stepped(strategy, panel, first=None):
    """The weights of every row from the warm-up on, as the desk would ask for them."""
    state, found = begin(strategy), []
    for end in range(first or strategy.warmup, len(panel) + 1):
        weights, state = decide(strategy, panel.prefix(end).last(strategy.warmup), state)
        found.append(weights)
    return np.array(found)


VARIANTS = {
    "buy and hold": BuyAndHold(),
    "equal weights": FixedWeights(),
    "fixed weights": FixedWeights(weights={"A": 0.6, "C": 0.4}),
    "mean reversion": MeanReversion(lookback_rows=20, entry_zscore=1.0, exit_zscore=0.0),
    "patient mean reversion": MeanReversion(lookback_rows=30, entry_zscore=1.5, exit_zscore=-1.0),
    "momentum": VolatilityManagedMomentum(
        timeframe="1m", lookback_rows=40, skip_rows=5, volatility_rows=10, target_volatility=0.3
    ),
    "momentum without a gap": VolatilityManagedMomentum(
        timeframe="1h", lookback_rows=10, skip_rows=0, volatility_rows=30
    ),
}


@pytest.mark.parametrize("strategy", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_every_built_in_passes_the_causality_check(strategy, missing):
    panel = walk(300, 3, missing=missing)
    assert check(strategy, panel, cuts=25, generator=np.random.default_rng(1)) == []


@pytest.mark.parametrize("name", REGISTRY)
def test_every_built_in_has_a_source_a_warmup_and_ranges_for_its_own_parameters(name):
    made: Any = make(REGISTRY[name], {}, name=name, timeframe=Timeframe.ONE_DAY)
    assert "Source:" in (type(made).__doc__ or "") or "Journal" in (type(made).__doc__ or "")
    assert traits(made, name=name, timeframe=Timeframe.ONE_DAY).warmup
    for parameter, allowed in made.space().items():
        assert isinstance(allowed, IntegerRange | FloatRange)
        assert allowed.low <= getattr(made, parameter) <= allowed.high


class TestMeanReversion:
    STRATEGY = MeanReversion(lookback_rows=5, entry_zscore=1.5, exit_zscore=0.5)

    def test_holds_from_a_deep_fall_until_the_price_is_back(self):
        panel = panel_of([10, 11, 10, 11, 10, 5, 6, 6, 7, 9, 11])
        assert stepped(self.STRATEGY, panel)[:, 0].tolist() == [0, 1, 1, 1, 0, 0, 0]

    def test_gives_each_symbol_its_part_of_the_capital(self):
        fall, calm = [10, 11, 10, 11, 10, 5], [10, 11, 10, 11, 10, 11]
        assert stepped(self.STRATEGY, panel_of(fall, calm, calm))[-1].tolist() == [1 / 3, 0, 0]

    def test_keeps_its_target_where_a_bar_is_missing_or_nothing_moves(self):
        falling = [10, 11, 10, 11, 10, 5, np.nan]
        frozen = [10, 11, 10, 11, 10, 5, 5, 5, 5, 5, 5, 5]
        assert stepped(self.STRATEGY, panel_of(falling))[:, 0].tolist() == [0, 1, 1]
        assert stepped(self.STRATEGY, panel_of(frozen))[-1, 0] == 0  # it left on the way

    def test_takes_rounding_for_no_movement(self):
        eager = MeanReversion(lookback_rows=20, entry_zscore=0.9)
        assert not stepped(eager, panel_of([0.1] * 30)).any()  # their mean is above 0.1

    @pytest.mark.parametrize("missing", [0.0, 0.3, 0.6])
    def test_measures_what_the_zscore_indicator_measures(self, missing):
        panel = walk(80, 3, missing=missing)
        whole = zscore(panel.close, 5)
        for end in range(5, 81):
            score = self.STRATEGY._last_scores(panel.prefix(end).last(5))
            np.testing.assert_allclose(score, whole[end - 1], rtol=1e-9, atol=1e-9)

    def test_explains_itself_in_the_owners_words(self):
        panel = panel_of([10, 11, 10, 11, 10, 5, 6, 11])
        assert self.STRATEGY.explain(panel.prefix(6), 0) == "z-score -1.96 below -1.5: buy"
        assert self.STRATEGY.explain(panel, 0) == "z-score 0.93 above -0.5: sell"

    @pytest.mark.parametrize(
        "parameters", [{"lookback_rows": 1}, {"entry_zscore": 1.0, "exit_zscore": 1.0}]
    )
    def test_refuses_parameters_that_make_no_sense(self, parameters):
        with pytest.raises(ValueError, match=r"lookback_rows|exit_zscore"):
            MeanReversion(**parameters)


class TestVolatilityManagedMomentum:
    def strategy(self, **changes):
        fields = {"lookback_rows": 4, "skip_rows": 1, "volatility_rows": 4}
        return VolatilityManagedMomentum(**{**fields, **changes})

    def test_holds_the_whole_part_of_what_rises_quietly(self):
        rising, falling = 1.0001 ** np.arange(9) * 100, 0.9999 ** np.arange(9) * 100
        weights = self.strategy().targets(panel_of(rising, falling))
        assert weights[-1].tolist() == [0.5, 0.0]
        assert np.isnan(weights[:4]).all()

    def test_holds_less_of_what_moves_wildly(self):
        wild = [100, 110, 100, 112, 101, 115, 103, 118, 106]
        weights = self.strategy(target_volatility=0.6).targets(panel_of(wild))
        assert 0 < weights[-1, 0] < 1
        steps = weights[-1, 0] / 0.05
        assert steps == pytest.approx(round(steps))

    def test_leaves_the_newest_rows_out_of_the_past_change(self):
        panel = panel_of([100, 100, 100, 100, 101, 50])
        assert self.strategy().targets(panel)[-1, 0] > 0
        assert self.strategy(skip_rows=0).targets(panel)[-1, 0] == 0

    def test_annualises_by_its_timeframe_and_market(self):
        wild = [100, 101, 100, 101.2, 100.1, 101.5, 100.3, 101.8, 100.6]
        daily = self.strategy(target_volatility=0.3).targets(panel_of(wild))[-1, 0]
        minutely = self.strategy(target_volatility=0.3, timeframe="1m", scale_step=0.001)
        crypto = panel_of(wild, symbols=("BTC/USD",))
        assert daily == 1.0
        assert minutely.targets(panel_of(wild))[-1, 0] < daily
        assert minutely.targets(crypto)[-1, 0] < minutely.targets(panel_of(wild))[-1, 0]

    def test_keeps_its_target_where_a_bar_it_needs_is_missing(self):
        for gap in (1, 4, 5):  # where the change begins, where it ends, and now
            closes = [100.0, 100, 101, 100, 102, 101]
            closes[gap] = np.nan
            assert np.isnan(self.strategy().targets(panel_of(closes))[-1, 0])

    def test_explains_itself(self):
        panel = panel_of([100, 100, 100, 100, 101, 50])
        text = self.strategy().explain(panel, 0)
        assert text.startswith("+1.0 % over 3 rows, volatility")
        assert self.strategy(skip_rows=0).explain(panel, 0) == "-50.0 % over 4 rows: no position"

    @pytest.mark.parametrize(
        "parameters",
        [{"skip_rows": 4}, {"volatility_rows": 1}, {"target_volatility": 0.0}, {"scale_step": 2.0}],
    )
    def test_refuses_parameters_that_make_no_sense(self, parameters):
        with pytest.raises(ValueError, match=next(iter(parameters))):
            self.strategy(**parameters)


class TestFixedWeights:
    def test_are_the_same_at_every_row(self):
        weights = FixedWeights(weights={"B": 0.7}).targets(walk(3, 2))
        assert weights.tolist() == [[0.0, 0.7]] * 3

    def test_are_equal_parts_unless_given(self):
        assert FixedWeights().targets(walk(1, 4)).tolist() == [[0.25] * 4]

    def test_for_a_symbol_that_is_not_traded_here_are_an_error(self):
        with pytest.raises(ValueError, match="no Z here"):
            FixedWeights(weights={"Z": 0.5}).targets(walk(1, 2))

    def test_explain_themselves(self):
        assert FixedWeights().explain(walk(2, 4), 1) == "allocation: 25 % of the capital"

    @pytest.mark.parametrize(
        "weights", [{"A": -0.1}, {"A": 0.6, "B": 0.5}, {"A": True}, {"A": "1"}]
    )
    def test_that_are_no_allocation_are_refused(self, weights):
        with pytest.raises(ValueError, match="weight"):
            FixedWeights(weights=weights)


class TestBuyAndHold:
    def test_buys_each_symbol_at_its_first_bar_and_says_nothing_more(self):
        panel = panel_of([1, 1, 1, 1], [np.nan, np.nan, 1, 1])
        nan = np.nan
        expected = [[0.5, nan], [nan, nan], [nan, 0.5], [nan, nan]]
        np.testing.assert_array_equal(stepped(BuyAndHold(), panel), expected)

    def test_explains_itself(self):
        assert BuyAndHold().explain(walk(1, 2), 0) == "first bar: buy and hold 1/2 of the capital"
