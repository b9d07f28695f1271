"""Every event is put into the words that the rules are promised."""

from __future__ import annotations

import pytest

from tests import factories as make
from trimtab_alerting.core.noted import DEAD_LETTER, ROOM_DOWN, WORDS, Noted
from trimtab_alerting.handlers import HANDLERS, on_dead_letter
from trimtab_common.events import Event, RoomReported
from trimtab_common.sides import Side

EXAMPLES = [
    make.fill(),
    make.refusal(),
    make.rejection(),
    make.halt(),
    make.resumption(),
    make.flatten(),
    make.stale_feed(),
    make.mismatch(),
]
LETTER = {b"stream": b"trimtab:bars", b"entry": b"5-0", b"type": b"BarClosed", b"data": b"{",
          b"room": b"strategy", b"reason": b"not JSON"}  # fmt: skip


def words(event: Event) -> Noted:
    said = HANDLERS[type(event)](event)
    assert isinstance(said, Noted)
    return said


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_an_event_offers_exactly_the_words_that_are_listed(event):
    said = words(event)
    assert said.kind == type(event).__name__
    assert said.words.keys() == WORDS[said.kind]
    assert (said.cause, said.at) == (event.id, event.at)


def test_every_handler_has_an_example():
    assert {type(event) for event in EXAMPLES} == set(HANDLERS) - {RoomReported}
    assert set(WORDS) == {event.__name__ for event in HANDLERS if event is not RoomReported} | {
        DEAD_LETTER,
        ROOM_DOWN,
    }


def test_a_sale_is_told_as_one():
    said = words(make.fill(side=Side.SELL))
    assert said.words["done"] == "sold"


def test_a_feed_that_never_delivered_says_so():
    assert words(make.stale_feed(last_bar_at=None)).words["last_bar"] == "never"


def test_many_symbols_are_not_all_listed():
    symbols = tuple(f"S{number}" for number in range(30))
    assert words(make.stale_feed(symbols=symbols)).words["symbols"].endswith("and 25 more")


def test_good_news_are_told_as_such():
    assert words(make.mismatch(resolved=True)).resolved


def test_a_dead_letter_offers_its_words_and_the_time_it_was_given_up():
    said = on_dead_letter("1709562660000-3", LETTER)
    assert said.words.keys() == WORDS[DEAD_LETTER]
    assert said.words["room"] == "strategy"
    assert said.words["at"] == "2024-03-04 14:31 UTC"


def test_a_dead_letter_may_hold_any_bytes():
    hostile = {name: b"\xff\x00\n\x1b[31m" + b"x" * 5000 for name in LETTER}
    said = on_dead_letter("1709562660000-3", hostile)
    assert all(text.isprintable() and len(text) <= 1000 for text in said.words.values())


def test_a_dead_letter_without_fields_is_told_all_the_same():
    assert on_dead_letter("1-0", {}).words["reason"] == "unknown"
