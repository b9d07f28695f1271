"""A room that is silent, or unhealthy by its own word, is down; its return is told."""

from __future__ import annotations

import pytest

from tests import factories as make
from tests.unit.alerting.desk import Desk, rule, rules
from trimtab_common.events import AlertRaised, Health, Severity

DOWN = rule(
    "RoomDown", severity="critical", key="{room}", title="{room} is down",
    resolved_title="{room} is back", text="{room}: {reason}",
)  # fmt: skip


def watching(*rooms: str, **fields: object) -> Desk:
    desk = Desk(rules(DOWN | fields, silence={"seconds": 30.0, "rooms": list(rooms)}))
    desk.wait(0)
    return desk


def sleep(desk: Desk, seconds: int) -> list[AlertRaised]:
    """Time passes as in a room that wakes every second."""
    return [alert for _ in range(seconds) for alert in desk.wait(1)]


def test_a_room_that_reports_no_longer_is_down():
    desk = watching()
    desk.take(make.report())
    assert sleep(desk, 30) == []
    (alert,) = desk.wait(1)
    assert (alert.title, alert.text) == ("risk is down", "risk: no report for 30 s")
    assert alert.severity is Severity.CRITICAL


def test_a_silent_room_is_told_of_once():
    desk = watching()
    desk.take(make.report())
    sleep(desk, 3600)
    assert len(desk.said) == 1


def test_the_return_of_a_room_is_told():
    desk = watching()
    desk.take(make.report(number=1))
    sleep(desk, 31)
    (alert,) = desk.take(make.report(number=2))
    assert (alert.title, alert.resolved) == ("risk is back", True)


def test_a_room_that_never_reported_is_down_when_it_is_expected():
    desk = watching("ingest")
    (alert,) = sleep(desk, 31)
    assert alert.title == "ingest is down"


def test_an_unhealthy_room_is_down_with_its_own_reasons():
    desk = watching()
    (alert,) = desk.take(make.report(health=Health.UNHEALTHY))
    assert alert.text == "risk: redis: it does not answer"
    assert desk.take(make.report(health=Health.UNHEALTHY, number=2)) == []
    assert desk.take(make.report(number=3))[0].resolved


def test_a_degraded_room_is_not_down():
    assert watching().take(make.report(health=Health.DEGRADED)) == []


def test_a_short_absence_is_no_alert():
    desk = watching(gather_seconds=5.0)
    desk.take(make.report(health=Health.UNHEALTHY, number=1))
    sleep(desk, 4)
    desk.take(make.report(number=2))
    assert sleep(desk, 25) == []


def test_after_its_own_absence_the_watch_waits_before_it_judges():
    desk = watching("risk")
    desk.take(make.report())
    desk.now += 7200
    desk.restart()
    assert desk.wait(0) == []
    assert sleep(desk, 29) == []
    assert sleep(desk, 2)[0].title == "risk is down"


@pytest.mark.parametrize("seconds", [28_800, -3600])
def test_after_the_machine_slept_or_its_clock_was_set_the_watch_waits_too(seconds):
    desk = watching("risk", "ingest")
    desk.take(make.report(), make.report(room="ingest"))
    desk.wait(1)
    assert desk.wait(seconds) == []
    assert sleep(desk, 29) == []
    desk.take(make.report(number=2))
    assert [alert.title for alert in sleep(desk, 2)] == ["ingest is down"]


def test_rooms_that_are_down_are_shown():
    desk = watching("ingest", "risk")
    sleep(desk, 31)
    assert desk.pipeline.info()["rooms_down"] == ["ingest", "risk"]
