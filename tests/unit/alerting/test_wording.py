"""How an alert reads, whatever the event brought along."""

from __future__ import annotations

import pytest

from tests import factories as make
from tests.unit.alerting.desk import Desk, rule, rules
from trimtab_alerting.core.wording import message


def said(event, **fields):
    return Desk(rules(rule(type(event).__name__, **fields))).take(event)[0]


def test_the_same_causes_give_the_same_event():
    assert said(make.rejection()) == said(make.rejection())


def test_an_id_stays_within_bounds_however_long_the_cause_is():
    long, other = (make.rejection(id="x" * 239 + letter) for letter in "ab")
    assert len(said(long).id) <= 240
    assert said(long).id != said(other).id


def test_long_texts_are_cut():
    alert = said(make.rejection(reason="no " * 333), text="{reason}" * 3, title="{reason}")
    assert len(alert.text) <= 1000
    assert len(alert.title) <= 200


def test_a_message_says_whose_money_it_is_about_and_when():
    text = message(make.alert(), "paper")
    assert text.title == "[paper] Trading is halted"
    assert text.body.endswith("trading-halted · critical · 2024-03-04 14:31 UTC")


def test_good_news_look_like_it():
    assert "✓" in message(make.alert(resolved=True), "sim").title


@pytest.mark.parametrize(
    "text",
    ["@everyone", "@here", "<@123>", "<@&123>", "<#1>", "<!channel>", "[bank](http://evil)", "`x`"],
)
def test_a_message_mentions_nobody_and_hides_no_link(text):
    body = message(make.alert(text=text, title=text), "sim").body
    assert text not in body
    assert text not in message(make.alert(title=text), "sim").title


def test_words_in_an_event_are_never_taken_for_a_template():
    alert = said(make.rejection(reason="{symbol} {0} {"), text="{reason}")
    assert alert.text == "{symbol} {0} {"
