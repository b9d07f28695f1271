"""When a process that ended is started again, and when not."""

from trimtab.exit_codes import GONE, REPLACED
from trimtab.supervisor.restarts import (
    CALM_PAUSE_SECONDS_MAX,
    CRASH_WINDOW_SECONDS,
    CRASHES_MAX,
    Again,
    Crashing,
    Restarts,
    TakenOver,
)


def pauses_of(decisions):
    """How long each restart waits; every decision must be one."""
    assert all(isinstance(decision, Again) for decision in decisions)
    return [decision.pause_seconds for decision in decisions]


def test_a_crash_is_followed_by_longer_and_longer_pauses():
    restarts = Restarts()
    decisions = [restarts.ended(1, now=float(second)) for second in range(CRASHES_MAX - 1)]
    pauses = pauses_of(decisions)
    assert pauses == sorted(set(pauses))


def test_too_many_crashes_within_the_window_end_the_attempts():
    restarts = Restarts()
    decisions = [restarts.ended(-9, now=60.0 * number) for number in range(CRASHES_MAX)]
    assert isinstance(decisions[-2], Again)
    assert isinstance(decisions[-1], Crashing)


def test_crashes_that_are_long_past_do_not_count():
    restarts = Restarts()
    apart = CRASH_WINDOW_SECONDS / (CRASHES_MAX - 2)
    decisions = [restarts.ended(1, now=apart * number) for number in range(40)]
    assert all(isinstance(decision, Again) for decision in decisions)


def test_an_end_for_want_of_redis_is_no_crash_however_often_it_happens():
    restarts = Restarts()
    decisions = [restarts.ended(GONE, now=float(second)) for second in range(100)]
    assert max(pauses_of(decisions)) <= CALM_PAUSE_SECONDS_MAX
    assert restarts.crashes == 0


def test_a_room_that_was_taken_over_is_left_to_the_other():
    assert isinstance(Restarts().ended(REPLACED, now=0.0), TakenOver)


def test_the_owners_restart_counts_anew():
    restarts = Restarts()
    for second in range(CRASHES_MAX):
        restarts.ended(1, now=float(second))
    restarts.forget()
    assert isinstance(restarts.ended(1, now=10.0), Again)
