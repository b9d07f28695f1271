"""Every channel carries an alert or says why not; none reaches where it must not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests import factories as make
from tests.integration.webhook import Webhook
from trimtab_alerting.adapters.apprise_channel import AppriseChannel
from trimtab_alerting.adapters.local_channels import FileChannel, LogChannel
from trimtab_alerting.core.wording import message
from trimtab_alerting.ports import Channel, Outcome
from trimtab_runtime.logs import Redactor

HERE = "127.0.0.0/8"


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook().running() as running:
        yield running


class Channels:
    """Makes Apprise channels and lets go of them at the end."""

    def __init__(self) -> None:
        self.made: list[AppriseChannel] = []

    def __call__(self, url: str, *, networks: str = HERE, seconds: float = 30) -> AppriseChannel:
        channel = AppriseChannel(
            "phone",
            SecretStr(url),
            allowed_networks=networks,
            redact=Redactor(["s3cr3t"]),
            timeout_seconds=seconds,
        )
        self.made.append(channel)
        return channel


@pytest.fixture
async def apprise() -> AsyncIterator[Channels]:
    channels = Channels()
    yield channels
    for channel in channels.made:
        await channel.rest()


async def send(channel: Channel, number: int = 1) -> Outcome:
    alert = make.alert(number)
    return await channel.send(alert, message(alert, "sim"))


async def test_every_channel_carries_an_alert_and_can_rest(tmp_path, webhook, apprise):
    channels: list[Channel] = [
        LogChannel(),
        FileChannel(tmp_path / "alerts.log", lambda: 1_700_000_000.0),
        apprise(webhook.url),
    ]
    for channel in channels:
        assert (await send(channel)).sent, channel.queue
        await channel.rest()
        assert (await send(channel, 2)).sent, channel.queue
        await channel.rest()


async def test_a_webhook_is_sent_title_body_and_weight(webhook, apprise):
    await send(apprise(webhook.url))
    (received,) = webhook.received
    assert received["title"] == "[sim] Trading is halted"
    assert "by owner: walk 1" in received["message"]
    assert received["type"] == "failure"


async def test_one_courier_carries_several_messages(webhook, apprise):
    channel = apprise(webhook.url)
    for number in range(1, 4):
        assert (await send(channel, number)).sent
    assert len(webhook.received) == 3


@pytest.mark.parametrize(("mood", "why"), [("busy", "429"), ("broken", "500")])
async def test_an_error_is_an_outcome_with_a_reason(webhook, apprise, mood, why):
    webhook.mood = mood
    outcome = await send(apprise(webhook.url))
    assert not outcome.sent
    assert why in outcome.reason


async def test_a_redirect_is_not_followed(webhook, apprise):
    webhook.mood = "elsewhere"
    assert not (await send(apprise(webhook.url + "?redirect=yes"))).sent
    assert webhook.paths == ["/hook"]


async def test_a_server_that_never_answers_is_given_up(webhook, apprise):
    webhook.mood = "hanging"
    channel = apprise(webhook.url, seconds=3)
    outcome = await send(channel)
    assert outcome == Outcome(False, "no answer within 3 s")
    webhook.mood = "well"
    assert (await send(channel)).sent, "the next attempt has a courier of its own"


async def test_a_large_answer_stays_outside_the_room(webhook, apprise):
    webhook.mood = "talkative"
    assert (await send(apprise(webhook.url))).sent


@pytest.mark.parametrize(
    "url",
    [
        "jsons://localhost:{port}/hook",
        "json://127.0.0.1:{port}/hook",
        "jsons://127.0.0.1:{port}/hook?verify=no",
        "jsons://169.254.169.254/latest/meta-data",
        "jsons://[::1]:{port}/hook",
        "jsons://0.0.0.0:{port}/hook",
        "jsons://2130706433:{port}/hook",
        "mailtos://user:pw@localhost?smtp=127.0.0.1&port={port}&to=a@example.com",
    ],
)
async def test_a_private_address_is_never_connected_to(webhook, apprise, url):
    outcome = await send(apprise(url.format(port=webhook.port), networks=""))
    assert not outcome.sent
    assert "is not a public address" in outcome.reason
    assert webhook.paths == []


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "syslog://", "nonsense://host", "jsons://", "dbus://"]
)
async def test_an_address_that_is_none_is_told_as_such(apprise, url):
    outcome = await send(apprise(url))
    assert not outcome.sent
    assert outcome.reason


async def test_an_unencrypted_message_does_not_leave_for_a_public_host(apprise):
    outcome = await send(apprise("json://1.1.1.1/hook", networks=""))
    assert "unencrypted" in outcome.reason


async def test_nobody_listens(apprise):
    assert not (await send(apprise("json://127.0.0.1:9/s3cr3t"))).sent


async def test_a_file_keeps_one_json_object_a_line_for_its_owner_alone(tmp_path: Path):
    path = tmp_path / "alerts.log"
    channel = FileChannel(path, lambda: 1_700_000_000.0)
    for number in (1, 2):
        await send(channel, number)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["text"] for line in lines] == ["by owner: walk 1", "by owner: walk 2"]
    assert lines[0]["time"] == "2023-11-14T22:13:20+00:00"
    assert lines[0]["severity"] == "critical"
    assert path.stat().st_mode & 0o077 == 0


async def test_a_file_that_cannot_be_written_is_an_outcome(tmp_path: Path):
    outcome = await send(FileChannel(tmp_path, lambda: 0.0))
    assert not outcome.sent
    assert "directory" in outcome.reason
