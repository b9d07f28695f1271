"""docs/alerts.md says what is so."""

from __future__ import annotations

import re
from pathlib import Path

from trimtab_alerting.core.noted import WORDS
from trimtab_alerting.core.rules import AlertRules
from trimtab_alerting.delivery import BACKOFF_SECONDS
from trimtab_runtime import config

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "alerts.md").read_text()


def test_it_lists_every_word_that_a_rule_may_use():
    table = TEXT.partition("| `on` |")[2].partition("\n\n")[0]
    listed: dict[str, set[str]] = {}
    for line in table.splitlines()[2:]:
        _, kinds, words, _ = line.split("|")
        plain = re.sub(r"\(.*?\)", "", words)
        for kind in re.findall(r"`(\w+)`", kinds):
            listed[kind] = {word.strip() for word in plain.split(",")} | {"at"}
    assert listed == WORDS


def test_it_names_every_shipped_rule_and_how_loud_it_is():
    table = TEXT.partition("| rule |")[2].partition("\n\n")[0]
    listed: dict[str, str] = {}
    for line in table.splitlines()[2:]:
        _, names, _, severity, _ = line.split("|")
        listed |= dict.fromkeys(re.findall(r"`([a-z-]+)`", names), severity.strip())
    shipped = config.load(ROOT / "config" / "alerts.yaml", AlertRules).rules
    assert listed == {rule.name: rule.severity.value for rule in shipped}


def test_its_pauses_are_those_of_the_code():
    assert list(map(int, BACKOFF_SECONDS)) == [1, 2, 5, 15, 60, 300]
    assert "after 1 s, 2 s, 5 s, 15 s,\n  1 min and then every 5 min" in TEXT
