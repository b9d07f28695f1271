"""The owner's words about markets and strategies, and the contradictions found in them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from trimtab_trading.config import Strategies, Universe, contradictions, symbols_of, timeframe_of


def group(**fields: Any) -> dict[str, Any]:
    return {
        "name": "etfs", "calendar": "XNYS", "timeframes": ["1d"], "symbols": ["SPY", "QQQ"],
        "feed": "iex",
    } | fields  # fmt: skip


def strategy(**fields: Any) -> dict[str, Any]:
    return {
        "name": "trend", "uses": "mean_reversion", "enabled": True, "share": 0.5, "group": "etfs",
        "timeframe": "1d",
    } | fields  # fmt: skip


def universe(*groups: dict[str, Any]) -> Universe:
    return Universe.model_validate_json(json.dumps({"groups": groups}))


def strategies(*entries: dict[str, Any]) -> Strategies:
    return Strategies.model_validate_json(json.dumps({"strategies": entries}))


def refusal(make: Callable[[], object]) -> str:
    with pytest.raises(ValidationError) as refused:
        make()
    return str(refused.value)


def test_a_universe_knows_its_symbols_and_their_calendars():
    coins = group(name="coins", calendar="24/7", symbols=["BTC/USD"], feed="crypto")
    known = universe(group(), coins)
    assert known.symbols == ("BTC/USD", "QQQ", "SPY")
    assert known.calendar_of("BTC/USD") == "24/7"
    assert known.calendar_of("SPY") == "XNYS"
    assert known.calendar_of("MSFT") is None


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"symbols": ["BTC/USD", "SPY"]}, "BTC/USD cannot follow the calendar XNYS"),
        ({"calendar": "24/7"}, "SPY, QQQ cannot follow the calendar 24/7"),
        ({"symbols": ["SPY", "SPY"]}, "the symbol SPY stands here more than once"),
        ({"timeframes": ["1d", "1d"]}, "the timeframe 1d stands here more than once"),
        ({"symbols": []}, "at least 1"),
        ({"timeframes": []}, "at least 1"),
        ({"symbols": ["spy"]}, "pattern"),
        ({"timeframes": ["2d"]}, "'1m', '5m'"),
        ({"feed": "ixe"}, "'iex'"),
        ({"name": "Big ETFs"}, "is no name"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_group_must_hold_together(changed, complaint):
    assert complaint in refusal(lambda: universe(group(**changed)))


def test_a_symbol_is_collected_once_at_each_timeframe():
    again = group(name="again", symbols=["SPY"])
    assert "SPY 1d stands here more than once" in refusal(lambda: universe(group(), again))
    assert "etfs stands here" in refusal(lambda: universe(group(), group(timeframes=["1h"])))
    minutes = group(name="minutes", symbols=["SPY"], timeframes=["1m"])
    assert universe(group(), minutes).symbols == ("QQQ", "SPY")


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"share": 0}, "greater than 0"),
        ({"share": -0.1}, "greater than 0"),
        ({"share": 1.01}, "less than or equal to 1"),
        ({"share": "NaN"}, "finite"),
        ({"share": True}, "share"),
        ({"enabled": "yes"}, "boolean"),
        ({"group": None}, "needs either a group or symbols"),
        ({"symbols": ["SPY"]}, "needs either a group or symbols"),
        ({"group": None, "symbols": ["SPY", "SPY"]}, "SPY stands here more than once"),
        ({"uses": "Mean Reversion"}, "is no strategy"),
        ({"uses": "mine.py"}, "is no strategy"),
        ({"uses": "mine.py:My Class"}, "is no strategy"),
        ({"schedule": "noon"}, "is no schedule; expected 'every row'"),
        ({"schedule": "25:00-26:00"}, "is no schedule"),
        ({"paramters": {}}, "paramters"),
    ],
)
def test_a_strategy_must_make_sense(changed, complaint):
    assert complaint in refusal(lambda: strategies(strategy(**changed)))


@pytest.mark.parametrize("schedule", ["every row", "open+30m", "close-5m", "09:31-11:30"])
@pytest.mark.parametrize("uses", ["mean_reversion", "user_data/strategies/mine.py:MyStrategy"])
def test_the_ways_to_say_what_and_when(schedule, uses):
    (found,) = strategies(strategy(uses=uses, schedule=schedule)).enabled
    assert (found.uses, found.schedule) == (uses, schedule)


def test_the_shares_of_enabled_strategies_are_at_most_the_whole():
    tenths = [strategy(name=f"s{n}", share=0.1) for n in range(10)]
    assert len(strategies(*tenths).enabled) == 10
    disabled = strategy(name="more", share=0.5, enabled=False)
    assert len(strategies(*tenths, disabled).enabled) == 10
    beyond = strategy(name="more", share=0.000001)
    assert "add up to 1.000001" in refusal(lambda: strategies(*tenths, beyond))


def test_a_strategy_is_named_once():
    assert "trend stands here" in refusal(lambda: strategies(strategy(), strategy(enabled=False)))


def test_parameters_keep_their_kinds():
    (found,) = strategies(strategy(parameters={"n": 20, "z": 1.5, "pairs": [["A", "B"]]})).enabled
    assert found.parameters == {"n": 20, "z": 1.5, "pairs": [["A", "B"]]}


def test_symbols_come_from_the_group_or_from_the_strategy():
    known = universe(group())
    own = strategy(name="own", group=None, symbols=["SPY"], share=0.1)
    first, second = strategies(strategy(), own).enabled
    assert symbols_of(first, known) == ("QQQ", "SPY")
    assert symbols_of(second, known) == ("SPY",)
    assert contradictions(strategies(strategy(), own), known) == []


def test_all_symbols_and_the_native_timeframe_follow_the_universe():
    minutes = group(name="minutes", symbols=["SPY"], timeframes=["1m", "5m"])
    known = universe(group(timeframes=["1d", "5m"], symbols=["QQQ"]), minutes)
    (every,) = strategies(strategy(group=None, symbols="all", timeframe="native")).enabled
    assert symbols_of(every, known) == ("QQQ", "SPY")
    assert timeframe_of(every, known) == "5m"
    (own,) = strategies(strategy(group="minutes", timeframe="native")).enabled
    assert timeframe_of(own, known) == "1m"


def test_symbols_that_share_no_timeframe_have_no_native_one():
    known = universe(group(), group(name="hours", symbols=["MSFT"], timeframes=["1h"]))
    every = strategies(strategy(group=None, symbols="all", timeframe="native"))
    assert contradictions(every, known) == [
        "strategy trend: there is no timeframe at which all its symbols are collected"
    ]


def test_what_the_two_files_say_against_each_other_is_told():
    coins = group(name="coins", calendar="24/7", symbols=["BTC/USD"], feed="crypto")
    found = contradictions(
        strategies(
            strategy(name="a", group="bonds", share=0.1),
            strategy(name="b", group=None, symbols=["SPY", "BTC/USD"], share=0.1),
            strategy(name="c", group=None, symbols=["MSFT"], share=0.1),
            strategy(name="d", timeframe="1m", share=0.1),
            strategy(name="e", group="bonds", share=0.1, enabled=False),
        ),
        universe(group(), coins),
    )
    assert found == [
        "strategy a: the universe has no group bonds; it has etfs, coins",
        "strategy b: its symbols follow two calendars; make it two strategies",
        "strategy c: MSFT is in no group of the universe",
        "strategy d: no group collects QQQ at 1m",
        "strategy d: no group collects SPY at 1m",
    ]
