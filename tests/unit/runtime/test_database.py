"""The database under several processes at once, and values that come back as they went in."""

import stat
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert, select, text
from sqlalchemy.exc import OperationalError, StatementError

from trimtab_runtime import migrations
from trimtab_runtime.database import Synchronous, connect, transact
from trimtab_runtime.tables import fills

Open = Callable[..., Engine]


@pytest.fixture
def engine_at(tmp_path: Path) -> Iterator[Open]:
    """Opens engines on one file and closes them all in the end."""
    engines: list[Engine] = []

    def open_engine(**options: Any) -> Engine:
        engines.append(connect(tmp_path / "record.db", **options))
        return engines[-1]

    yield open_engine
    for engine in engines:
        engine.dispose()


def fill(id: str = "fill:1", **fields: Any) -> dict[str, Any]:
    return {
        "id": id, "client_order_id": "tt-1", "symbol": "BTC/USD", "side": "buy",
        "quantity": Decimal("0.1"), "price": Decimal(100), "fee": Decimal(0),
        "cumulative_quantity": Decimal("0.1"), "at": datetime(2024, 1, 2, tzinfo=UTC),
    } | fields  # fmt: skip


def store(engine: Engine, row: dict[str, Any]) -> None:
    with engine.begin() as connection:
        connection.execute(insert(fills).values(row))


@pytest.mark.parametrize(
    "amount", ["0.1", "123456789012345.123456789", "0.000000001", "1E+3", "-0.5", "0"]
)
def test_amounts_come_back_to_the_last_digit(engine_at, amount):
    engine = engine_at()
    migrations.upgrade(engine)
    store(engine, fill(fee=Decimal(amount)))
    with engine.connect() as connection:
        assert connection.scalar(select(fills.c.fee)) == Decimal(amount)


@pytest.mark.parametrize("wrong", [0.1, 1, "1", Decimal("NaN"), Decimal("Infinity")])
def test_what_is_no_exact_amount_is_refused(engine_at, wrong):
    engine = engine_at()
    migrations.upgrade(engine)
    with pytest.raises(StatementError):
        store(engine, fill(fee=wrong))


def test_times_come_back_in_utc_whatever_their_zone(engine_at):
    engine = engine_at()
    migrations.upgrade(engine)
    at = datetime(2024, 7, 1, 9, 30, 0, 123456, tzinfo=timezone(timedelta(hours=-4)))
    store(engine, fill(at=at))
    with engine.connect() as connection:
        found = connection.scalar(select(fills.c.at))
    assert found == at
    assert found.tzinfo is UTC


def test_a_naive_time_is_refused(engine_at):
    engine = engine_at()
    migrations.upgrade(engine)
    with pytest.raises(StatementError, match="no time zone"):
        store(engine, fill(at=datetime(2024, 1, 2, tzinfo=UTC).replace(tzinfo=None)))


def test_a_reader_sees_what_is_committed_and_can_write_nothing(engine_at):
    writer = engine_at()
    migrations.upgrade(writer)
    reader = engine_at(read_only=True)
    with writer.begin() as writing:
        writing.execute(insert(fills).values(fill()))
        with reader.connect() as reading:  # not even while somebody writes does a reader wait
            assert reading.execute(select(fills)).all() == []
    with reader.connect() as reading:
        assert len(reading.execute(select(fills)).all()) == 1
        with pytest.raises(OperationalError, match="readonly"):
            reading.execute(insert(fills).values(fill("fill:2")))


def test_a_reader_does_not_create_what_is_missing(engine_at, tmp_path):
    with pytest.raises(OperationalError, match="unable to open"):
        engine_at(read_only=True).connect()
    assert list(tmp_path.glob("record*")) == []


def test_the_file_belongs_to_its_owner_alone(engine_at, tmp_path):
    migrations.upgrade(engine_at())
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("record*")}
    assert set(modes.values()) == {0o600}


def test_threads_that_read_and_then_write_wait_for_each_other(engine_at):
    engine = engine_at()
    migrations.upgrade(engine)
    store(engine, fill(quantity=Decimal(0)))

    def add_one() -> None:
        for _ in range(25):
            with engine.begin() as connection:
                held = connection.scalar(select(fills.c.quantity))
                connection.execute(fills.update().values(quantity=held + 1))

    threads = [threading.Thread(target=add_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.connect() as connection:
        assert connection.scalar(select(fills.c.quantity)) == Decimal(100)


def test_work_is_begun_anew_while_the_database_is_busy(engine_at):
    engine, other = engine_at(busy_seconds=0.01), engine_at()
    migrations.upgrade(other)
    blocker = other.connect()
    blocker.execute(text("SELECT 1"))  # holds the write lock from here on
    freed = threading.Timer(0.15, blocker.close)
    freed.start()
    transact(engine, lambda connection: connection.execute(insert(fills).values(fill())))
    freed.join()
    with engine.connect() as connection:
        assert len(connection.execute(select(fills)).all()) == 1


def test_a_database_that_stays_busy_is_an_error_in_the_end(engine_at):
    engine, other = engine_at(busy_seconds=0.01), engine_at()
    migrations.upgrade(other)
    with other.begin(), pytest.raises(OperationalError, match="locked"):
        transact(engine, lambda connection: None, attempts_max=2)


def test_errors_of_other_kinds_are_not_tried_again(engine_at):
    engine = engine_at()
    calls = []

    def work(connection: Connection) -> None:
        calls.append(1)
        connection.execute(text("SELECT * FROM nowhere"))

    with pytest.raises(OperationalError, match="no such table"):
        transact(engine, work)
    assert len(calls) == 1


@pytest.mark.parametrize(("synchronous", "number"), [("NORMAL", 1), ("FULL", 2)])
def test_a_journal_survives_a_loss_of_power_when_it_asks_for_it(
    engine_at, synchronous: Synchronous, number
):
    with engine_at(synchronous=synchronous).connect() as connection:
        assert connection.scalar(text("PRAGMA synchronous")) == number
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"


def test_a_database_in_memory_cannot_be_shared_and_is_refused():
    with pytest.raises(ValueError, match="must be a file"):
        connect("sqlite://")
