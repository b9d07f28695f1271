"""The real process with the shipped rules: what the owner hears of, once, and through what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import factories as make
from tests.integration.room_process import ROOT, RoomProcess, wait_for
from tests.integration.webhook import Webhook
from trimtab_common.events import Health, Severity

pytestmark = pytest.mark.redis
SHIPPED = (ROOT / "config" / "alerts.yaml").read_text()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook().running() as running:
        yield running


@pytest.fixture
def alerting(redis_url: str, tmp_path: Path, webhook: Webhook) -> Iterator[RoomProcess]:
    """The room, its rules with short times, and the webhook as the owner's phone."""
    rules = SHIPPED
    for before, after in (
        ("seconds: 30 ", "seconds: 6 "),
        ("rooms: [ingest, strategy, risk, execution, recorder]", "rooms: []"),
        ("gather_seconds: 5 ", "gather_seconds: 1 "),
    ):
        assert before in rules
        rules = rules.replace(before, after)
    (tmp_path / "alerts.yaml").write_text(rules)
    room = RoomProcess(
        "alerting", redis_url, tmp_path / "home",
        CONFIG_DIR=str(tmp_path), ALERT_URLS=webhook.url, ALERT_NETWORKS="127.0.0.1",
    )  # fmt: skip
    yield room
    room.end()


def lines(room: RoomProcess) -> list[dict[str, object]]:
    path = room.home / "alerts.log"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def by_rule(room: RoomProcess) -> dict[str, str]:
    return {alert.rule: alert.title for alert in room.alerts()}


def complaint(room: RoomProcess) -> str:
    """What the room says about its channels; empty while they are well."""
    reasons = room.ask("healthz").get("reasons", [])
    return "".join(reason["reason"] for reason in reasons if reason["check"] == "channels")


def test_every_kind_of_event_is_told_and_reaches_file_and_phone(alerting, webhook):
    alerting.publish(
        *(make.fill(number) for number in range(12)),
        make.bar(),
        make.refusal(),
        make.rejection(),
        make.halt(),
        make.resumption(),
        make.flatten(),
        make.stale_feed(),
        make.mismatch(),
        make.report(health=Health.UNHEALTHY),
    )
    letter = {"stream": "x:bars", "entry": "1-0", "type": "BarClosed", "data": "{", "room": "risk",
              "reason": "not JSON"}  # fmt: skip
    alerting.server.xadd(alerting.prefix + "dead", letter)
    alerting.start()
    expected = {
        "order-filled": "12 fills",
        "order-refused": "AAPL: order refused by rule position_weight",
        "order-rejected": "AAPL: order rejected",
        "trading-halted": "Trading is halted",
        "trading-resumed": "Trading goes on",
        "flatten-requested": "Everything is being sold",
        "feed-stale": "No bars from iex for 5 min",
        "books-differ": "Our books and the broker's differ: position AAPL",
        "room-down": "risk is down",
        "dead-letter": "risk could not process an entry of x:bars",
    }
    wait_for(lambda: len(alerting.alerts()) == len(expected), what="every alert")
    assert by_rule(alerting) == expected
    wait_for(lambda: len(webhook.received) == len(expected), what="every delivery")
    assert sorted(webhook.titles) == sorted(f"[sim] {title}" for title in expected.values())
    assert {line["rule"] for line in lines(alerting)} == set(expected)
    assert alerting.rss_megabytes() <= 100
    assert alerting.stop() == 0


def test_a_room_that_falls_silent_is_told_and_its_return_too(alerting):
    alerting.start()
    alerting.ready()
    alerting.publish(make.report(number=1))
    wait_for(lambda: len(alerting.alerts()) == 1, what="the alert")
    alerting.publish(make.report(number=2))
    wait_for(lambda: len(alerting.alerts()) == 2, what="the good news")
    down, back = alerting.alerts()
    assert (down.title, down.severity) == ("risk is down", Severity.CRITICAL)
    assert (back.title, back.resolved) == ("risk is back", True)


def test_while_the_phone_is_broken_the_room_goes_on_and_loses_nothing(alerting, webhook):
    webhook.mood = "broken"
    alerting.start()
    alerting.publish(*(make.halt(number, reason=f"reason {number}") for number in range(5)))
    wait_for(lambda: len(lines(alerting)) == 5, what="the file")
    wait_for(lambda: "500" in complaint(alerting), what="the complaint")
    assert alerting.ask("healthz")["status"] == "DEGRADED"
    assert alerting.ask("readyz")["status"] == "ready"
    webhook.mood = "well"
    wait_for(lambda: len(webhook.received) == 5, what="the deliveries")
    said = [message["message"].split("reason ")[1][0] for message in webhook.received]
    assert said == ["0", "1", "2", "3", "4"]


def test_an_address_that_is_none_is_told_at_the_start(redis_url, tmp_path):
    room = RoomProcess("alerting", redis_url, tmp_path / "home", ALERT_URLS="nonsense://x")
    try:
        room.start()
        wait_for(lambda: complaint(room), what="the complaint")
        assert "Apprise does not understand this address" in complaint(room)
        assert room.ask("readyz")["status"] == "ready"
    finally:
        room.end()


def test_no_secret_is_written_anywhere(redis_url, tmp_path):
    canary = "c4n4ryT0ken77"
    room = RoomProcess(
        "alerting", redis_url, tmp_path / "home",
        ALERT_URLS=f"json://user:{canary}@127.0.0.1:9/{canary}/x?k={canary}",
        ALERT_NETWORKS="127.0.0.1", LOG_LEVEL="debug",
    )  # fmt: skip
    try:
        room.start()
        room.publish(make.halt())
        wait_for(lambda: complaint(room), what="the complaint")
        told = [str(room.ask(endpoint)) for endpoint in ("healthz", "readyz", "info", "livez")]
        room.stop()
    finally:
        room.end()
    written = [path.read_bytes() for path in room.home.rglob("*") if path.is_file()]
    streams = [str(room.server.xrange(key)) for key in room.server.keys(f"{room.prefix}*s")]
    assert canary not in "".join([*told, *streams])
    assert not any(canary.encode() in content for content in written)
