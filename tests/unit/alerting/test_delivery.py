"""Alerts reach their channels in order, whatever becomes of other channels."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests import factories as make
from tests.unit.alerting.desk import rule, rules
from trimtab_alerting.adapters.outbox import SqliteOutbox
from trimtab_alerting.core.routes import ALWAYS_THERE, Routes
from trimtab_alerting.core.wording import Message
from trimtab_alerting.delivery import GIVEN_UP_SECONDS, Delivery
from trimtab_alerting.metrics import AlertingMetrics
from trimtab_alerting.ports import Outcome
from trimtab_common.events import AlertRaised
from trimtab_runtime.metrics import RoomMetrics


class FakeChannel:
    """Carries, refuses or hangs, as the test wants."""

    def __init__(self, queue: str) -> None:
        self.queue = queue
        self.refuses = 0
        self.hangs = False
        self.carried: list[Message] = []
        self.rests = 0
        self.able = Outcome(True)

    async def check(self) -> Outcome:
        return self.able

    async def send(self, alert: AlertRaised, message: Message) -> Outcome:
        if self.hangs:
            await asyncio.Event().wait()
        if self.refuses:
            self.refuses -= 1
            return Outcome(False, "error=429")
        self.carried.append(message)
        return Outcome(True)

    async def rest(self) -> None:
        self.rests += 1

    @property
    def walks(self) -> list[int]:
        return [int(message.body.split("walk ")[1].split()[0]) for message in self.carried]


class System:
    """A delivery over a real outbox and two fake channels."""

    def __init__(self, folder: Path) -> None:
        self.now = 1_700_000_000.0
        self.log, self.file = (FakeChannel(name) for name in ALWAYS_THERE)
        self.outbox = SqliteOutbox(folder / "outbox.db", lambda: self.now)
        file = rules(rule("TradingHalted", name="trading-halted", channels=["log", "file"]))
        self.delivery = Delivery(
            self.outbox,
            [self.log, self.file],
            Routes(file.rules, []),
            mode="sim",
            metrics=AlertingMetrics(RoomMetrics("alerting", "test", "sim")),
            now=lambda: self.now,
            backoff_seconds=(0.001,),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.ensure_future(loop) for loop in self.delivery.loops()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come about")


def alerts(count: int, first: int = 1) -> list[AlertRaised]:
    return [make.alert(number) for number in range(first, first + count)]


async def test_every_channel_carries_every_alert_in_order(system):
    async with system.running():
        await system.delivery.keep(alerts(5))
        await until(lambda: len(system.log.carried) == len(system.file.carried) == 5)
    assert system.log.walks == system.file.walks == [1, 2, 3, 4, 5]


async def test_a_refused_alert_is_tried_again_and_keeps_its_place(system):
    system.log.refuses = 7
    async with system.running():
        await system.delivery.keep(alerts(3))
        await until(lambda: len(system.log.carried) == 3)
    assert system.log.walks == [1, 2, 3]


async def test_a_channel_that_hangs_holds_up_nobody(system):
    system.log.hangs = True
    async with system.running():
        await system.delivery.keep(alerts(3))
        await until(lambda: len(system.file.carried) == 3)
    assert system.outbox.waiting() == {"log": 3}


async def test_what_was_not_carried_is_carried_by_the_next_process(system, tmp_path):
    await system.delivery.keep(alerts(2))
    heir = System(tmp_path)
    async with heir.running():
        await until(lambda: len(heir.log.carried) == 2)
    assert heir.log.walks == [1, 2]


async def test_a_failing_channel_is_told_with_its_reason_until_it_works(system):
    system.log.refuses = 10_000
    async with system.running():
        await system.delivery.keep(alerts(1))
        await until(lambda: system.delivery.complaint() is not None)
        assert system.delivery.complaint() == "log: error=429"
        system.log.refuses = 0
        await until(lambda: system.delivery.complaint() is None)


async def test_a_channel_that_cannot_work_is_told_before_there_is_anything_to_carry(system):
    system.log.able = Outcome(False, "Apprise does not understand this address")
    async with system.running():
        await until(lambda: system.delivery.complaint() is not None)
    assert system.delivery.complaint() == "log: Apprise does not understand this address"


async def test_after_a_day_an_alert_is_given_up_and_the_next_message_says_so(system):
    system.log.refuses = 10_000
    async with system.running():
        await system.delivery.keep(alerts(3))
        await until(lambda: system.delivery.complaint() is not None)
        system.now += GIVEN_UP_SECONDS + 1
        await until(lambda: not system.outbox.waiting().get("log"))
        system.log.refuses = 0
        await system.delivery.keep(alerts(1, first=4))
        await until(lambda: bool(system.log.carried))
    assert system.log.walks == [4]
    assert "3 older alerts were given up after 24 h" in system.log.carried[0].body


async def test_a_channel_rests_when_nothing_waits(system):
    async with system.running():
        await until(lambda: system.log.rests == 1)
        await system.delivery.keep(alerts(1))
        await until(lambda: system.log.rests == 2)


async def test_settling_waits_for_working_channels_and_not_for_failing_ones(system):
    system.file.refuses = 10_000
    async with system.running():
        await system.delivery.keep(alerts(20))
        await until(lambda: system.delivery.complaint() is not None)
        await system.delivery.settle()
    assert len(system.log.carried) == 20
    assert system.delivery.info()["waiting_alerts"] == {"file": 20}


async def test_nothing_is_kept_of_nothing(system):
    await system.delivery.keep([])
    assert system.outbox.waiting() == {}
