"""Rows of fine and of coarser bars come in the order in which they happen."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests import factories as make
from tests.markets import a_market, minute_market
from trimtab_common.events import Due, OrderFilled, mark
from trimtab_common.timeframes import Timeframe
from trimtab_trading.exchange import Exchange
from trimtab_trading.market import replay
from trimtab_trading.together import replay_together, with_coarser
from trimtab_trading.venue import FREE, Venue

FIVE = Timeframe.FIVE_MINUTES
DAY = Timeframe.ONE_DAY


def minutes(*numbers, symbol="AAPL"):
    return [(symbol, number, 10.0, 11.0, 9.0, 10.5, 100.0) for number in numbers]


def spoken(rows):
    """(clock, the timeframes that are due, the symbols and timeframes of its bars) for each row."""
    return [
        (
            f"{closed.at:%H:%M}",
            [due.timeframe.value for due in closed.due],
            [f"{bar.symbol} {bar.timeframe.value}" for bar in bars],
        )
        for bars, closed in rows
    ]


def test_one_market_alone_is_its_replay():
    market = minute_market(symbols=("AAPL", "MSFT"), missing=0.1)
    assert list(replay_together(with_coarser(market, [market.timeframe]))) == list(replay(market))


def test_finer_bars_come_first_within_a_row():
    market = a_market([*minutes(4, 5), *minutes(5, symbol="MSFT")])
    assert spoken(replay_together(with_coarser(market, [FIVE]))) == [
        ("14:34", ["1m"], ["AAPL 1m"]),
        ("14:35", ["1m", "5m"], ["AAPL 1m", "MSFT 1m", "AAPL 5m", "MSFT 5m"]),
    ]


def test_a_window_that_ends_between_rows_is_a_row_of_its_own():
    market = a_market(minutes(3, 8))
    assert spoken(replay_together(with_coarser(market, [FIVE]))) == [
        ("14:33", ["1m"], ["AAPL 1m"]),
        ("14:35", ["5m"], ["AAPL 5m"]),
        ("14:38", ["1m"], ["AAPL 1m"]),
    ]


def test_a_window_that_is_never_over_has_no_bar():
    day = minute_market(symbols=("AAPL",), sessions=1)
    whole = list(replay_together(with_coarser(day, [DAY])))
    assert whole[-1][0][-1].timeframe is DAY
    cut = list(replay_together(with_coarser(day.first_rows(389), [DAY])))
    assert all(bar.timeframe is not DAY for bars, _ in cut for bar in bars)


def test_finer_timeframes_than_the_market_s_own_cannot_be_made():
    days = minute_market(symbols=("AAPL",), sessions=3, timeframe=DAY)
    assert with_coarser(days, [FIVE, DAY]) == [days]


@pytest.mark.parametrize("missing", [0.0, 0.6])
def test_rows_are_in_order_and_each_instant_is_one(missing):
    market = minute_market(symbols=("AAPL", "MSFT"), sessions=2, missing=missing)
    rows = list(replay_together(with_coarser(market, [FIVE, Timeframe.ONE_HOUR, DAY])))
    instants = [closed.at for _, closed in rows]
    assert instants == sorted(set(instants))
    assert all(bar.at == closed.at for bars, closed in rows for bar in bars)
    assert instants[0] > datetime(2024, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(("timeframe", "trades"), [(FIVE, False), (Timeframe.ONE_MINUTE, True)])
def test_an_order_meets_the_finest_bars_only(timeframe, trades):
    finest = {"AAPL": Timeframe.ONE_MINUTE}
    exchange = Exchange(Venue(FREE, Decimal(10_000)), account="test", finest=finest)
    list(exchange.handle(make.approval()))
    bar = make.bar(make.START + make.MINUTE, timeframe=timeframe)
    list(exchange.handle(bar))
    due = Due(
        calendar="XNYS",
        timeframe=timeframe,
        opened_at=bar.opened_at,
        present=("AAPL",),
        missing=(),
    )
    said = exchange.close(mark(bar.at, "bars", "ingest", (due,)))
    assert any(isinstance(event, OrderFilled) for event in said) == trades
