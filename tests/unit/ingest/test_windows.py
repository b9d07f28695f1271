"""Coarser bars are those of the exact engine, in whatever order their pieces come."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import pytest

from tests.markets import minute_market
from tests.unit.ingest.lines import line, messages, minute, plan, raw
from trimtab_common.calendars import calendar
from trimtab_common.events import BarClosed
from trimtab_common.timeframes import Timeframe
from trimtab_ingest.core.candle import Candle
from trimtab_ingest.core.judge import Judge
from trimtab_ingest.core.plan import Origin, window_of
from trimtab_ingest.core.windows import Windows
from trimtab_trading.aggregate import aggregate
from trimtab_trading.market import Market, aware, bars_of_row

SYMBOLS = ("AAPL", "MSFT")


def rows_of(market: Market) -> list[list[Candle]]:
    judge = Judge(line(symbols=market.symbols, name=market.calendar, timeframe=market.timeframe))
    verdicts = [[judge.judge(bar, None) for bar in row] for row in messages(market)]
    return [[each for each in row if isinstance(each, Candle)] for row in verdicts]


def made(
    market: Market, timeframe: Timeframe, chance: random.Random | None = None
) -> list[BarClosed]:
    source = line(symbols=market.symbols, name=market.calendar, timeframe=market.timeframe)
    target = line(timeframe, market.symbols, Origin.DERIVED, name=market.calendar)
    windows = Windows(source, plan(source, target).made_of(source))
    found: list[BarClosed] = []
    for row in rows_of(market):
        while (end := windows.next_end()) is not None and end < row[0].bar.at:
            found += windows.finish(end)[target]
        if chance:
            chance.shuffle(row)
            row.append(row[0])
        windows.add(row)
        if windows.next_end() == row[0].bar.at:
            found += windows.finish(row[0].bar.at)[target]
    return found


@pytest.mark.parametrize(
    "timeframe", [Timeframe.FIVE_MINUTES, Timeframe.FOUR_HOURS, Timeframe.ONE_DAY]
)
@pytest.mark.parametrize("start", [date(2024, 3, 7), date(2024, 11, 27)])
def test_they_are_those_of_the_exact_engine(timeframe: Timeframe, start: date) -> None:
    market = minute_market(sessions=3, start=start, missing=0.3)
    engine = aggregate(market, timeframe)
    expected = [bar for row in range(engine.rows_total) for bar in bars_of_row(engine, row)]
    assert made(market, timeframe, random.Random(1)) == expected


def test_around_the_clock_a_day_ends_at_midnight() -> None:
    market = minute_market(
        symbols=("BTC/USD",), calendar="24/7", timeframe=Timeframe.ONE_HOUR, sessions=3
    )
    engine = aggregate(market, Timeframe.ONE_DAY)
    expected = [bar for row in range(engine.rows_total) for bar in bars_of_row(engine, row)]
    assert made(market, Timeframe.ONE_DAY) == expected


@pytest.mark.parametrize("timeframe", list(Timeframe))
@pytest.mark.parametrize("name", ["XNYS", "24/7"])
def test_every_instant_lies_in_the_window_that_the_exact_engine_puts_it_in(
    timeframe: Timeframe, name: str
) -> None:
    symbols = ("AAPL",) if name == "XNYS" else ("BTC/USD",)
    market = minute_market(symbols=symbols, calendar=name, sessions=2, start=date(2024, 3, 8))
    engine = aggregate(market, timeframe)
    spans = list(zip(engine.opened_at.tolist(), engine.available_at.tolist(), strict=True))
    for opened in market.opened_at.tolist()[::7]:
        span = window_of(calendar(name), timeframe, aware(opened))
        assert span is not None
        assert (
            span.opened_at.replace(tzinfo=None),
            span.available_at.replace(tzinfo=None),
        ) in spans


def test_a_late_piece_is_in_what_is_made_while_its_window_is_open_and_not_afterwards() -> None:
    source, target = line(), line(Timeframe.FIVE_MINUTES, SYMBOLS, Origin.DERIVED)
    judge = Judge(source)

    def candle(row: int, **fields: Any) -> Candle:
        verdict = judge.judge(raw(row=row, **fields), None)
        assert isinstance(verdict, Candle)
        return verdict

    windows = Windows(source, [target])
    windows.add([candle(1), candle(5)])
    windows.add([candle(3, h=150.0)])
    (bar,) = windows.finish(minute(5))[target]
    assert float(bar.high) == 150.0
    windows.add([candle(2, h=170.0)])
    assert windows.next_end() is None


def test_a_window_goes_back_to_its_begin_after_a_restart() -> None:
    source = line()
    targets = [line(t, SYMBOLS, Origin.DERIVED) for t in (Timeframe.ONE_HOUR, Timeframe.ONE_DAY)]
    assert Windows(source, targets[:1]).begun_at(minute(45)) == minute(30)
    assert Windows(source, targets).begun_at(minute(45)) == minute(0)
    assert Windows(source, []).begun_at(minute(45)) == minute(45)
    assert Windows(source, targets).begun_at(minute(390)) == minute(390)
