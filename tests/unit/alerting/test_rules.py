"""What may stand in config/alerts.yaml, and how a mistake in it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from trimtab_alerting.core.noted import WORDS
from trimtab_alerting.core.rules import AlertRules
from trimtab_common.events import Severity
from trimtab_runtime import config
from trimtab_runtime.errors import ConfigError

SHIPPED = Path(__file__).parents[3] / "config" / "alerts.yaml"
RULE = """
silence: {seconds: 30, rooms: [risk]}
rules:
  - name: refused
    on: OrderRefused
    severity: warning
    key: "{rule}"
    window_seconds: 600
    title: "{symbol} refused"
    text: "{reason}"
    channels: [log]
"""


def read(tmp_path: Path, text: str) -> AlertRules:
    path = tmp_path / "alerts.yaml"
    path.write_text(text)
    return config.load(path, AlertRules)


def complaint(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    return str(caught.value)


def test_the_shipped_rules_can_be_read():
    assert len(config.load(SHIPPED, AlertRules).rules) > 5


def test_the_shipped_rules_speak_of_everything_that_can_be_told():
    assert {rule.on for rule in config.load(SHIPPED, AlertRules).rules} == set(WORDS)


def test_what_stops_or_endangers_trading_is_critical():
    rules = config.load(SHIPPED, AlertRules)
    critical = {rule.on for rule in rules.rules if rule.severity is Severity.CRITICAL}
    assert {"TradingHalted", "MismatchFound", "RoomDown", "DeadLetter"} <= critical


def test_a_rule_is_read_as_it_is_written(tmp_path):
    (rule,) = read(tmp_path, RULE).rules
    assert (rule.name, rule.on, rule.window_seconds) == ("refused", "OrderRefused", 600)
    assert rule.gather_seconds == 0


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("on: OrderRefused", "on: OrderRefusd", "'OrderRefusd' is none of DeadLetter, FeedStale"),
        ("{symbol} refused", "{simbol} refused", "title: OrderRefused has no word 'simbol'"),
        ("{symbol} refused", "{symbol.__class__}", "braces hold one word"),
        ("{symbol} refused", "{symbol!r}", "braces hold one word"),
        ("{symbol} refused", "{symbol:>99999999}", "braces hold one word"),
        ("{symbol} refused", "{symbol", "a brace is not closed"),
        ("{reason}", "{count}", "text: OrderRefused has no word 'count'"),
        ("severity: warning", "severity: loud", "severity"),
        ("window_seconds: 600", "window_seconds: 0", "window_seconds"),
        ("window_seconds: 600", "window: 600", "'window_seconds' is the nearest"),
        ("channels: [log]", "channels: []", "at least 1 entries"),
        ("channels: [log]", "channels: [Phone!]", "channels[0]"),
        ("rooms: [risk]", "rooms: [risk, 7]", "silence.rooms[1]"),
        ("name: refused", "name: Refused It", "rules[0].name"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path, before, after, said):
    assert before in RULE
    assert said in complaint(tmp_path, RULE.replace(before, after))


def test_two_rules_of_one_name_are_refused(tmp_path):
    twice = RULE + RULE.partition("rules:\n")[2]
    assert "the name 'refused' stands twice" in complaint(tmp_path, twice)


def test_a_group_title_may_say_how_many(tmp_path):
    text = RULE + '    group_title: "{count} refused by {rule}"\n'
    assert read(tmp_path, text).rules[0].group_title == "{count} refused by {rule}"
