"""Whatever a replay's feed does, and however often ingest is killed, the same rows come out."""

from __future__ import annotations

import random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.markets import minute_market
from tests.unit.ingest.lines import expected, line, plan
from tests.unit.ingest.replays import Replay
from trimtab_common.timeframes import Timeframe
from trimtab_ingest.core.plan import Origin
from trimtab_trading.market import Market

COARSER = (Timeframe.FIVE_MINUTES, Timeframe.FIFTEEN_MINUTES, Timeframe.ONE_HOUR)
SYMBOLS = ("AAPL", "IBM", "MSFT")


class HastyReplay(Replay):
    """Asks for history before it is subscribed, as one would think of first."""

    def _connect(self) -> None:
        history = list(self._history(self._instants[0], self._instants[-1]))
        self._release()
        self._desk.subscribed(self._wire.line, 0.0)
        self._socket = self._stream(self._released)
        self._desk.fetched(self._wire.line, history, 0.0, None)
        self._merging = None
        self._wire.merged()


def a_piece_of_market(seed: int, missing: float, rows: int = 130) -> Market:
    """Rows from the last hour of one session into the next one."""
    whole = minute_market(symbols=SYMBOLS, sessions=2, seed=seed, missing=missing)
    begin = whole.row_starts[330]
    return whole.take(slice(int(begin), int(whole.row_starts[330 + rows])))


@settings(max_examples=120, phases=[Phase.explicit, Phase.generate])
@given(seed=st.integers(0, 2**32), missing=st.sampled_from([0.0, 0.05, 0.6]))
def test_any_order_of_arrival_and_any_kills_give_the_same_rows(seed: int, missing: float) -> None:
    market = a_piece_of_market(seed % 5, missing)
    lines = [line(symbols=market.symbols)]
    lines += [line(timeframe, market.symbols, Origin.DERIVED) for timeframe in COARSER]
    replay = Replay(market, plan(*lines, begins_at=market.instant_of(0)), random.Random(seed))
    for _ in range(400):
        replay.step()
    replay.finish()
    assert replay.committed == expected(market, *COARSER)


@pytest.mark.parametrize("timeframe", [Timeframe.ONE_HOUR, Timeframe.ONE_DAY])
def test_what_a_file_has_natively_may_be_coarse(timeframe: Timeframe) -> None:
    market = minute_market(symbols=SYMBOLS, sessions=30, timeframe=timeframe, missing=0.2)
    replay = Replay(
        market,
        plan(line(timeframe, market.symbols), begins_at=market.instant_of(0)),
        random.Random(1),
    )
    for _ in range(200):
        replay.step()
    replay.finish()
    assert replay.committed == expected(market)


def test_days_are_made_of_minutes_around_the_clock_too() -> None:
    symbols = ("BTC/USD", "ETH/USD")
    market = minute_market(
        symbols=symbols, sessions=3, timeframe=Timeframe.ONE_HOUR, calendar="24/7", missing=0.1
    )
    lines = (
        line(Timeframe.ONE_HOUR, symbols, name="24/7"),
        line(Timeframe.ONE_DAY, symbols, Origin.DERIVED, name="24/7"),
    )
    replay = Replay(market, plan(*lines, begins_at=market.instant_of(0)), random.Random(2))
    for _ in range(300):
        replay.step()
    replay.finish()
    assert replay.committed == expected(market, Timeframe.ONE_DAY)


def test_history_asked_for_before_the_subscription_would_lose_bars() -> None:
    market = a_piece_of_market(1, missing=0.0)
    hasty = HastyReplay(
        market, plan(line(symbols=market.symbols), begins_at=market.instant_of(0)), random.Random(3)
    )
    for _ in range(400):
        hasty.step()
    found = [event for event in hasty.committed if event in expected(market)]
    assert found, "the control must say something"
    assert hasty.committed != expected(market)[: len(hasty.committed)]
