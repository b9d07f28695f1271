"""Leaping over quiet rows changes no event and nothing that anybody remembers."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.trading.desk_factories import desk
from trimtab_common.calendars import CalendarName
from trimtab_common.money import decimal_from_float, to_float
from trimtab_common.timeframes import Timeframe
from trimtab_trading.book import Book
from trimtab_trading.engine import Engine, Log
from trimtab_trading.exchange import Exchange
from trimtab_trading.generated import generated
from trimtab_trading.leap import run_market
from trimtab_trading.market import Market, replay
from trimtab_trading.panel import Panel
from trimtab_trading.position_rules import PositionRules
from trimtab_trading.strategies import (
    BuyAndHold,
    FixedWeights,
    MeanReversion,
    VolatilityManagedMomentum,
)
from trimtab_trading.strategy_desk import StrategyDesk
from trimtab_trading.strategy_slot import Slot
from trimtab_trading.venue import Terms, Venue
from trimtab_trading.window import Window

MINUTE = Timeframe.ONE_MINUTE
TERMS = Terms(
    slippage_bps=Decimal(2),
    fee_bps=Decimal(1),
    fee_per_order=Decimal(0),
    fee_per_share=Decimal(0),
    volume_share_max=None,
)
QUARTER = {"crypto": {"position_equity_max": 0.25, "order_equity_max": 0.25}}
EAGER = MeanReversion(lookback_rows=20, entry_zscore=1.2, exit_zscore=0.3)
MOMENTUM = VolatilityManagedMomentum(
    timeframe="1m", lookback_rows=90, skip_rows=10, volatility_rows=30
)


def market(symbols=("BTC/USD",), *, seed=1, sessions=2, missing=0.0):
    return generated(
        seed=seed,
        symbols=symbols,
        calendar_name="24/7",
        timeframe=MINUTE,
        start=date(2024, 3, 4),
        sessions=sessions,
        missing=missing,
    )


def chain(of, strategies, **changes):
    slots = [
        Slot(
            strategy=strategy,
            name=f"s{number}",
            symbols=of.symbols,
            calendar=CalendarName.ALWAYS,
            timeframe=MINUTE,
            share=Decimal(1),
            **changes.pop("slot", {}),
        )
        for number, strategy in enumerate(strategies)
    ]
    shares = {slot.name: Decimal("0.9") / len(slots) for slot in slots}
    room = desk(of.symbols, shares=shares, **changes)
    return [Exchange(Venue(TERMS, Decimal(100_000)), account="test"), StrategyDesk(slots), room]


def remembered(stages):
    return [json.dumps(stage.snapshot()) for stage in stages]


def stepped(of, stages):
    log = Log()
    engine = Engine(stages, log)
    for bars, closed in replay(of):
        engine.feed(bars, closed)
    return log.events


def leapt(of, stages, **how):
    log = Log()
    run_market(of, stages, log, **how)
    return log.events


CHAINS: dict[str, Any] = {
    "one symbol": (market(), [EAGER], {}),
    "a position limit that refuses at every row": (market(), [EAGER], QUARTER),
    "many symbols with gaps": (
        market(("BTC/USD", "ETH/USD", "SOL/USD"), sessions=1, missing=0.2),
        [EAGER],
        QUARTER,
    ),
    "two strategies": (market(("BTC/USD", "ETH/USD"), sessions=1), [EAGER, MOMENTUM], {}),
    "only on change": (market(), [EAGER], {"rebalance": "on_change"}),
    "weights without memory": (market(("BTC/USD", "ETH/USD")), [FixedWeights()], {}),
    "a strategy that foresees nothing": (market(sessions=1), [BuyAndHold()], {}),
    "stops": (
        market(sessions=1),
        [EAGER],
        {"slot": {"rules": PositionRules(stop_loss_pct=0.1)}},
    ),
}


@pytest.mark.parametrize("case", CHAINS)
def test_a_leap_changes_no_event_and_no_memory(case):
    of, strategies, changes = CHAINS[case]
    one, other = (chain(of, strategies, **changes) for _ in range(2))
    expected = stepped(of, one)
    assert leapt(of, other) == expected
    assert expected["fills"]
    assert remembered(other) == remembered(one)


def test_without_bars_everything_else_is_told_alike():
    of = market()
    expected = stepped(of, chain(of, [EAGER], **QUARTER))
    assert leapt(of, chain(of, [EAGER], **QUARTER), tells_bars=False) == expected | {"bars": []}


def test_most_rows_are_leapt_over():
    asked, closed = [], []

    class Counting(MeanReversion):
        def step(self, panel, state):
            asked.append(len(panel))
            return super().step(panel, state)

    class Watched(Exchange):
        def close(self, row):
            closed.append(row)
            return super().close(row)

    of = market()
    stages = chain(of, [Counting(lookback_rows=20, entry_zscore=1.2, exit_zscore=0.3)], **QUARTER)
    stages[0] = Watched(Venue(TERMS, Decimal(100_000)), account="test")
    fills = leapt(of, stages)["fills"]
    assert len(asked) == 1  # all that follows was foreseen
    assert len(closed) <= len(fills)  # a row without an order is none of the exchange's business


@given(seed=st.integers(0, 2**32), missing=st.sampled_from([0.0, 0.3]))
@settings(max_examples=20)
def test_what_is_foreseen_is_what_is_decided_to_the_last_bit(seed, missing):
    generator = np.random.default_rng(seed)
    closes = 100 + np.cumsum(generator.normal(size=(150, 3)), axis=0)
    closes[generator.random(closes.shape) < missing] = np.nan
    stamps = np.arange(150).astype("datetime64[m]")
    panel = Panel.of(
        stamps, "abc", open=closes, high=closes, low=closes, close=closes, volume=closes
    )
    with np.errstate(all="ignore"):
        weights, states = EAGER.foresee(panel, [True, False, True])
        state = [True, False, True]
        for row, end in enumerate(range(EAGER.warmup, 151)):
            answer, state = EAGER.step(panel.prefix(end).last(EAGER.warmup), state)
            assert answer.tobytes() == weights[row].tobytes()
            assert state == states[row]


@given(st.lists(st.tuples(st.floats(50, 150), st.floats(50, 150)), min_size=3, max_size=40))
def test_a_book_passes_over_rows_as_it_lives_through_them(prices):
    opens, closes = (np.array(column)[:, np.newaxis] for column in zip(*prices, strict=True))
    closes[1] = np.nan
    for band in (None, 0.01):
        one, other = (Book(1, cost_bps=2.0, drift_band=band) for _ in range(2))
        for book in (one, other):
            book.open([100.0])
            book.mark([100.0])
            book.aim([0.5])
        for row in range(len(opens)):
            one.open(opens[row].tolist())
            one.mark(closes[row].tolist())
            one.aim([0.5])
        other.pass_over(opens, closes, [0.5])
        assert other.snapshot() == one.snapshot()


@pytest.mark.parametrize("rows", [1, 7, 40, None])
@pytest.mark.parametrize("count", [1, 6, 30, 200])
def test_a_window_takes_many_rows_as_it_takes_them_one_by_one(rows, count):
    one, other = Window(("a", "b"), rows), Window(("a", "b"), rows)
    values = np.random.default_rng(3).random((5, count, 2))
    values[:, ::3, 1] = np.nan
    for window in (one, other):
        for stamp in range(40):
            window.append(stamp, [0], [(1.0, 2.0, 3.0, 4.0, 5.0)])
    for row in range(count):
        there = np.flatnonzero(~np.isnan(values[0, row])).tolist()
        one.append(100 + row, there, [tuple(values[:, row, column].tolist()) for column in there])
    other.extend(np.arange(100, 100 + count), values)
    assert other.snapshot() == one.snapshot()


@given(st.lists(st.floats(1e-9, 1e14), min_size=1, max_size=30))
def test_a_market_tells_prices_as_events_carry_them(prices):
    column = np.array(prices)
    times = np.arange(len(column)).astype("datetime64[m]").astype("datetime64[us]")
    ends = np.arange(1, len(column) + 1).astype("datetime64[m]").astype("datetime64[us]")
    of = Market(
        symbols=("A",),
        timeframe=MINUTE,
        calendar="24/7",
        feed="test",
        source="test",
        symbol_index=np.zeros(len(column), dtype=np.int32),
        opened_at=times,
        available_at=ends,
        open=column,
        high=column,
        low=column,
        close=column,
        volume=column,
    )
    assert of.told["close"].tolist() == [to_float(decimal_from_float(price)) for price in prices]
