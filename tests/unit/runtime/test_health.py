"""Health follows from named checks and heartbeats, and always comes with its reasons."""

from collections.abc import Callable

import pytest

from trimtab_common.events import Health
from trimtab_runtime.health import HealthBoard, Impact


class Watch:
    """A monotonic clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def board(watch: Watch | None = None, *, started: bool = True) -> HealthBoard:
    new = HealthBoard("risk", release="r1", mode="sim", clock=watch or Watch())
    if started:
        new.started()
    return new


def says(reason: str | None) -> Callable[[], str | None]:
    return lambda: reason


def test_a_room_without_complaints_is_healthy_and_ready():
    fine = board()
    fine.register("redis", says(None), impact=Impact.UNHEALTHY, affects_readiness=True)
    assert fine.report().health is Health.HEALTHY
    assert fine.unready() == []


def test_a_room_is_not_ready_before_it_has_started():
    young = board(started=False)
    young.starting("loading the model")
    assert [finding.reason for finding in young.unready()] == ["loading the model"]
    young.started()
    assert young.unready() == []


def test_the_worst_complaint_is_the_health():
    ill = board()
    ill.register("feed", says("no bar for 20 min"))
    assert ill.report().health is Health.DEGRADED
    ill.register("redis", says("no answer"), impact=Impact.UNHEALTHY)
    assert ill.report().health is Health.UNHEALTHY
    assert ill.report().reasons == ("feed: no bar for 20 min", "redis: no answer")


def test_only_checks_that_say_so_make_a_room_unready():
    ill = board()
    ill.register("feed", says("late"))
    ill.register("lease", says("lost"), affects_readiness=True)
    assert [finding.check for finding in ill.unready()] == ["lease"]


def test_a_check_that_breaks_is_a_complaint_itself():
    ill = board()
    ill.register("disk", lambda: str(1 / 0))
    (finding,) = ill.report().findings
    assert finding.check == "disk"
    assert "ZeroDivisionError" in finding.reason


def test_a_silent_loop_is_a_reason_to_restart_and_nothing_else_is():
    watch = Watch()
    stuck = board(watch)
    stuck.register("redis", says("no answer"), impact=Impact.UNHEALTHY, affects_readiness=True)
    loop = stuck.heartbeat("main_loop", 60)
    watch.seconds += 60
    assert stuck.dead() == []
    watch.seconds += 1
    (finding,) = stuck.dead()
    assert (finding.check, finding.reason) == ("main_loop", "no beat for 61 s, 60 s are allowed")
    assert stuck.report().health is Health.UNHEALTHY
    loop.beat()
    assert stuck.dead() == []


def test_names_are_given_once():
    once = board()
    once.register("redis", says(None))
    once.heartbeat("main_loop")
    with pytest.raises(ValueError, match="redis"):
        once.register("redis", says(None))
    with pytest.raises(ValueError, match="main_loop"):
        once.heartbeat("main_loop")


def test_the_information_counts_beats_and_time():
    watch = Watch()
    known = board(watch)
    known.heartbeat("main_loop").beat()
    known.describe = lambda: {"generation": 3}
    watch.seconds += 5
    assert known.info() == {
        "room": "risk", "release": "r1", "mode": "sim", "uptime_seconds": 5.0,
        "beats": {"main_loop": 1}, "generation": 3,
    }  # fmt: skip
