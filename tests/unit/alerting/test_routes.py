"""Which addresses there are, and which alert goes where."""

from __future__ import annotations

import pytest

from tests import factories as make
from tests.unit.alerting.desk import rule, rules
from trimtab_alerting.core.routes import Routes, addresses

SECRET = "s3cr3ttoken"


def test_addresses_stand_side_by_side_or_on_lines_with_a_name_or_without():
    text = f"phone=ntfys://host/{SECRET}\nmailtos://u:p@host?to=a@b.c, discord://1/2"
    phone, mail, chat = addresses(text)
    assert (phone.channel, phone.queue, phone.url) == ("phone", "phone", f"ntfys://host/{SECRET}")
    assert mail.channel == chat.channel == "owner"
    assert mail.queue != chat.queue


def test_a_comma_within_an_address_belongs_to_it():
    (address,) = addresses("mailtos://u:p@host?to=a@b.c,d@e.f")
    assert address.url.endswith("a@b.c,d@e.f")


@pytest.mark.parametrize(
    "text",
    [SECRET, f"log=jsons://h/{SECRET}", f"a=jsons://h/{SECRET} a=jsons://i/{SECRET}",
     f"jsons://h/{SECRET} jsons://h/{SECRET}", f"Phone Number=jsons://h/{SECRET}"],
)  # fmt: skip
def test_a_mistake_is_told_without_the_secret(text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is what matters
        addresses(text)
    assert SECRET not in str(caught.value)


def routes(channels: list[str], urls: str = "") -> Routes:
    file = rules(rule("TradingHalted", name="trading-halted", channels=channels))
    return Routes(file.rules, addresses(urls))


def test_an_alert_goes_to_the_channels_of_its_rule():
    both = routes(["file", "phone", "owner"], "phone=a://b c://d e://f")
    queues = both.queues(make.alert())
    assert queues[:2] == ["file", "phone"]
    assert len(queues) == 4


def test_owner_without_addresses_is_nobody():
    assert routes(["log", "owner"]).queues(make.alert()) == ["log"]


def test_a_channel_that_is_not_there_is_known():
    assert routes(["log", "phone"]).unknown() == {"trading-halted": "phone"}
    assert routes(["phone"], "phone=a://b").unknown() == {}


def test_an_alert_whose_rule_is_gone_goes_everywhere():
    everywhere = routes(["log"], "phone=a://b").queues(make.alert(rule="gone"))
    assert everywhere == ["log", "file", "phone"]
