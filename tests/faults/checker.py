"""Judges a run by what it left behind; each promise is a function that names what breaks it.

Nothing here talks to anybody. `lost` and `doubled` are what the fault table counts; whatever else
contradicts a promise is `wrong`, and none of the three may be found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from tests.faults.evidence import MARK, ZERO, Entry, Evidence, Group, Ledger

CENT = Decimal("0.01")
LOST, DOUBLED, WRONG = "lost", "doubled", "wrong"
FAMILIES_WITH_ROWS = ("bars", "signals", "orders", "fills")
DATED = {"bars": "BarClosed", "signals": "SignalRaised", "orders": "OrderApproved"}
"""Family → events whose time is that of the row they stand in."""
NOT_RECORDED = frozenset({"BarClosed", MARK, "RoomReported"})
BEGINNING = (0, 0)


class Violation(NamedTuple):
    """One thing that must not be."""

    kind: str
    claim: str
    text: str


Found = Iterator[tuple[str, str]]
Claim = Callable[[Evidence], Found]


def every_intent_ends_once(evidence: Evidence) -> Found:
    """Each approved order has one end: filled, cancelled, rejected; or is known to be at work."""
    endings = Counter(_ends(evidence))
    approved = [e["client_order_id"] for e in evidence.events("orders", "OrderApproved")]
    for key in approved:
        ends = endings[key] + (key in evidence.unfinished)
        if not ends:
            yield LOST, f"order {key} was approved and has no end"
        elif ends > 1:
            yield DOUBLED, f"order {key} has {ends} ends"
    for key in sorted(endings.keys() - set(approved)):
        yield WRONG, f"order {key} has an end and was never approved"
    for key in sorted(evidence.account.at_work - evidence.unfinished):
        yield LOST, f"order {key} is at work at the exchange and execution knows nothing of it"


def one_order_an_intent(evidence: Evidence) -> Found:
    """The exchange took in each order once, and none that was not approved and written down."""
    taken_in = Counter(
        record["client_order_id"] for record in evidence.exchange_log if record["kind"] == "order"
    )
    approved = {e["client_order_id"] for e in evidence.events("orders", "OrderApproved")}
    for key, times in sorted(taken_in.items()):
        if times > 1:
            yield DOUBLED, f"the exchange took in order {key} {times} times"
        if key not in approved:
            yield WRONG, f"the exchange has order {key}, which nobody approved"
        if evidence.journal.get(key) != "sending":
            yield WRONG, f"order {key} was sent; the journal says {evidence.journal.get(key)}"
    accepted = Counter(e["client_order_id"] for e in evidence.events("fills", "OrderAccepted"))
    for key in sorted(taken_in.keys() - accepted.keys()):
        yield LOST, f"the exchange has order {key} and nobody was told"
    for key, times in sorted(accepted.items()):
        if times > 1:
            yield DOUBLED, f"order {key} was told as accepted {times} times"


def every_fill_is_applied_once(evidence: Evidence) -> Found:
    """The fills of an order add up without gap or overlap to what the exchange filled of it."""
    told: dict[str, Decimal] = {}
    for fill in evidence.events("fills", "OrderFilled"):
        key, quantity = fill["client_order_id"], Decimal(fill["quantity"])
        before, after = told.get(key, ZERO), Decimal(fill["cumulative_quantity"])
        if before + quantity != after:
            kind = LOST if before + quantity < after else DOUBLED
            yield kind, f"fill {fill['id']}: {before} + {quantity} is not {after}"
        told[key] = after
    for key in sorted(told.keys() | evidence.account.filled.keys()):
        ours, theirs = told.get(key, ZERO), evidence.account.filled.get(key, ZERO)
        if ours != theirs:
            kind = LOST if ours < theirs else DOUBLED
            yield kind, f"order {key}: fills of {ours} were told, the exchange filled {theirs}"


def books_equal_the_exchange(evidence: Evidence) -> Found:
    """The stream of fills, and every room that keeps books, hold what the exchange holds."""
    books = {"the stream of fills": _folded(evidence), **evidence.ledgers}
    theirs = evidence.account
    for who, ours in sorted(books.items()):
        if abs(ours.cash - theirs.cash) >= CENT:
            yield WRONG, f"cash is {ours.cash} in {who}, {theirs.cash} at the exchange"
        for symbol in sorted(ours.positions.keys() | theirs.positions.keys()):
            mine = ours.positions.get(symbol, ZERO)
            brokers = theirs.positions.get(symbol, ZERO)
            if mine != brokers:
                yield WRONG, f"{symbol} is {mine} in {who}, {brokers} at the exchange"


def what_came_in_was_taken(evidence: Evidence) -> Found:
    """Every entry was processed or given up as dead, by every room that follows its stream."""
    buried = Counter(letter["stream"].rpartition(":")[2] for letter in evidence.dead)
    for room, standing in sorted(evidence.standings.items()):
        for family, cursor in sorted(standing.cursor.items()):
            entries = evidence.streams.get(family, ())
            behind = sum(_place(entry.id) > _place(cursor) for entry in entries)
            if behind:
                yield LOST, f"{room} has not taken {behind} entries of {family}"
            if standing.folds is None:
                continue
            since = _place(standing.state_cursor.get(family, "0-0"))
            came = sum(since < _place(entry.id) <= _place(cursor) for entry in entries)
            dead = standing.folds.get(f"-{family}", 0)
            taken = standing.folds.get(family, 0) + dead
            if taken != came:
                kind = LOST if taken < came else DOUBLED
                yield kind, f"{room} took {taken} of {came} entries of {family} since its state"
            if dead > buried[family]:
                yield LOST, f"{room} gave up {dead} entries of {family}, {buried[family]} are dead"


def no_event_is_said_twice(evidence: Evidence) -> Found:
    """On each stream every event id stands once."""
    for family in sorted(evidence.streams):
        times = Counter(event.get("id") for event in evidence.events(family))
        for key, count in times.items():
            if count > 1:
                yield DOUBLED, f"{family}: {key} stands there {count} times"


def nothing_waits(evidence: Evidence) -> Found:
    """At rest nothing is pending, nothing lags, and no group of an earlier life is left."""
    followed = {(room, family) for room, s in evidence.standings.items() for family in s.cursor}
    for group in evidence.groups:
        yield from _group_at_rest(group, evidence)
    for room, family in sorted(
        followed - {(group.room, group.family) for group in evidence.groups}
    ):
        yield WRONG, f"{room} follows {family} and has no group there"


def rows_are_in_order(evidence: Evidence) -> Found:
    """Every stage ended the very rows that the exchange opened, in order, each once and whole."""
    opened = [record["row"] for record in evidence.exchange_log if record["kind"] == "open"]
    for family in FAMILIES_WITH_ROWS:
        marks = [event["at"] for event in evidence.events(family, MARK)]
        if marks == opened:
            continue
        times = Counter(marks)
        for row in sorted(set(opened) - times.keys()):
            yield LOST, f"{family}: row {row} was opened and not ended here"
        for row, count in sorted(times.items()):
            if count > opened.count(row):
                yield DOUBLED, f"{family}: row {row} was ended {count} times"
        if sorted(marks) != marks:
            yield WRONG, f"{family}: rows were ended out of order"
    for family, kind in DATED.items():
        yield from _whole_rows(family, kind, evidence.streams.get(family, ()))


def the_record_is_complete(evidence: Evidence) -> Found:
    """The database holds every event of the streams, word for word, and no other."""
    said: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for family in evidence.streams:
        for entry in evidence.streams[family]:
            if entry.data is not None and entry.type not in NOT_RECORDED:
                said[entry.data["id"]] = (family, entry.data)
    for key, (family, data) in said.items():
        recorded = evidence.record.events.get(key)
        if recorded is None:
            yield LOST, f"{family}: {key} is not in the record"
        elif recorded != (family, data):
            yield WRONG, f"{family}: the record has other words of {key}"
    reported = {e["id"] for e in evidence.events("health", "RoomReported")}
    for key in sorted(evidence.record.events.keys() - said.keys() - reported):
        yield WRONG, f"the record has {key}, which is on no stream"
    yield from _tables_equal(evidence)


CLAIMS: tuple[Claim, ...] = (
    every_intent_ends_once,
    one_order_an_intent,
    every_fill_is_applied_once,
    books_equal_the_exchange,
    what_came_in_was_taken,
    no_event_is_said_twice,
    nothing_waits,
    rows_are_in_order,
    the_record_is_complete,
)


def violations(evidence: Evidence, claims: Sequence[Claim] = CLAIMS) -> list[Violation]:
    """Everything in the evidence that contradicts one of the claims."""
    return [
        Violation(kind, claim.__name__, text) for claim in claims for kind, text in claim(evidence)
    ]


# ------------------------------------------------------------------------------------ the parts


def _ends(evidence: Evidence) -> Iterator[str]:
    """The client order id of every end of an order, as often as it was told."""
    for event in evidence.events("fills", "OrderRejected", "OrderCancelled"):
        yield event["client_order_id"]
    for fill in evidence.events("fills", "OrderFilled"):
        if Decimal(fill["cumulative_quantity"]) >= Decimal(fill["order_quantity"]):
            yield fill["client_order_id"]


def _folded(evidence: Evidence) -> Ledger:
    """What follows from the stream of fills alone."""
    cash = ZERO
    held: dict[str, Decimal] = {}
    for event in evidence.events("fills", "OrderFilled", "CashAdjusted", "PositionAdjusted"):
        if "amount" in event:
            cash += Decimal(event["amount"])
            continue
        quantity = Decimal(event["quantity"])
        if "side" in event:
            quantity = quantity if event["side"] == "buy" else -quantity
            cash -= quantity * Decimal(event["price"]) + Decimal(event["fee"])
        held[event["symbol"]] = held.get(event["symbol"], ZERO) + quantity
    return Ledger(cash=cash, positions={symbol: q for symbol, q in held.items() if q})


def _place(entry_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence or 0)


def _group_at_rest(group: Group, evidence: Evidence) -> Found:
    name = f"{group.room}.{group.generation} on {group.family}"
    standing = evidence.standings.get(group.room)
    if standing is None or group.generation != standing.generation:
        yield WRONG, f"group {name} belongs to no living process"
        return
    if group.pending:
        yield LOST, f"{group.pending} entries are pending for {name}"
    if group.lag:
        yield LOST, f"{group.lag} entries were never given to {name}"


def _whole_rows(family: str, kind: str, entries: Iterable[Entry]) -> Found:
    """Between two marks stand events of the second one's row, and of bars as many as were due."""
    times: list[str] = []
    for entry in entries:
        data = entry.data or {}
        if entry.type == kind and not data.get("late"):
            times.append(data["at"])
        elif entry.type == MARK:
            strangers = [at for at in times if at != data["at"]]
            if strangers:
                yield WRONG, f"{family}: events of {strangers[0]} stand in row {data['at']}"
            due = sum(len(each["present"]) for each in data.get("due", ()))
            if family == "bars" and len(times) != due:
                lost = LOST if len(times) < due else DOUBLED
                yield lost, f"row {data['at']} has {len(times)} bars, its mark says {due}"
            times = []


def _tables_equal(evidence: Evidence) -> Found:
    """The folded tables say what the events say."""
    told = {f["id"]: Decimal(f["quantity"]) for f in evidence.events("fills", "OrderFilled")}
    recorded = evidence.record.fills
    for key in sorted(told.keys() | recorded.keys()):
        if told.get(key) != recorded.get(key):
            kind = LOST if key not in recorded else WRONG
            yield kind, f"fill {key} is {recorded.get(key)} in the record, {told.get(key)} was told"
    filled: dict[str, Decimal] = {}
    for fill in evidence.events("fills", "OrderFilled"):
        filled[fill["client_order_id"]] = Decimal(fill["cumulative_quantity"])
    over = Counter(_ends(evidence))
    for order in evidence.events("orders", "OrderApproved"):
        key = order["client_order_id"]
        state, quantity = evidence.record.orders.get(key, ("missing", ZERO))
        if quantity != filled.get(key, ZERO):
            yield (
                WRONG,
                f"order {key}: {quantity} filled in the record, {filled.get(key, ZERO)} told",
            )
        if (state in ("filled", "cancelled", "rejected")) != bool(over[key]):
            yield WRONG, f"order {key} is {state} in the record and has {over[key]} ends"
    letters = {letter["id"] for letter in evidence.dead}
    for key in sorted(letters ^ evidence.record.dead_letters):
        yield WRONG, f"dead letter {key} is not both on the stream and in the record"
