"""Whatever is killed when, a critical alert arrives at least once, and is published once."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import factories as make
from tests.integration.room_process import RoomProcess, wait_for
from tests.integration.webhook import Webhook

pytestmark = pytest.mark.redis


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook().running() as running:
        yield running


@pytest.fixture
def alerting(redis_url: str, tmp_path: Path, webhook: Webhook) -> Iterator[RoomProcess]:
    room = RoomProcess(
        "alerting", redis_url, tmp_path / "home",
        ALERT_URLS=webhook.url, ALERT_NETWORKS="127.0.0.1",
    )  # fmt: skip
    yield room
    room.end()


def reasons(webhook: Webhook) -> list[str]:
    return [message["message"].split("reason-")[1].split(".")[0] for message in webhook.received]


def test_a_kill_at_the_moment_an_alert_is_published_does_not_lose_it(alerting, webhook):
    seen = "0-0"
    for number in range(4):
        alerting.start()
        alerting.ready()
        alerting.publish(make.halt(number, reason=f"reason-{number}"))
        found = alerting.server.xread({f"{alerting.prefix}alerts": seen}, block=20_000)
        alerting.kill()
        seen = found[0][1][-1][0]
    alerting.start()
    wait_for(lambda: set(reasons(webhook)) == {"0", "1", "2", "3"}, what="every alert")
    assert len(alerting.alerts()) == 4


def test_a_kill_while_an_alert_is_carried_does_not_lose_it(alerting, webhook):
    webhook.mood = "hanging"
    alerting.start()
    alerting.publish(make.halt(reason="reason-1"))
    wait_for(lambda: webhook.paths, what="the first attempt")
    alerting.kill()
    assert webhook.received == []
    webhook.mood = "well"
    alerting.start()
    wait_for(lambda: webhook.received, what="the delivery")
    assert reasons(webhook) == ["1"]
    assert len(alerting.alerts()) == 1


def test_what_was_carried_is_not_carried_again_by_the_next_process(alerting, webhook):
    alerting.start()
    alerting.publish(make.halt(1, reason="reason-1"))
    wait_for(lambda: alerting.ask("info").get("waiting_alerts") == {} and webhook.received)
    alerting.kill()
    alerting.start()
    alerting.publish(make.halt(2, reason="reason-2"))
    wait_for(lambda: "2" in reasons(webhook), what="the second alert")
    assert reasons(webhook) == ["1", "2"]


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_under_random_kills_every_critical_alert_arrives_and_is_published_once(
    alerting, webhook, seed
):
    chance = random.Random(seed)
    alerting.start()
    count = 40
    for number in range(count):
        alerting.publish(make.halt(number, reason=f"reason-{number}"))
        time.sleep(chance.uniform(0, 0.15))
        if number % 8 == 5:
            time.sleep(chance.uniform(0, 2.5))
            alerting.kill()
            alerting.start()
    everything = {str(number) for number in range(count)}
    wait_for(lambda: set(reasons(webhook)) == everything, what="every alert")
    arrived = Counter(reasons(webhook))
    assert sum(arrived.values()) - count <= 5, "a kill may double one delivery, not more"
    published = Counter(alert.id for alert in alerting.alerts())
    assert set(published.values()) == {1}
    assert len(published) == count
    order = list(dict.fromkeys(reasons(webhook)))
    assert order == sorted(order, key=int), "the queue keeps its order"
