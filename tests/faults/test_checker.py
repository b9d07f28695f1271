"""The checker finds what it is there to find: each claim fails on a small run that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.faults import checker
from tests.faults.checker import DOUBLED, LOST, WRONG, Claim, violations
from tests.faults.evidence import Evidence, Group, Ledger, Standing
from tests.faults.examples import FILLED, ONE, TWO, WORKING, evidence, fill, mark, streams, told

Events = list[tuple[str, dict[str, Any]]]


def with_stream(family: str, change: Callable[[Events], Any]) -> Evidence:
    """The run with one stream changed; what was recorded and taken follows the change."""
    changed = streams()
    change(changed[family])
    return evidence(streams=changed)


def with_room(room: str, **fields: Any) -> Evidence:
    whole = evidence()
    changed: Standing = replace(whole.standings[room], **fields)
    return replace(whole, standings={**whole.standings, room: changed})


def with_group(**fields: Any) -> Evidence:
    whole = evidence()
    first: Group = whole.groups[0]._replace(**fields)
    return replace(whole, groups=[first, *whole.groups[1:]])


def with_record(**fields: Any) -> Evidence:
    whole = evidence()
    return replace(whole, record=replace(whole.record, **fields))


def without(record: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != key}


def with_ledger(who: str, cash: str = "49.50", quantity: str = "5") -> Evidence:
    ledger = Ledger(cash=Decimal(cash), positions={"A": Decimal(quantity)})
    return evidence(ledgers={**evidence().ledgers, who: ledger})


def logged_twice() -> Evidence:
    log = [*evidence().exchange_log, {"kind": "order", "client_order_id": FILLED}]
    return evidence(exchange_log=log)


def account(**fields: Any) -> Evidence:
    return evidence(account=replace(evidence().account, **fields))


ENDS = checker.every_intent_ends_once
ORDERS = checker.one_order_an_intent
FILLS = checker.every_fill_is_applied_once
BOOKS = checker.books_equal_the_exchange
TAKEN = checker.what_came_in_was_taken
ONCE = checker.no_event_is_said_twice
REST = checker.nothing_waits
ROWS = checker.rows_are_in_order
RECORD = checker.the_record_is_complete

BROKEN: dict[str, tuple[Claim, str, Evidence]] = {
    "an approved order without an end": (ENDS, LOST, evidence(unfinished=frozenset())),
    "an order that was filled and cancelled": (
        ENDS, DOUBLED, with_stream("fills", lambda s: s.append(told("OrderCancelled", FILLED)))
    ),
    "an order that ended and is at work": (
        ENDS, DOUBLED, evidence(unfinished=frozenset({WORKING, FILLED}))
    ),
    "an end of what nobody approved": (
        ENDS, WRONG, with_stream("fills", lambda s: s.append(told("OrderRejected", "tt-other")))
    ),
    "an order at work that execution forgot": (
        ENDS, LOST, account(at_work=frozenset({WORKING, FILLED}))
    ),
    "two orders for one intent": (ORDERS, DOUBLED, logged_twice()),
    "an order that nobody approved": (
        ORDERS, WRONG, with_stream("orders", lambda s: s.pop(0))
    ),
    "an order that the journal has as held": (
        ORDERS, WRONG, evidence(journal={FILLED: "sending", WORKING: "held"})
    ),
    "an order that the journal does not know": (
        ORDERS, WRONG, evidence(journal={FILLED: "sending"})
    ),
    "an acceptance that nobody was told of": (
        ORDERS, LOST, with_stream("fills", lambda s: s.pop(2))
    ),
    "an acceptance told twice": (
        ORDERS, DOUBLED, with_stream("fills", lambda s: s.append(told("OrderAccepted", FILLED)))
    ),
    "a fill that was lost on the way": (FILLS, LOST, with_stream("fills", lambda s: s.pop(3))),
    "a last fill that was lost": (FILLS, LOST, with_stream("fills", lambda s: s.pop(4))),
    "a fill that was doubled": (
        FILLS, DOUBLED, with_stream("fills", lambda s: s.insert(5, fill("3", "5")))
    ),
    "a fill of what the exchange never filled": (FILLS, DOUBLED, account(filled={})),
    "a cent too much in risk's books": (BOOKS, WRONG, with_ledger("risk", cash="49.51")),
    "a unit too little in execution's books": (
        BOOKS, WRONG, with_ledger("execution", quantity="4")
    ),
    "a holding that only the exchange has": (
        BOOKS, WRONG, account(positions={"A": Decimal(5), "B": Decimal(1)})
    ),
    "fills that do not add up to the cash": (BOOKS, WRONG, account(cash=Decimal(49))),
    "an entry that a room has not taken": (
        TAKEN, LOST, with_room("recorder", cursor={"fills": "6-0"})
    ),
    "an entry that a room stepped over": (
        TAKEN, LOST, with_room("risk", folds={"bars": 1, "orders": 2})
    ),
    "an entry that a room took twice": (
        TAKEN, DOUBLED, with_room("risk", folds={"bars": 3, "orders": 2})
    ),
    "an entry given up that is nowhere": (
        TAKEN, LOST, with_room("risk", folds={"bars": 1, "-bars": 1, "orders": 2})
    ),
    "an event said twice": (ONCE, DOUBLED, with_stream("health", lambda s: s.append(s[0]))),
    "something pending": (REST, LOST, with_group(pending=1)),
    "something never given": (REST, LOST, with_group(lag=2)),
    "a group of an earlier life": (REST, WRONG, with_group(generation=2)),
    "a room without a group": (REST, WRONG, evidence(groups=evidence().groups[1:])),
    "a row that a stage left out": (ROWS, LOST, with_stream("signals", lambda s: s.pop(0))),
    "a row ended twice": (
        ROWS, DOUBLED, with_stream("signals", lambda s: s.append(mark("signals", TWO)))
    ),
    "rows out of order": (ROWS, WRONG, with_stream("signals", lambda s: s.reverse())),
    "a bar that is missing in its row": (ROWS, LOST, with_stream("bars", lambda s: s.pop(0))),
    "a bar too many in its row": (
        ROWS, DOUBLED, with_stream("bars", lambda s: s.insert(0, s[0]))
    ),
    "an order in the row after its own": (
        ROWS, WRONG, with_stream("orders", lambda s: s.insert(1, s.pop(0)))
    ),
    "an event that is not in the record": (
        RECORD, LOST, with_record(events=without(dict(evidence().record.events), "cash:opening"))
    ),
    "other words in the record": (
        RECORD, WRONG,
        with_record(events={**evidence().record.events, "cash:opening": ("fills", {"at": ONE})}),
    ),
    "an event that only the record has": (
        RECORD, WRONG, with_record(events={**evidence().record.events, "x": ("fills", {})})
    ),
    "a fill that is not in the record": (RECORD, LOST, with_record(fills={})),
    "an order that is over and not so in the record": (
        RECORD, WRONG,
        with_record(orders={**evidence().record.orders, FILLED: ("accepted", Decimal(5))}),
    ),
    "an order filled by less in the record": (
        RECORD, WRONG,
        with_record(orders={**evidence().record.orders, FILLED: ("filled", Decimal(4))}),
    ),
    "a dead letter that is not in the record": (
        RECORD, WRONG, evidence(dead=[{"id": "1-0", "stream": "trimtab:bars"}])
    ),
}  # fmt: skip


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert violations(evidence()) == []


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_found_and_named(name: str) -> None:
    claim, kind, broken = BROKEN[name]
    assert kind in {found.kind for found in violations(broken, [claim])}


def test_every_claim_has_a_run_that_breaks_it() -> None:
    assert {claim for claim, _, _ in BROKEN.values()} == set(checker.CLAIMS)


def test_an_entry_that_is_no_event_breaks_nothing_once_it_is_dead() -> None:
    whole = evidence()
    bars = [*whole.streams["bars"]]
    bars.append(bars[-1]._replace(id="5-0", type="", data=None))
    assert (
        violations(evidence_with_rubbish(bars), [checker.what_came_in_was_taken, ONCE, ROWS]) == []
    )


def evidence_with_rubbish(bars: list[Any]) -> Evidence:
    whole = evidence()
    risk = replace(
        whole.standings["risk"],
        cursor={"bars": "5-0", "orders": "4-0"},
        folds={"bars": 2, "-bars": 1, "orders": 2},
    )
    recorder = replace(
        whole.standings["recorder"], cursor={**whole.standings["recorder"].cursor, "bars": "5-0"}
    )
    return replace(
        whole,
        streams={**whole.streams, "bars": bars},
        standings={"risk": risk, "recorder": recorder},
        dead=[{"id": "1-0", "stream": "trimtab:bars"}],
    )
