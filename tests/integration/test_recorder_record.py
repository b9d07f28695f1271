"""The record as it is written and read, on SQLite and, where it is installed, on PostgreSQL."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests import factories as make
from tests.integration import postgres_server
from trimtab_common.events import Event, OrderFilled, OrderRefused, encode
from trimtab_common.sides import Side
from trimtab_recorder.adapters.database import SqlRecord
from trimtab_recorder.core.rows import Batch, dead_letter_row
from trimtab_recorder.handlers import HANDLERS
from trimtab_runtime import migrations, tables
from trimtab_runtime.database import connect, transact
from trimtab_runtime.delivery.endings import Unavailable
from trimtab_runtime.record import NoRecord, Record

postgres = postgres_server.postgres
HOUR = timedelta(hours=1)
LIFE: tuple[Event, ...] = (
    make.bar(),
    make.signal(),
    make.approval(),
    make.acceptance(),
    make.fill(quantity=Decimal(4), price=Decimal("100.1")),
    make.fill(quantity=Decimal(6), cumulative_quantity=Decimal(10), price=Decimal("100.2")),
    make.approval(2),
    make.rejection(2),
    make.alert(),
    make.halt(),
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a place for a record."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres").new_database())
    return f"sqlite:///{tmp_path_factory.mktemp('record') / 'trimtab.db'}"


@pytest.fixture(scope="module")
def prepared(database: str) -> Iterator[SqlRecord]:
    record = SqlRecord(database, busy_seconds=5)
    record.prepare()
    yield record
    record.close()


@pytest.fixture
def written(prepared: SqlRecord, database: str) -> SqlRecord:
    """A record with nothing in it."""
    empty(database)
    return prepared


def empty(database: str) -> None:
    engine = connect(database)
    with engine.begin() as connection:
        for table in tables.metadata.tables.values():
            connection.execute(table.delete())
    engine.dispose()


@pytest.fixture
def record(database: str) -> Iterator[Record]:
    reading = Record.open(database)
    yield reading
    reading.close()


def batch_of(events: Sequence[Event], first: int = 0) -> Batch:
    batch = Batch()
    for number, event in enumerate(events, first):
        batch.add(event, event.stream, f"{1_709_562_660_000 + number}-0", encode(event)[1].encode())
        if type(event) in HANDLERS:
            HANDLERS[type(event)](event, batch)
    return batch


def everything(database: str) -> dict[str, list[tuple[Any, ...]]]:
    engine = connect(database, read_only=True)
    with engine.connect() as connection:
        found = {
            name: sorted(map(tuple, connection.execute(select(table))), key=str)
            for name, table in tables.metadata.tables.items()
        }
    engine.dispose()
    return found


def test_what_is_written_can_be_read(written, record):
    assert written.write(batch_of(LIFE)) == len(LIFE)
    bought, refused = record.order(make.order_id(1)), record.order(make.order_id(2))
    assert bought is not None
    assert refused is not None
    assert (bought.state, bought.filled_quantity) == ("filled", Decimal(10))
    assert bought.average_price == Decimal("100.16")
    assert (refused.state, refused.reason) == ("rejected", "insufficient buying power")
    assert [fill.cumulative_quantity for fill in record.fills("AAPL")] == [10, 4]
    assert record.alerts(severity="critical")[0].title == "Trading is halted"
    assert record.events("SignalRaised")[0].event == make.signal()


def test_writing_again_changes_nothing(written, database):
    written.write(batch_of(LIFE))
    before = everything(database)
    assert written.write(batch_of(LIFE)) == 0
    assert everything(database) == before


@pytest.mark.parametrize("seed", range(2))
def test_batches_order_and_repetition_do_not_matter(written, database, seed):
    written.write(batch_of(LIFE))
    expected = everything(database)
    empty(database)
    chance = random.Random(seed)
    numbered = list(enumerate(LIFE)) * 2
    chance.shuffle(numbered)
    for number, event in numbered:
        written.write(batch_of([event], number))
    assert everything(database) == expected


def test_a_dead_letter_is_kept_once(written, record):
    letter = {b"stream": b"t:bars", b"entry": b"5-0", b"reason": b"not JSON", b"data": b"\xff\x00"}
    for entry_id in ("1709562660000-0", "1709562660009-0"):
        written.write(Batch(dead_letters=[dead_letter_row(entry_id, letter)]))
    (found,) = record.dead_letters()
    assert (found.stream, found.reason, found.tries) == ("t:bars", "not JSON", 1)


def test_the_story_of_a_symbol_is_what_led_to_it(written, record):
    later = make.START + HOUR
    written.write(
        batch_of(
            [
                *LIFE,
                make.signal(strategy="value", weight=0.5),
                make.refusal(),
                make.refused_bar(),
                make.bar(symbol="MSFT"),
                make.bar(later),
                make.signal(later, weight=0.0, previous_weight=1.0),
                make.approval(3, at=later, side=Side.SELL),
            ]
        )
    )
    now, then = record.story("AAPL"), record.story("AAPL", make.START + timedelta(minutes=30))
    assert {each.event.id for each in now.signals} == {
        make.signal(later).id,
        make.signal(strategy="value").id,
    }
    assert [each.event.id for each in now.decisions] == ["approved:3"]
    assert {type(each.event) for each in then.decisions} >= {OrderRefused}
    assert now.orders[0].client_order_id == make.order_id(3)
    assert len(then.orders) == len(then.fills) == 2
    assert now.switch is not None
    assert now.switch.event == make.halt()
    assert now.refused_bar is not None
    silent = record.story("TSLA")
    assert (silent.signals, silent.decisions, silent.orders) == ((), (), ())


def test_lists_are_newest_first_and_can_be_narrowed(written, record):
    fills: list[OrderFilled] = [
        make.fill(number, at=make.START + number * HOUR, symbol="AAPL" if number % 2 else "MSFT")
        for number in range(1, 7)
    ]
    written.write(batch_of(fills))
    assert [fill.at for fill in record.fills()] == [fill.at for fill in reversed(fills)]
    assert len(record.fills("MSFT", count=2)) == 2
    assert {order.symbol for order in record.orders(symbol="MSFT")} == {"MSFT"}
    assert record.orders(state="rejected") == []


def test_no_record_is_told_with_its_place_and_without_its_password(tmp_path):
    with pytest.raises(NoRecord, match=r"nowhere\.db"):
        Record.open(tmp_path / "nowhere.db").orders()
    assert not (tmp_path / "nowhere.db").exists()
    with pytest.raises(NoRecord) as caught:
        Record.open("postgresql://owner:c4n4ry@127.0.0.1:9/none").orders()
    assert "c4n4ry" not in str(caught.value)


def test_readers_cannot_write(written, database):
    written.write(batch_of(LIFE))
    engine = connect(database, read_only=True)
    with pytest.raises(Exception, match="read"), engine.begin() as connection:
        connection.execute(tables.orders.delete())
    engine.dispose()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "trimtab.db"


@pytest.fixture
def hasty(file: Path) -> Iterator[SqlRecord]:
    """A record that waits a twentieth of a second for a locked database, five times."""
    record = SqlRecord(f"sqlite:///{file}", busy_seconds=0.05)
    record.prepare()
    yield record
    record.close()


def test_a_locked_database_is_waited_for(file, hasty):
    holder = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.7, lambda: holder.execute("ROLLBACK"))
    release.start()
    assert hasty.write(batch_of(LIFE)) == len(LIFE)
    release.join()
    holder.close()


def test_a_database_that_stays_locked_is_unavailable_and_nothing_is_half_written(file, hasty):
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked"):
        hasty.write(batch_of(LIFE))
    holder.execute("ROLLBACK")
    holder.close()
    assert not any(everything(f"sqlite:///{file}").values())


def test_a_database_of_a_later_release_is_left_alone(file):
    engine = connect(file)
    migrations.upgrade(engine)
    transact(
        engine,
        lambda connection: connection.exec_driver_sql("UPDATE alembic_version SET version_num='9'"),
    )
    engine.dispose()
    with pytest.raises(Unavailable, match="does not know"):
        SqlRecord(f"sqlite:///{file}", busy_seconds=1).prepare()


def test_a_place_where_no_database_can_be_is_unavailable(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable):
        SqlRecord(f"sqlite:///{tmp_path / 'file' / 'trimtab.db'}", busy_seconds=1).prepare()
