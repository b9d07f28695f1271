"""Each position rule fires at its limit, says why, and has the owner's mistakes explained."""

import pytest

from trimtab_trading.book import Position
from trimtab_trading.position_rules import NO_RULES, PositionRules, position_rules


def position(**changes):
    fields = {
        "quantity": 1.0,
        "average_entry_price": 100.0,
        "best_price": 100.0,
        "price": 100.0,
        "rows_held": 1,
    }
    return Position(**{**fields, **changes})


@pytest.mark.parametrize(
    ("rules", "holds", "fires", "reason"),
    [
        (
            {"stop_loss_pct": 3},
            {"price": 97.01},
            {"price": 96.5},
            "stop: 3.50 % lost since the entry at 100, limit 3 %",
        ),
        (
            {"take_profit_pct": 5},
            {"price": 104.9},
            {"price": 106.0},
            "stop: 6.00 % gained since the entry at 100, goal 5 %",
        ),
        (
            {"trailing_stop_pct": 10},
            {"best_price": 120.0, "price": 109.0},
            {"best_price": 120.0, "price": 105.0},
            "stop: 12.50 % back from the best close 120, limit 10 %",
        ),
        (
            {"time_stop_rows": 60},
            {"rows_held": 59},
            {"rows_held": 60},
            "stop: held for 60 rows, limit 60",
        ),
    ],
)
def test_a_rule_fires_at_its_limit_and_says_why(rules, holds, fires, reason):
    assert position_rules(rules).fired(position(**holds)) is None
    assert position_rules(rules).fired(position(**fires)) == reason


def test_a_short_position_is_stopped_by_a_rising_price():
    rules = PositionRules(stop_loss_pct=3)
    assert rules.fired(position(quantity=-1.0, price=104.0))
    assert not rules.fired(position(quantity=-1.0, price=90.0))


def test_without_rules_nothing_fires():
    assert not NO_RULES.any
    assert NO_RULES.fired(position(price=1.0, rows_held=9999)) is None


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ({"stop_los_pct": 3}, "'stop_los_pct' is no position rule; there are stop_loss_pct"),
        ({"stop_loss_pct": -3}, "expected a number above 0"),
        ({"stop_loss_pct": True}, "expected a number above 0"),
        ({"stop_loss_pct": "3%"}, "expected a number above 0"),
        ({"stop_loss_pct": float("nan")}, "expected a number above 0"),
        ({"time_stop_rows": 1.5}, "whole number of rows"),
    ],
)
def test_a_mistake_is_explained(written, complaint):
    with pytest.raises(ValueError, match=complaint):
        position_rules(written)
