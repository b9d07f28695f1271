"""Metrics: on a registry of the room's own, and what commits and streams tell them."""

from __future__ import annotations

import time

import pytest

from tests.factories import MINUTE, START, bar
from trimtab_common.events import Event, mark
from trimtab_runtime.delivery.commit import Commit
from trimtab_runtime.delivery.inbox import Entry
from trimtab_runtime.delivery.keys import Keys
from trimtab_runtime.delivery.metrics import DeliveryMetrics
from trimtab_runtime.delivery.standing import Standing
from trimtab_runtime.metrics import ROWS_REMEMBERED, Published, RoomMetrics

KEYS = Keys("test:")


class Measured:
    """The metrics of one room, and a way to read them."""

    def __init__(self, room="risk", families=("fills", "bars", "signals")):
        self.room = RoomMetrics(room, "r1", "sim")
        self.delivery = DeliveryMetrics(self.room, room, KEYS, families)

    def value(self, name, **labels):
        return self.room.registry.get_sample_value(name, labels)

    def latency(self):
        """How many rows were timed, and how long they took in all."""
        name = "trimtab_row_latency_seconds"
        return self.value(f"{name}_count"), self.value(f"{name}_sum")


def an_entry(event: Event | None, family="bars", *, age_seconds=0.0, dead: str | None = None):
    """An entry that was published so long ago."""
    entry_id = f"{round((time.time() - age_seconds) * 1_000)}-0"
    return Entry(KEYS.stream(family), entry_id, event, dead, {})


def a_commit(*entries: Entry, outputs: tuple[Event, ...] = ()) -> Commit:
    commit = Commit(outputs=list(outputs))
    for entry in entries:
        commit.take(entry)
    return commit


def test_rooms_share_names_and_no_state():
    first, second = Measured("risk"), Measured("strategy")
    first.delivery.count(a_commit(outputs=(mark(START, "orders", "risk"),)), 0.0)
    assert first.value("trimtab_rows_closed_total") == 1
    assert second.value("trimtab_rows_closed_total") == 0


def test_a_room_adds_its_own():
    metrics = RoomMetrics("risk", "r1", "sim")
    refused = metrics.counter("trimtab_orders_refused_total", "Orders refused", "rule")
    refused.labels("max_order").inc()
    assert b'trimtab_orders_refused_total{rule="max_order"} 1.0' in metrics.exposition()
    assert metrics.described[-1].labels == ("rule",)


def test_nothing_is_exposed_that_is_not_described():
    measured = Measured()
    described = {each.name.removesuffix("_total") for each in measured.room.described}
    exposed = {family.name for family in measured.room.registry.collect()}
    assert {name for name in exposed if not name.startswith(("python_", "process_"))} == described


def test_durations_are_counted_where_they_fall():
    measured = Measured()
    measured.delivery.count(Commit(), 0.003)
    assert measured.value("trimtab_commit_seconds_bucket", le="0.0025") == 0
    assert measured.value("trimtab_commit_seconds_bucket", le="0.005") == 1


def test_what_comes_and_goes_is_counted_by_its_type():
    measured = Measured()
    signals, bars = mark(START, "signals", "strategy"), mark(START, "bars", "ingest")
    taken = (an_entry(bar()), an_entry(bar()), an_entry(None), an_entry(bars))
    said = (mark(START, "orders", "risk"),)
    measured.delivery.count(a_commit(*taken, an_entry(signals, "signals"), outputs=said), 0.0)
    consumed = {
        ("bars", "BarClosed"): 2,
        ("bars", "other"): 1,
        ("bars", "RowClosed"): 1,
        ("signals", "RowClosed"): 1,
    }
    for (stream, kind), count in consumed.items():
        name = "trimtab_events_consumed_total"
        assert measured.value(name, stream=stream, type=kind) == count
    produced = measured.value("trimtab_events_produced_total", stream="orders", type="RowClosed")
    assert produced == 1


def test_what_is_given_up_or_not_waited_for_is_counted_by_its_stream():
    measured = Measured()
    assert measured.value("trimtab_dead_letters_total", stream="fills") == 0
    commit = a_commit(an_entry(None, "fills", dead="it is no event"))
    commit.forced.append("signals")
    measured.delivery.count(commit, 0.0)
    assert measured.value("trimtab_dead_letters_total", stream="fills") == 1
    assert measured.value("trimtab_forced_marks_total", stream="signals") == 1
    assert measured.value("trimtab_forced_marks_total", stream="bars") == 0


def test_a_row_is_timed_from_its_publication_to_the_commit_that_ends_it():
    measured = Measured("risk")
    published = an_entry(mark(START, "bars", "ingest"), age_seconds=20)
    measured.delivery.count(a_commit(published), 0.0)
    assert measured.latency() == (0, 0), "the row is not ended yet"
    measured.delivery.count(a_commit(outputs=(mark(START, "orders", "risk"),)), 0.0)
    count, seconds = measured.latency()
    assert count == 1
    assert seconds >= 20
    assert measured.value("trimtab_row_timestamp_seconds") == START.timestamp()


def test_a_row_that_an_earlier_process_began_is_not_timed():
    measured = Measured("risk")
    measured.delivery.count(a_commit(outputs=(mark(START, "orders", "risk"),)), 0.0)
    assert measured.latency() == (0, 0)


@pytest.mark.parametrize("stream", ["signals", "orders"])
def test_only_ingest_publishes_a_row(stream):
    measured = Measured("risk")
    stranger = an_entry(mark(START, stream, "strategy"), stream, age_seconds=20)
    measured.delivery.count(a_commit(stranger, outputs=(mark(START, "orders", "risk"),)), 0.0)
    assert measured.latency() == (0, 0)


def test_a_room_that_ends_no_rows_is_done_with_one_when_it_has_read_its_end():
    measured = Measured("recorder")
    rows = [an_entry(mark(START + n * MINUTE, "bars", "ingest"), age_seconds=5) for n in range(3)]
    measured.delivery.count(a_commit(*rows), 0.0)
    assert measured.latency()[0] == measured.value("trimtab_rows_closed_total") == 3
    assert measured.value("trimtab_row_timestamp_seconds") == (START + 2 * MINUTE).timestamp()


def test_a_clock_that_is_behind_the_servers_makes_no_negative_times():
    published = Published()
    published.note(START, 1_000.0)
    assert published.age_seconds(START, 999.0) == 0.0


def test_only_the_last_rows_are_remembered():
    published = Published()
    for number in range(ROWS_REMEMBERED + 1):
        published.note(START + number * MINUTE, float(number))
    assert published.age_seconds(START, 0.0) is None
    assert published.age_seconds(START + MINUTE, 11.0) == 10.0


def test_the_place_in_a_stream_is_shown():
    measured = Measured()
    standing = Standing(unread=7, pending=3, waiting_since=1_000.0)
    measured.delivery.stand({"bars": standing}, now=1_012.5)
    assert measured.value("trimtab_lag_seconds", stream="bars") == 12.5
    assert measured.value("trimtab_lag_entries", stream="bars") == 7
    assert measured.value("trimtab_pending_entries", stream="bars") == 3


def test_what_the_server_does_not_know_is_not_shown_as_nothing():
    measured = Measured()
    measured.delivery.stand({"bars": Standing(7, 0, 1_000.0)}, now=1_001.0)
    measured.delivery.stand({"bars": Standing(None, 0, None)}, now=1_002.0)
    assert measured.value("trimtab_lag_entries", stream="bars") is None
    assert measured.value("trimtab_lag_seconds", stream="bars") == 0
