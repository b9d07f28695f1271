"""Position rules act on a strategy's own book and hold until the strategy changes its mind."""

import numpy as np
import pytest

from tests.unit.trading.strategy_rows import Scripted, minute, row, said, slot
from trimtab_trading.position_rules import position_rules
from trimtab_trading.strategy_desk import StrategyDesk


def run(strategy, closes, **rules):
    """What is said at each row of one symbol: (weight, reason) or None."""
    desk = StrategyDesk([slot(strategy, symbols=("A",), rules=position_rules(rules))])
    told = []
    for number, close in enumerate(closes, start=1):
        signals = row(desk, minute(number), {} if close is None else {"A": close})
        assert len(signals) <= 1
        told.append((signals[0].weight, signals[0].reason) if signals else None)
    return told


def weights(told):
    return [each and each[0] for each in told]


def test_a_stop_closes_the_position_and_says_why():
    told = run(Scripted([0.5]), [100, 100, 97, 97], stop_loss_pct=2)
    assert weights(told) == [0.5, None, 0.0, None]
    assert told[2][1] == "stop: 3.02 % lost since the entry at 100.02, limit 2 %"


def test_a_stop_holds_although_the_price_comes_back():
    told = run(Scripted([0.5]), [100, 100, 90, 100, 120, 130], stop_loss_pct=2)
    assert weights(told) == [0.5, None, 0.0, None, None, None]


def test_a_stop_ends_when_the_strategys_own_target_changes():
    strategy = Scripted(*[[0.5]] * 4, [0.4])
    told = run(strategy, [100, 100, 90, 90, 90, 90], stop_loss_pct=2)
    assert weights(told) == [0.5, None, 0.0, None, 0.4, None]


def test_a_strategy_that_went_flat_itself_may_enter_again():
    strategy = Scripted([0.5], [0.5], [0.5], [0.0], [0.5])
    told = run(strategy, [100, 100, 90, 90, 90, 90], stop_loss_pct=2)
    assert weights(told) == [0.5, None, 0.0, None, 0.5, None]


def test_a_change_in_the_very_row_of_the_stop_does_not_lift_it():
    strategy = Scripted([0.5], [0.5], [0.6], [0.6])
    told = run(strategy, [100, 100, 90, 90], stop_loss_pct=2)
    assert weights(told) == [0.5, None, 0.0, None]


def test_an_own_exit_is_no_stop():
    strategy = Scripted([0.5], [0.5], [0.0])
    told = run(strategy, [100, 100, 90], stop_loss_pct=2)
    assert told[2] == (0.0, "target 0, was 0.5")


def test_a_stop_is_looked_at_off_schedule_too():
    strategy = Scripted([0.5])
    desk = StrategyDesk(
        [
            slot(
                strategy,
                symbols=("A",),
                schedule="open+1m",
                rules=position_rules({"stop_loss_pct": 2}),
            )
        ]
    )
    told = [said(row(desk, minute(n), {"A": c})) for n, c in ((1, 100), (2, 100), (3, 90))]
    assert told == [[("A", 0.5)], [], [("A", 0.0)]]


def test_without_a_bar_no_stop_is_looked_at():
    desk = StrategyDesk([slot(Scripted([0.5, 0.0]), rules=position_rules({"time_stop_rows": 2}))])
    row(desk, minute(1), {"A": 100, "B": 1})
    row(desk, minute(2), {"A": 100, "B": 1})
    assert row(desk, minute(3), {"B": 1}) == []
    (signal,) = row(desk, minute(4), {"A": 100, "B": 1})
    assert signal.reason == "stop: held for 3 rows, limit 2"


@pytest.mark.parametrize(
    ("rules", "closes", "expected"),
    [
        ({"take_profit_pct": 5}, [100, 100, 104, 106], [0.5, None, None, 0.0]),
        ({"trailing_stop_pct": 5}, [100, 100, 120, 115, 113], [0.5, None, None, None, 0.0]),
        ({"time_stop_rows": 3}, [100] * 5, [0.5, None, None, 0.0, None]),
    ],
)
def test_each_rule_acts_on_the_book(rules, closes, expected):
    assert weights(run(Scripted([0.5]), closes, **rules)) == expected


def test_what_is_told_is_what_the_book_holds():
    desk = StrategyDesk(
        [slot(Scripted([0.5]), symbols=("A",), rules=position_rules({"stop_loss_pct": 2}))]
    )
    for number, close in enumerate((100, 100, 90, 90, 200), start=1):
        row(desk, minute(number), {"A": close})
    info = desk.info()["strategies"]["under-test"]
    assert info["stopped"] == ["A"]
    assert info["targets"] == {}
    # Sold at 90 in the row after the stop, so the rise to 200 passed it by.
    assert info["book_return"] == pytest.approx(0.5 * (89.982 / 100.02 - 1) * 1.0002, rel=1e-6)


class Follows:
    """Sees its own book, and remembers what it saw."""

    warmup = 1

    def __init__(self):
        self.seen = []

    def start(self):
        return []

    def step(self, panel, state):
        book = panel.book
        self.seen.append((round(float(book.weights[0]), 3), [int(s) for s in book.held]))
        return np.array([0.5]), state


def test_a_strategy_sees_its_own_book_as_it_stands_at_the_row():
    strategy = Follows()
    run(strategy, [100, 100, 110])
    assert [weight for weight, _ in strategy.seen] == [0.0, 0.5, 0.524]
    assert [held for _, held in strategy.seen] == [[], [0], [0]]
