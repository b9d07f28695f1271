"""The real recorder: complete and exact under kills, patient with a locked database, tidy."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests import factories as make
from tests.integration.room_process import RoomProcess, wait_for
from trimtab_common.events import BarClosed, Event, RowClosed, mark
from trimtab_recorder.core.trimming import EntryId
from trimtab_runtime.delivery.keys import FAMILIES
from trimtab_runtime.record import NoRecord, Record
from trimtab_runtime.service import GONE

pytestmark = pytest.mark.redis
HOUR = timedelta(hours=1)


@pytest.fixture
def recorder(redis_url: str, tmp_path: Path) -> Iterator[RoomProcess]:
    room = RoomProcess(
        "recorder", redis_url, tmp_path / "home", RECORDER_DATABASE_BUSY_SECONDS="0.5"
    )
    yield room
    room.end()


@pytest.fixture
def record(recorder: RoomProcess) -> Iterator[Record]:
    reading = Record.open(recorder.home / "trimtab.db")
    yield reading
    reading.close()


def order(number: int) -> list[Event]:
    """The life of one order, from its signal to its second fill."""
    at = make.START + number * make.MINUTE
    return [
        make.bar(at),
        mark(at, "bars", "ingest"),
        make.signal(at),
        make.approval(number, at=at),
        make.acceptance(number, at=at),
        make.fill(number, at=at, quantity=Decimal(4)),
        make.fill(number, at=at, quantity=Decimal(6), cumulative_quantity=Decimal(10)),
    ]


def counts(record: Record) -> tuple[int, int, int]:
    try:
        everything = 1_000_000
        return (
            len(record.events(count=everything)),
            len(record.orders(state="filled", count=everything)),
            len(record.fills(count=everything)),
        )
    except NoRecord:
        return (0, 0, 0)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_under_random_kills_everything_is_recorded_once(recorder, record, seed):
    chance = random.Random(seed)
    recorder.start()
    number_of_orders = 80
    for number in range(number_of_orders):
        recorder.publish(*order(number))
        if chance.random() < 0.3:
            recorder.publish(*order(chance.randint(0, number)))  # said again under the same ids
        time.sleep(chance.uniform(0, 0.06))
        if number % 25 == 20:
            time.sleep(chance.uniform(0, 2))
            recorder.kill()
            recorder.start()
    wait_for(lambda: all(recorder.caught_up(family) for family in FAMILIES), what="the last entry")
    published = [event for number in range(number_of_orders) for event in order(number)]
    events = [each for each in published if not isinstance(each, BarClosed | RowClosed)]
    found = record.events(count=1_000_000)
    ours = [each for each in found if each.stream != "health"]
    assert sorted(each.event.id for each in ours) == sorted(event.id for event in events)
    assert {each.event for each in ours} == set(events)
    assert counts(record)[1:] == (number_of_orders, 2 * number_of_orders)
    assert recorder.stop() == 0


def test_dead_letters_and_their_neighbours_are_recorded(recorder, record):
    signals = recorder.prefix + "signals"
    recorder.publish(make.signal())
    recorder.server.xadd(signals, {"type": "SignalRaised", "data": "{"})
    recorder.server.xadd(signals, {"nonsense": b"\xff\x00"})
    recorder.publish(make.signal(symbol="MSFT"))
    recorder.start()
    recorder.ready()
    wait_for(lambda: len(record.dead_letters()) == 2, what="the dead letters")
    assert {letter.room for letter in record.dead_letters()} == {"recorder"}
    assert len(record.events("SignalRaised")) == 2


def test_a_locked_database_ends_the_process_as_gone_and_loses_nothing(recorder, record):
    recorder.start()
    recorder.ready()
    holder = sqlite3.connect(recorder.home / "trimtab.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    recorder.publish(*order(1))
    assert recorder.wait() == GONE
    assert "locked" in recorder.stderr()
    holder.execute("ROLLBACK")
    holder.close()
    recorder.start()
    wait_for(lambda: counts(record)[1] == 1, what="the order")
    attempts = recorder.server.hgetall(f"{recorder.prefix}attempts:recorder")
    assert attempts == {}, "a busy database is not the entry's fault"


def stand(recorder: RoomProcess, room: str, entry: EntryId) -> None:
    """A room of this name stands at an entry of `bars`."""
    cursor = json.dumps({"bars": str(entry)})
    recorder.server.hset(
        f"{recorder.prefix}room:{room}",
        mapping={"generation": 1, "cursor": cursor, "state_cursor": cursor,
                 "state_sequence": 400, "sequence": 450},
    )  # fmt: skip


def trimming(recorder: RoomProcess, **entries: EntryId) -> None:
    """Other rooms stand at these entries, and have a record of 450 commits."""
    for room, entry in entries.items():
        stand(recorder, room, entry)
        for sequence in range(1, 451):
            recorder.server.xadd(
                f"{recorder.prefix}order:{room}", {"runs": "[]"}, id=f"{sequence}-0"
            )


def bars(first: int, last: int) -> list[Event]:
    events: list[Event] = []
    for number in range(first, last):
        at = make.START + number * HOUR
        events += [make.bar(at), mark(at, "bars", "ingest")]
    return events


def oldest(recorder: RoomProcess, stream: str) -> EntryId:
    entries: Any = recorder.server.xrange(recorder.prefix + stream, count=1)
    return EntryId.parse(entries[0][0].decode())


def publish(recorder: RoomProcess, events: list[Event]) -> list[EntryId]:
    return [EntryId.parse(entry) for entry in recorder.publish(*events)]


def test_streams_are_trimmed_to_what_rooms_need_and_sessions_keep(redis_url, tmp_path):
    recorder = RoomProcess(
        "recorder", redis_url, tmp_path / "home",
        RECORDER_KEEP_HOURS="100", RECORDER_TRIM_INTERVAL_SECONDS="0.2",
    )  # fmt: skip
    try:
        entries = publish(recorder, bars(0, 500))
        trimming(recorder, risk=entries[-1], strategy=entries[300])
        recorder.start()
        recorder.ready()
        for block in range(500, 1500, 100):
            entries += publish(recorder, bars(block, block + 100))
            wait_for(lambda: recorder.caught_up("bars"))
            time.sleep(0.3)
        # The server lets go of whole nodes of a hundred entries, so less than what could go.
        wait_for(lambda: oldest(recorder, "bars") > entries[150], what="trimming")
        assert oldest(recorder, "bars") <= entries[301], "what strategy needs stays"
        wait_for(lambda: recorder.ask("healthz").get("status") == "DEGRADED", what="the laggard")
        assert "strategy" in str(recorder.ask("healthz")["reasons"])
        stand(recorder, "strategy", entries[-1])
        wait_for(lambda: oldest(recorder, "bars") > entries[400], what="further trimming")
        kept = entries.index(oldest(recorder, "bars"))
        assert kept <= len(entries) - 200, "the last hundred hours of market time stay"
        wait_for(lambda: oldest(recorder, "order:risk") > EntryId(1), what="the order record")
        assert oldest(recorder, "order:risk") <= EntryId(400)
        assert recorder.stop() == 0
    finally:
        recorder.end()


def test_it_is_no_burden(recorder):
    recorder.start()
    recorder.ready()
    recorder.publish(*(event for number in range(300) for event in order(number)))
    wait_for(lambda: recorder.caught_up("fills"))
    assert recorder.rss_megabytes() <= 120
