"""Whatever the market, the strategies, the limits and the terms: a leap is a walk row by row."""

import json
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.trading.desk_factories import desk
from tests.unit.trading.test_leap import MINUTE, MOMENTUM, market
from trimtab_common.calendars import CalendarName
from trimtab_common.events import Event, OrderFilled
from trimtab_trading.engine import Engine
from trimtab_trading.exchange import Exchange
from trimtab_trading.leap import run_market
from trimtab_trading.market import replay
from trimtab_trading.strategies import BuyAndHold, FixedWeights, MeanReversion
from trimtab_trading.strategy_desk import StrategyDesk
from trimtab_trading.strategy_slot import Slot
from trimtab_trading.venue import FREE, Terms, Venue

PAIRS = ("BTC/USD", "ETH/USD", "SOL/USD")


@dataclass(frozen=True)
class Swinging:
    """All of it after a rise, a part of it after a fall; nothing is remembered."""

    part: float
    warmup: int = 2

    def targets(self, panel):
        rises = np.diff(panel.close, axis=0, prepend=np.nan) > 0
        return np.where(rises, 1.0, self.part) / len(panel.symbols)


class Greedy(MeanReversion):
    """Wants twice what there is whenever it buys: a fault, after which its state is an old one."""

    def step(self, panel, state):
        weights, held = super().step(panel, state)
        return weights * 2.0, held

    def foresee(self, panel, state):
        weights, states = super().foresee(panel, state)
        return weights * 2.0, states


class Watching(FixedWeights):
    """Cannot be asked for all rows at once: it looks at its own book."""

    def targets(self, panel):
        return super().targets(panel) * (0.5 if panel.book.gain > 0 else 1.0)


reversions = st.builds(
    lambda kind, rows, entry: kind(lookback_rows=rows, entry_zscore=entry, exit_zscore=entry / 4),
    st.sampled_from([MeanReversion, Greedy]),
    st.integers(5, 30),
    st.floats(0.5, 2.0),
)
strategies = st.lists(
    reversions
    | st.builds(Swinging, st.floats(0.0, 0.9))
    | st.sampled_from([MOMENTUM, BuyAndHold(), FixedWeights(), Watching()]),
    min_size=1,
    max_size=2,
)
size_limits = st.sampled_from([0.1, 0.25, 0.4, 1.0]).flatmap(
    lambda position: st.builds(
        lambda part, least, decimals: {
            "position_equity_max": position,
            "order_equity_max": position * part,
            "order_notional_min": least,
            "quantity_decimals": decimals,
            "cost_allowance": 0.02,
        },
        st.sampled_from([0.3, 1.0]),
        st.sampled_from([0, 10]),
        st.integers(0, 6),
    )
)
account_limits = st.fixed_dictionaries(
    {
        "drift_band": st.sampled_from([0.0, 0.002, 0.01, 0.05]),
        "rebalance": st.sampled_from(["drift", "drift", "on_change"]),
        "buying_power": st.sampled_from(["settled", "with_sales"]),
        "valid_bars": st.integers(1, 3),
        "cash_reserve_equity": st.sampled_from([0, 0.1]),
    }
)
terms = st.builds(
    lambda slippage, fee, share: Terms(
        slippage_bps=Decimal(slippage),
        fee_bps=Decimal(fee),
        fee_per_order=Decimal(0),
        fee_per_share=Decimal(0),
        volume_share_max=share,
    ),
    st.integers(0, 300),
    st.integers(0, 20),
    st.sampled_from([None, Decimal("0.01"), Decimal(1)]),
)
markets = st.builds(
    lambda seed, count, missing: market(
        PAIRS[:count], seed=seed, sessions=1, missing=missing
    ).first_rows(180),
    st.integers(0, 2**32),
    st.integers(1, 3),
    st.sampled_from([0.0, 0.1, 0.6]),
)


def chain(of, chosen, crypto, account, costs):
    slots = [
        Slot(
            strategy=strategy,
            name=f"s{number}",
            symbols=of.symbols,
            calendar=CalendarName.ALWAYS,
            timeframe=MINUTE,
            share=Decimal(1),
        )
        for number, strategy in enumerate(chosen)
    ]
    shares = {slot.name: Decimal("0.9") / len(slots) for slot in slots}
    risk = desk(of.symbols, shares=shares, crypto=crypto, **account)
    return [Exchange(Venue(costs, Decimal(100_000)), account="test"), StrategyDesk(slots), risk]


def lived(of, stages, run):
    """Everything said, in the order in which it was told, bars apart; and what is remembered."""
    bars: list[Event] = []
    others: list[Event] = []

    def sink(family, event):
        (bars if family == "bars" else others).append(event)

    run(of, stages, sink)
    return bars, others, [json.dumps(stage.snapshot(), sort_keys=True) for stage in stages]


def row_by_row(of, stages, sink):
    engine = Engine(stages, sink)
    for bars, closed in replay(of):
        engine.feed(bars, closed)


@settings(max_examples=40)
@given(of=markets, chosen=strategies, crypto=size_limits, account=account_limits, costs=terms)
def test_whatever_is_run_a_leap_changes_nothing(of, chosen, crypto, account, costs):
    one, other = (chain(of, chosen, crypto, account, costs) for _ in range(2))
    assert lived(of, other, run_market) == lived(of, one, row_by_row)


GREEDY = Greedy(lookback_rows=10, entry_zscore=1.0, exit_zscore=0.25)


@pytest.mark.parametrize(("strategy", "faults"), [(GREEDY, True), (Watching(), False)])
def test_what_cannot_be_foreseen_is_stepped(strategy, faults):
    of = market(sessions=1).first_rows(400)
    one, other = (
        chain(of, [strategy, FixedWeights()], {"quantity_decimals": 6}, {}, FREE) for _ in range(2)
    )
    expected = lived(of, one, row_by_row)
    assert lived(of, other, run_market) == expected
    assert bool(json.loads(expected[2][1])["seats"]["s0"]["faults"]) is faults
    assert any(type(event) is OrderFilled for event in expected[1])
