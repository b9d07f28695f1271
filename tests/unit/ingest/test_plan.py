"""What is collected: from Alpaca what the universe lists, of that what a simulator offers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.ingest.lines import OPEN, minute
from trimtab_common.timeframes import Timeframe
from trimtab_ingest.core.plan import (
    Plan,
    Replay,
    complaints,
    plan_of_replay,
    plan_of_universe,
)
from trimtab_trading.config import Universe


def universe(*groups: dict[str, Any]) -> Universe:
    defaults = {"calendar": "XNYS", "timeframes": ["1m"], "feed": "iex", "symbols": ["AAPL"]}
    named = [{"name": f"group-{n}", **defaults, **group} for n, group in enumerate(groups)]
    return Universe.model_validate({"groups": named}, strict=False)


CRYPTO = {"calendar": "24/7", "feed": "crypto", "symbols": ["BTC/USD"]}


def replay(**fields: Any) -> Replay:
    values: dict[str, Any] = {
        "source": "file", "calendar": "XNYS", "timeframe": Timeframe.ONE_MINUTE,
        "feed": "simulated", "symbols": ("AAPL", "MSFT"), "first_row": minute(1),
        "last_row": minute(390),
    }  # fmt: skip
    return Replay(**values | fields)


def lines(plan: Plan | str) -> list[str]:
    assert isinstance(plan, Plan), plan
    return [
        f"{each.timeframe.value} {each.origin.value} {','.join(each.symbols)}"
        for each in plan.lines
    ]


def test_minutes_are_streamed_days_fetched_and_what_lies_between_is_made() -> None:
    its_plan = plan_of_universe(
        universe(
            {"timeframes": ["1m", "1h", "1d"], "symbols": ["MSFT", "AAPL"]},
            {"timeframes": ["1d"], "symbols": ["SPY"]},
        ),
        begins_at=OPEN,
    )
    assert lines(its_plan) == [
        "1m streamed AAPL,MSFT",
        "1h derived AAPL,MSFT",
        "1d fetched AAPL,MSFT,SPY",
    ]


def test_whoever_wants_only_hours_gets_minutes_too() -> None:
    its_plan = plan_of_universe(universe({**CRYPTO, "timeframes": ["1h"]}), begins_at=OPEN)
    assert lines(its_plan) == ["1m streamed BTC/USD", "1h derived BTC/USD"]


def test_a_row_holds_its_lines_by_timeframe_and_calendar() -> None:
    its_plan = plan_of_universe(universe({"timeframes": ["1m", "1d"]}, CRYPTO), begins_at=OPEN)
    order = [(each.timeframe.value, each.calendar.name.value) for each in its_plan.lines]
    assert order == [("1m", "24/7"), ("1m", "XNYS"), ("1d", "XNYS")]


@pytest.mark.parametrize(
    ("groups", "symbols_max", "complaint"),
    [
        ([{"feed": "simulated"}], None, "group group-0 has the feed simulated"),
        ([{**CRYPTO, "feed": "iex"}], None, "must be crypto"),
        ([{"feed": "crypto"}], None, "must be iex or sip"),
        ([{}, {"feed": "sip", "symbols": ["SPY"]}], None, "a key streams one of them"),
        ([{"symbols": ["AAPL", "SPY"]}], 1, "2 stocks are to be streamed"),
    ],
)
def test_what_a_key_or_a_plan_of_alpaca_cannot_do_is_said_at_the_start(
    groups: list[dict[str, Any]], symbols_max: int | None, complaint: str
) -> None:
    (found,) = complaints(universe(*groups), symbols_max=symbols_max)
    assert complaint in found


def test_daily_bars_and_crypto_do_not_count_against_the_limit_of_stocks() -> None:
    groups: tuple[dict[str, Any], ...] = ({}, {"timeframes": ["1d"], "symbols": ["SPY"]}, CRYPTO)
    assert complaints(universe(*groups), symbols_max=1) == []


def test_of_a_replay_is_collected_what_stands_in_the_universe() -> None:
    wanted = universe({"timeframes": ["1m", "5m"], "symbols": ["AAPL", "IBM"]})
    its_plan = plan_of_replay(replay(), wanted, everything=False)
    assert lines(its_plan) == ["1m streamed AAPL", "5m derived AAPL"]


def test_or_everything_with_the_timeframes_of_its_calendar() -> None:
    wanted = universe({"timeframes": ["1m", "1d"], "symbols": ["IBM"]}, CRYPTO)
    assert lines(plan_of_replay(replay(), wanted, everything=True)) == [
        "1m streamed AAPL,MSFT",
        "1d derived AAPL,MSFT",
    ]
    assert lines(plan_of_replay(replay(), None, everything=True)) == ["1m streamed AAPL,MSFT"]


def test_a_replay_that_has_nothing_to_collect_is_explained() -> None:
    found = plan_of_replay(replay(), universe(CRYPTO), everything=False)
    assert isinstance(found, str)
    assert "TRIMTAB_INGEST_SYMBOLS=all" in found


def test_bars_that_are_finer_than_the_replay_s_own_cannot_be_made() -> None:
    wanted = universe({"timeframes": ["1m", "1h", "1d"]})
    found = plan_of_replay(replay(timeframe=Timeframe.ONE_HOUR), wanted, everything=False)
    assert lines(found) == ["1h streamed AAPL", "1d derived AAPL"]
    assert isinstance(found, Plan)
    assert found.notes == ("no 1m bars: the simulator has only 1h ones",)
