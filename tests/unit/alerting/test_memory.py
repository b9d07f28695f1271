"""What is told at once, what is gathered, counted and told at the end of a window."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tests import factories as make
from tests.unit.alerting.desk import Desk, rule, rules
from trimtab_alerting.core.memory import LINES_MAX, TOPICS_MAX
from trimtab_common.events import OrderFilled, Severity

GATHERED = rule("OrderFilled", gather_seconds=5.0, group_title="{count} fills")
BOOKS = rule("MismatchFound", key="{subject}", resolved_title="{subject} agrees again")


def fills(count: int, first: int = 1) -> list[OrderFilled]:
    return [make.fill(number) for number in range(first, first + count)]


def test_the_first_one_is_told_at_once():
    desk = Desk(rules(rule("OrderRejected", title="{symbol} rejected", text="{reason}")))
    (alert,) = desk.take(make.rejection())
    assert (alert.title, alert.text) == ("AAPL rejected", "insufficient buying power")
    assert (alert.severity, alert.count, alert.resolved) == (Severity.WARNING, 1, False)
    assert (alert.cause, alert.at) == ("rejected:1", make.START)


def test_twelve_fills_of_a_row_are_one_alert():
    desk = Desk(rules(GATHERED))
    assert desk.take(*fills(12)) == []
    assert desk.wait(4.9) == []
    (alert,) = desk.wait(0.2)
    assert (alert.title, alert.count) == ("12 fills", 12)
    assert alert.text.endswith("and 2 more")
    assert alert.text.count(" · ") == LINES_MAX


def test_a_single_gathered_one_is_told_in_its_own_words():
    desk = Desk(rules(GATHERED | {"title": "{symbol} {done}"}))
    desk.take(make.fill())
    (alert,) = desk.wait(5)
    assert (alert.title, alert.count) == ("AAPL bought", 1)


def test_repeats_are_counted_and_told_at_the_end_of_the_window():
    desk = Desk(rules(rule("OrderRejected", title="{symbol} rejected")))
    desk.take(make.rejection(1))
    assert desk.take(*(make.rejection(number) for number in range(2, 9))) == []
    assert desk.wait(59) == []
    (alert,) = desk.wait(1)
    assert (alert.count, alert.title) == (7, "AAPL rejected (7 more in 60 s)")


def test_a_window_without_repeats_ends_in_silence_and_is_forgotten():
    desk = Desk(rules(rule("OrderRejected")))
    desk.take(make.rejection(1))
    assert desk.wait(60) == []
    assert desk.pipeline.info()["topics"] == 0
    assert len(desk.take(make.rejection(2))) == 1


def test_a_storm_is_told_once_a_window_and_nothing_is_lost():
    desk = Desk(rules(rule("OrderRejected")))
    for number in range(600):
        desk.take(make.rejection(number))
        desk.wait(1)
    desk.wait(60)
    assert len(desk.said) <= 12
    assert sum(alert.count for alert in desk.said) == 600


def test_other_keys_are_other_matters():
    desk = Desk(rules(rule("OrderRejected", key="{symbol}")))
    assert len(desk.take(make.rejection(1), make.rejection(2, symbol="MSFT"))) == 2


def test_an_event_that_comes_twice_counts_once():
    desk = Desk(rules(GATHERED))
    desk.take(*fills(3), *fills(3))
    (alert,) = desk.wait(5)
    assert alert.count == 3


def test_one_event_may_have_several_rules():
    desk = Desk(rules(rule("OrderRejected"), rule("OrderRejected", name="second")))
    assert [alert.rule for alert in desk.take(make.rejection())] == [
        "rule-orderrejected",
        "second",
    ]


def test_an_event_that_no_rule_is_about_says_nothing():
    assert Desk(rules(GATHERED)).take(make.halt()) == []


def test_a_problem_that_lasts_is_told_once_a_window_and_its_end_once():
    desk = Desk(rules(BOOKS))
    assert len(desk.take(make.mismatch(0))) == 1
    for number in range(1, 13):
        desk.take(make.mismatch(number))
        desk.wait(15)
    (end,) = desk.take(make.mismatch(99, resolved=True))
    assert (end.title, end.resolved, end.severity) == (
        "position AAPL agrees again",
        True,
        Severity.INFO,
    )
    assert [alert.resolved for alert in desk.said] == [False, False, False, False, True]


def test_the_end_of_something_that_was_never_told_is_not_told_either():
    desk = Desk(rules(BOOKS))
    assert desk.take(make.mismatch(resolved=True)) == []
    gathered = Desk(rules(BOOKS | {"gather_seconds": 5.0}))
    gathered.take(make.mismatch(1))
    gathered.take(make.mismatch(2, resolved=True))
    assert gathered.wait(600) == []
    assert gathered.pipeline.info()["topics"] == 0


def test_a_problem_is_remembered_after_its_window_so_that_its_end_is_told():
    desk = Desk(rules(BOOKS))
    desk.take(make.mismatch(1))
    desk.wait(7200)
    assert [alert.resolved for alert in desk.take(make.mismatch(2, resolved=True))] == [True]


def test_what_comes_and_goes_is_damped_and_the_last_word_is_true():
    desk = Desk(rules(BOOKS))
    desk.take(make.mismatch(0))
    desk.take(make.mismatch(1, resolved=True))
    for number in range(2, 12, 2):
        desk.take(make.mismatch(number), make.mismatch(number + 1, resolved=True))
        desk.wait(1)
    (flapped,) = desk.wait(60)
    assert flapped.resolved
    assert flapped.title.endswith("(came and went 5 times)")
    desk.take(make.mismatch(50), make.mismatch(51, resolved=True), make.mismatch(52))
    (wrong_again,) = desk.wait(60)
    assert not wrong_again.resolved


def test_too_many_keys_share_one_topic():
    desk = Desk(rules(rule("OrderRejected", key="{order}")))
    desk.take(*(make.rejection(number) for number in range(TOPICS_MAX + 50)))
    assert desk.pipeline.info()["topics"] == TOPICS_MAX + 1
    desk.wait(60)
    assert sum(alert.count for alert in desk.said) == TOPICS_MAX + 50


def test_a_rule_that_was_taken_out_takes_its_topics_along():
    desk = Desk(rules(BOOKS))
    desk.take(make.mismatch(1))
    state = desk.pipeline.snapshot()
    other = Desk(rules(GATHERED))
    other.pipeline.restore(state)
    other.wait(60)
    assert other.pipeline.info()["topics"] == 0


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("fill"), st.integers(0, 40)),
        st.tuples(st.just("wrong"), st.integers(0, 3)),
        st.tuples(st.just("right"), st.integers(0, 3)),
        st.tuples(st.just("wait"), st.integers(0, 90)),
    ),
    max_size=60,
)


@given(STEPS, st.sets(st.integers(0, 60)))
def test_a_restart_at_any_point_changes_nothing(steps, restarts):
    said = []
    for with_restarts in (False, True):
        desk = Desk(rules(GATHERED, BOOKS))
        for number, (what, value) in enumerate(steps):
            if with_restarts and number in restarts:
                desk.restart()
            if what == "wait":
                desk.wait(value)
            elif what == "fill":
                desk.take(make.fill(value))
            else:
                right = what == "right"
                desk.take(make.mismatch(number, subject=f"position {value}", resolved=right))
        desk.wait(600)
        desk.wait(600)
        said.append(desk.said)
    assert said[0] == said[1]


@given(STEPS)
def test_every_happening_is_told_and_the_last_word_on_a_problem_is_true(steps):
    desk = Desk(rules(GATHERED, BOOKS))
    counted, wrong = set(), {}
    for number, (what, value) in enumerate(steps):
        if what == "wait":
            desk.wait(value)
        elif what == "fill":
            desk.take(make.fill(value))
            counted.add(value)
        else:
            wrong[value] = what == "wrong"
            subject = f"position {value}"
            desk.take(make.mismatch(number, subject=subject, resolved=not wrong[value]))
    for _ in range(3):
        desk.wait(600)
    told = sum(alert.count for alert in desk.said if alert.rule == "rule-orderfilled")
    assert told == len(counted)
    last = {alert.key: not alert.resolved for alert in desk.said if "fill" not in alert.rule}
    for value, is_wrong in wrong.items():
        assert last.get(f"position {value}", False) == is_wrong
    assert len({alert.id for alert in desk.said}) == len(desk.said)


def test_the_state_stays_small():
    desk = Desk(rules(GATHERED))
    desk.take(*fills(5000))
    assert len(json.dumps(desk.pipeline.snapshot())) < 20_000
