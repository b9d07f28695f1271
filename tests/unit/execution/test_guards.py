"""Whatever can keep an order from leaving: switches, doubts, clocks, arming, the request limit."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.execution.examples import an_order, row_at
from tests.unit.execution.fakes import FakeSwitch
from trimtab_execution.adapters.arm_file import ArmFile
from trimtab_execution.adapters.halt_file import HaltFile
from trimtab_execution.adapters.request_budget import RequestBudget
from trimtab_execution.core.clock import BrokerClock
from trimtab_execution.core.permission import Permission

NOW = row_at(1)
ORDER = an_order()
ARMED = {"account_number": "A1", "expires_at": "2024-03-05T00:00:00Z"}


def a_permission(*switches: FakeSwitch, simulated: bool = False, now=NOW) -> Permission:
    return Permission(switches, BrokerClock(lambda: now), simulated=simulated)


# --------------------------------------------------------------------------------- permission


def test_an_order_leaves_when_nobody_objects():
    assert a_permission(FakeSwitch(), FakeSwitch()).veto(ORDER) is None


def test_one_switch_is_enough_to_stop():
    assert a_permission(FakeSwitch(), FakeSwitch("stop")).veto(ORDER) == "stop"


def test_an_order_is_good_until_the_last_moment_of_its_time_and_no_longer():
    assert a_permission(now=ORDER.valid_until).veto(ORDER) is None
    after = ORDER.valid_until + timedelta(microseconds=1)
    assert a_permission(now=after).veto(ORDER) == "past its time"
    assert a_permission(now=after, simulated=True).veto(ORDER) is None, "there the rows tell time"


def test_doubts_stop_their_symbol_only():
    permission = a_permission()
    permission.doubtful_symbols = frozenset({"AAPL"})
    assert "AAPL" in (permission.veto(ORDER) or "")
    assert permission.veto(an_order(symbol="SPY")) is None


def test_trouble_with_the_account_stops_everything():
    permission = a_permission()
    permission.account_trouble = "the account is blocked by the broker"
    assert permission.veto(ORDER) == "the account is blocked by the broker"


# -------------------------------------------------------------------------------------- clock


def test_the_brokers_clock_is_ours_put_right():
    clock = BrokerClock(lambda: NOW)
    clock.learn(NOW, NOW + timedelta(seconds=1.5), NOW + timedelta(seconds=1))
    assert clock() == NOW + timedelta(seconds=1)
    assert clock.complaint is None


@pytest.mark.parametrize(("ahead", "complains"), [(2.0, False), (2.01, True), (-2.01, True)])
def test_a_clock_more_than_two_seconds_off_is_not_traded_by(ahead, complains):
    clock = BrokerClock(lambda: NOW)
    clock.learn(NOW, NOW + timedelta(seconds=ahead), NOW)
    assert bool(clock.complaint) is complains


# -------------------------------------------------------------------------------------- files


def test_the_halt_file_halts_with_its_text_or_without(tmp_path):
    switch = HaltFile(tmp_path / "HALT")
    assert switch.halted() is None
    (tmp_path / "HALT").write_text("losing money\n")
    assert switch.halted() == "losing money"
    (tmp_path / "HALT").write_bytes(b"")
    assert switch.halted() == "HALT file"
    (tmp_path / "HALT").unlink()
    assert switch.halted() is None


def test_a_halt_file_that_cannot_be_read_halts(tmp_path):
    (tmp_path / "HALT").mkdir()
    assert "cannot be read" in (HaltFile(tmp_path / "HALT").halted() or "")


def an_arm_file(folder: Path, text: Any) -> ArmFile:
    if text is not None:
        (folder / "ARM").write_text(text if isinstance(text, str) else json.dumps(text))
    return ArmFile(folder / "ARM", "A1", lambda: NOW)


def test_an_account_is_armed_by_a_file_that_names_it(tmp_path):
    assert an_arm_file(tmp_path, ARMED).halted() is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "not armed"),
        ("", "1 errors"),
        ("yes", "errors"),
        (ARMED | {"account_number": "A2"}, "for account A2, the keys for A1"),
        (ARMED | {"expires_at": "2024-03-04T14:31:00Z"}, "has expired"),
        (ARMED | {"expires_at": "2024-03-11T14:31:01Z"}, "7 days at most"),
        (ARMED | {"expires_at": "2024-03-05T00:00:00"}, "errors"),
        (ARMED | {"who": "me"}, "errors"),
        ({"account_number": "A1"}, "errors"),
    ],
)
def test_anything_else_arms_nothing(tmp_path, text, complaint):
    assert complaint in (an_arm_file(tmp_path, text).halted() or "")


# ------------------------------------------------------------------------------ request limit


class Time:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_submissions_wait_for_the_limit_and_leave_a_reserve_for_everything_else():
    time = Time()
    budget = RequestBudget(per_minute=60, reserve=20, monotonic=time.monotonic, sleep=time.sleep)
    for _ in range(40):
        budget.wait()
        budget.take()
    assert time.now == 0.0
    for _ in range(10):
        budget.wait()
        budget.take()
    assert 9.0 <= time.now <= 11.0, "one a second from here on"
    for _ in range(20):
        budget.take()  # look-ups and cancels wait for nobody
    assert time.now <= 11.0


def test_a_pause_fills_the_limit_up_again_and_not_further():
    time = Time()
    budget = RequestBudget(per_minute=60, reserve=20, monotonic=time.monotonic, sleep=time.sleep)
    time.now = 10_000.0
    for _ in range(40):
        budget.wait()
        budget.take()
    assert time.now == 10_000.0
    budget.wait()
    assert time.now > 10_000.0
