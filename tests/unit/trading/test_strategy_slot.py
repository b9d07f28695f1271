"""What the two configuration files say becomes slots, and what they say wrongly is explained."""

import json
from decimal import Decimal

import pytest

from tests.unit.trading.strategy_rows import Scripted, slot
from trimtab_common.calendars import CalendarName
from trimtab_common.timeframes import Timeframe
from trimtab_trading.config import Strategies, Universe, contradictions, timeframe_of
from trimtab_trading.position_rules import PositionRules
from trimtab_trading.strategies import REGISTRY, MeanReversion
from trimtab_trading.strategy_slot import slots


def read(model, content):
    return model.model_validate_json(json.dumps(content), strict=True)


def universe(*groups):
    stocks = {
        "name": "stocks",
        "calendar": "XNYS",
        "timeframes": ["1d", "5m", "1m"],
        "symbols": ["SPY", "AAPL"],
        "feed": "simulated",
    }
    return read(Universe, {"groups": [{**stocks, **each} for each in (groups or ({},))]})


COARSE = {"name": "coarse", "timeframes": ["5m", "1d"], "symbols": ["TLT"]}
CRYPTO = {"name": "crypto", "calendar": "24/7", "timeframes": ["1h"], "symbols": ["BTC/USD"]}


def strategies(**changes):
    entry = {
        "name": "reversion",
        "uses": "mean_reversion",
        "enabled": True,
        "share": 0.5,
        "symbols": "all",
        "timeframe": "native",
    }
    wanted = {key: value for key, value in {**entry, **changes}.items() if value is not None}
    return read(Strategies, {"strategies": [wanted]})


def slot_of(*groups, **changes):
    (found,) = slots(strategies(**changes), universe(*groups), REGISTRY.__getitem__)
    return found


def test_all_is_every_symbol_and_native_the_finest_timeframe_they_share():
    found = slot_of()
    assert found.symbols == ("AAPL", "SPY")
    assert (found.timeframe, found.calendar) == (Timeframe.ONE_MINUTE, CalendarName.XNYS)
    assert slot_of({}, COARSE).timeframe is Timeframe.FIVE_MINUTES


def test_a_list_and_a_group_are_taken_as_they_are():
    assert slot_of(symbols=["SPY"], timeframe="1d").symbols == ("SPY",)
    found = slot_of({}, CRYPTO, symbols=None, group="crypto")
    assert (found.symbols, found.timeframe) == (("BTC/USD",), Timeframe.ONE_HOUR)
    assert found.calendar is CalendarName.ALWAYS


def test_parameters_rules_share_and_schedule_reach_the_slot():
    found = slot_of(
        parameters={"lookback_rows": 30},
        position_rules={"stop_loss_pct": 3},
        schedule="close-5m",
    )
    assert found.strategy == MeanReversion(lookback_rows=30)
    assert found.rules == PositionRules(stop_loss_pct=3.0)
    assert (found.share, found.schedule, found.rows) == (Decimal("0.5"), "close-5m", 30)


class OpensLate(Scripted):
    schedule = "open+30m"

    def __init__(self):
        super().__init__([0.0])


def test_a_strategys_own_schedule_holds_unless_the_owner_says_another():
    def made(**changes):
        return slots(strategies(**changes), universe(), lambda uses: OpensLate)[0].schedule

    assert made() == "open+30m"
    assert made(schedule="every row") == "every row"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"parameters": {"lookback": 3}}, "reversion: MeanReversion has no parameter 'lookback'"),
        ({"parameters": {"lookback_rows": 1}}, "reversion: lookback_rows is 1; expected 2 or more"),
        ({"position_rules": {"stop": 3}}, "reversion: 'stop' is no position rule"),
        ({"schedule": "open-30m"}, "reversion: the schedule 'open-30m' lies before"),
    ],
)
def test_a_mistake_is_explained_with_the_strategys_name(changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        slot_of(**changes)


@pytest.mark.parametrize(
    ("groups", "changes", "complaint"),
    [
        (({}, CRYPTO), {}, "its symbols follow two calendars"),
        (
            ({"timeframes": ["1m"]}, COARSE),
            {},
            "there is no timeframe at which all its symbols are collected",
        ),
        (({},), {"timeframe": "1h"}, "no group collects AAPL at 1h"),
    ],
)
def test_what_the_files_say_against_each_other_is_told(groups, changes, complaint):
    told = contradictions(strategies(**changes), universe(*groups))
    assert any(complaint in sentence for sentence in told)


def test_native_without_a_shared_timeframe_is_none():
    entry = strategies().strategies[0]
    assert timeframe_of(entry, universe({"timeframes": ["1m"]}, COARSE)) is None


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": "a b"}, "no name for a strategy"),
        ({"name": "a:b"}, "no name for a strategy"),
        ({"symbols": ()}, "needs symbols, each one once"),
        ({"symbols": ("A", "A")}, "needs symbols, each one once"),
        ({"schedule": "noon"}, "no schedule"),
    ],
)
def test_a_slot_that_cannot_be_is_refused(changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        slot(Scripted([0.0, 0.0]), **changes)


def test_a_strategy_for_other_bars_is_refused():
    strategy = Scripted([0.0], timeframe="1d")
    with pytest.raises(ValueError, match="made for 1d bars, not for 1m"):
        slot(strategy)


class NeverStarts(Scripted):
    def start(self):
        raise RuntimeError("no weights file")


def test_a_strategy_that_cannot_start_is_found_out_at_once():
    with pytest.raises(ValueError, match=r"start\(\) failed: RuntimeError: no weights file"):
        slot(NeverStarts([0.0]))


def test_the_fingerprint_changes_with_class_and_parameters_only():
    one, same, other = (slot(MeanReversion(lookback_rows=n)) for n in (30, 30, 31))
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert slot(Scripted([0.0])).fingerprint == slot(Scripted([1.0])).fingerprint
