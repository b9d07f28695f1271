"""The record and the journal on a real PostgreSQL server: the same values, and its own faults."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial

import pytest
from sqlalchemy import Connection, Engine, delete, insert, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from tests import factories as make
from tests.integration import postgres_server
from tests.integration.postgres_server import PostgresServer
from tests.integration.test_recorder_record import LIFE, batch_of, empty, everything
from tests.unit.execution.examples import an_order
from trimtab_execution.adapters.journal import DatabaseJournal
from trimtab_recorder.adapters.database import SqlRecord
from trimtab_runtime import migrations
from trimtab_runtime.database import connect, transact, write_alone
from trimtab_runtime.delivery.endings import Unavailable
from trimtab_runtime.record import NoRecord, Record
from trimtab_runtime.tables import fills, orders

postgres, postgres_url = postgres_server.postgres, postgres_server.postgres_url

FILL = {
    "id": "fill:1", "client_order_id": "tt-1", "symbol": "BTC/USD", "side": "buy",
    "quantity": Decimal("0.000000001"), "price": Decimal("123456789012345.5"), "fee": Decimal(0),
    "cumulative_quantity": Decimal("1E+3"),
    "at": datetime(2024, 7, 1, 9, 30, 0, 5, tzinfo=timezone(timedelta(hours=-4))),
}  # fmt: skip


@contextmanager
def engine_of(url: str, **options: object) -> Iterator[Engine]:
    engine = connect(url, **options)  # type: ignore[arg-type]
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def journal_of(url: str) -> Iterator[DatabaseJournal]:
    with engine_of(url, synchronous="FULL", busy_seconds=1.0) as engine:
        yield DatabaseJournal(engine)


@pytest.fixture(scope="module")
def record_url(postgres: PostgresServer) -> str:
    """The URL of a database that has the tables of the record."""
    url = postgres.new_database()
    with engine_of(url) as engine:
        migrations.upgrade(engine)
    return url


@pytest.fixture(scope="module")
def prepared(record_url: str) -> Iterator[SqlRecord]:
    record = SqlRecord(record_url, busy_seconds=0.3)
    record.prepare()
    yield record
    record.close()


@pytest.fixture
def written(prepared: SqlRecord, record_url: str) -> SqlRecord:
    """A record with nothing in it."""
    empty(record_url)
    return prepared


# ------------------------------------------------------------------------------------- values


def test_amounts_and_times_come_back_as_they_were(written, record_url):
    with engine_of(record_url) as engine:
        with engine.begin() as connection:
            connection.execute(insert(fills).values(FILL))
        with engine.connect() as connection:
            row = connection.execute(select(fills)).one()._mapping
    assert dict(row) == FILL
    assert row["at"].tzinfo is UTC


def test_the_longest_and_strangest_events_fit(written, record_url):
    largest = Decimal("999999999999999.999999999")
    longest = "x" * 1_000
    strange = make.rejection(7, reason="“é” \U0001f4c8 ' \" \\ %s :name $1" + "\u200b")
    bought = make.fill(
        9, quantity=largest, cumulative_quantity=largest, order_quantity=largest, price=largest
    )
    told = make.alert(id="a" * 240, cause="c" * 240, rule="r" * 80, title=longest, text=longest)
    assert written.write(batch_of([strange, bought, told])) == 3
    record = Record.open(record_url)
    refused = record.order(make.order_id(7))
    assert refused is not None
    assert refused.reason == strange.reason
    assert record.fills()[0].price == largest
    assert record.alerts()[0].text == longest
    record.close()


def test_a_reader_can_write_nothing(written, record_url):
    with (
        engine_of(record_url, read_only=True) as engine,
        engine.connect() as connection,
        pytest.raises(DBAPIError, match="read-only"),
    ):
        connection.execute(delete(fills))


# ------------------------------------------------------------------------------ several at once


def test_two_recorders_that_write_the_same_order_lose_nothing_of_it(written, record_url):
    """One is the zombie that its replacement has not outlived yet."""
    other = SqlRecord(record_url, busy_seconds=5.0)
    other.prepare()
    writers = [written, other]
    halves = [batch_of([event], number) for number, event in enumerate(LIFE)]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(5):
            list(pool.map(lambda n: [writers[n % 2].write(b) for b in halves], range(2)))
    found = {row[0]: row[4:6] for row in everything(record_url)["orders"]}
    assert found[make.order_id(1)] == ("filled", Decimal(10))
    assert len(everything(record_url)["events"]) == len(LIFE)
    other.close()


def test_who_writes_alone_is_waited_for_and_readers_are_not_kept(written, record_url):
    written.write(batch_of(LIFE))
    with engine_of(record_url) as engine, engine.begin() as connection:
        write_alone(connection, orders)
        record = Record.open(record_url)
        assert len(record.orders()) == 2
        record.close()
        with pytest.raises(Unavailable, match="lock timeout"):
            written.write(batch_of(LIFE))
    assert written.write(batch_of(LIFE)) == 0


def test_of_two_executors_one_learns_what_the_other_may_have_sent(postgres_url):
    order = an_order()
    with journal_of(postgres_url) as one, journal_of(postgres_url) as other:
        journals = [one, other]
        with ThreadPoolExecutor(2) as pool:
            told = list(pool.map(lambda journal: journal.intend([], [order]), journals))
        assert sorted(map(len, told)) == [0, 1], "only one may send it without asking"
        held = an_order(wait=30, symbol="SPY")
        one.intend([held], [])
        with ThreadPoolExecutor(2) as pool:
            told = list(pool.map(lambda journal: journal.intend([], [held]), journals))
        assert sorted(map(len, told)) == [0, 1]


def test_intents_come_back_as_they_were_approved(postgres_url):
    order = an_order(quantity="0.000000001", symbol="BTC/USD")
    with journal_of(postgres_url) as journal:
        journal.intend([], [order])
    with journal_of(postgres_url) as again:
        assert again.recall([order.client_order_id, "tt-unknown"]) == [order]
        assert again.sent() == {order.client_order_id}
        again.intend([an_order(31 * 24 * 60)], [])
    with journal_of(postgres_url) as later:
        assert later.sent() == set(), "what lies more than a month back is forgotten"


# --------------------------------------------------------------------------------------- faults


def test_work_is_begun_anew_when_the_connection_is_lost(postgres_url):
    tries = []
    with engine_of(postgres_url) as engine, engine_of(postgres_url) as other:

        def work(connection: Connection) -> int:
            tries.append(1)
            mine = connection.scalar(text("SELECT pg_backend_pid()"))
            if len(tries) == 1:
                with other.begin() as killer:
                    killer.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
            return int(connection.scalar(text("SELECT 41 + 1")) or 0)

        assert transact(engine, work) == 42
    assert len(tries) == 2


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_restarted_server_is_waited_for(postgres: PostgresServer, written, postgres_url, how):
    order = an_order()
    with journal_of(postgres_url) as journal:
        journal.intend([], [order])
        written.write(batch_of(LIFE[:4]))
        postgres.stop(how)
        back = threading.Timer(0.3, postgres.start)
        back.start()
        try:
            assert journal.intend([], [order]) == {order.client_order_id}
            assert written.write(batch_of(LIFE)) == len(LIFE) - 4
        finally:
            back.join()


def test_a_server_that_stays_away_is_unavailable_and_nothing_is_half_written(
    postgres: PostgresServer, written, record_url, postgres_url
):
    with journal_of(postgres_url) as journal:
        journal.sent()
        postgres.stop()
        try:
            with pytest.raises(Unavailable, match="the record cannot be written"):
                written.write(batch_of(LIFE))
            with pytest.raises(Unavailable, match="the journal cannot be used"):
                journal.intend([], [an_order()])
            with pytest.raises(NoRecord):
                Record.open(record_url).orders()
        finally:
            postgres.start()
        assert journal.sent() == set()
        assert not any(everything(record_url).values())
        assert written.write(batch_of(LIFE)) == len(LIFE)


def test_killed_connections_and_a_standstill_are_got_over(
    postgres: PostgresServer, written, record_url
):
    written.write(batch_of(LIFE[:4]))
    assert postgres.kill_connections(record_url.rpartition("/")[2]) > 0
    with ThreadPoolExecutor(1) as pool:
        with postgres.frozen():
            writing = pool.submit(partial(written.write, batch_of(LIFE)))
            with pytest.raises(TimeoutError):
                writing.result(0.3)
        assert writing.result(10) == len(LIFE) - 4


def test_a_server_that_nobody_knows_is_told_without_its_password(postgres):
    url = f"postgresql://owner:c4n4ry@127.0.0.1:{postgres.port}/nothing"
    with pytest.raises(Unavailable) as caught:
        SqlRecord(url, busy_seconds=1.0).prepare()
    assert "nothing" in str(caught.value)
    assert "c4n4ry" not in str(caught.value)


def test_a_lock_is_not_waited_for_longer_than_was_asked(postgres_url):
    with engine_of(postgres_url) as engine, engine_of(postgres_url, busy_seconds=0.2) as hasty:
        holder, waiting = engine.connect(), hasty.connect()
        write_alone(holder, orders)
        with pytest.raises(OperationalError, match="lock timeout"):
            write_alone(waiting, orders)
        holder.close()
        waiting.close()


def test_a_role_with_its_own_rights_only_is_enough(postgres: PostgresServer):
    """What docs/operating.md asks for, and that it is not less than what is needed."""
    with postgres.connected("postgres") as connection:
        connection.execute("CREATE ROLE trimtab LOGIN")
        connection.execute("CREATE DATABASE narrow OWNER trimtab")
        connection.execute("CREATE ROLE stranger LOGIN")
    url = postgres.url("narrow")
    record = SqlRecord(url.replace("owner@", "trimtab@"), busy_seconds=1.0)
    record.prepare()
    assert record.write(batch_of(LIFE)) == len(LIFE)
    record.close()
    with journal_of(url.replace("owner@", "trimtab@")) as journal:
        assert journal.intend([], [an_order()]) == set()
    stranger = SqlRecord(url.replace("owner@", "stranger@"), busy_seconds=1.0)
    with pytest.raises(Unavailable, match="permission denied"):
        stranger.prepare()


@pytest.mark.long
def test_a_dump_of_a_running_system_brings_record_and_journal_back(
    postgres: PostgresServer, postgres_url
):
    """The commands of docs/operating.md."""
    with engine_of(postgres_url) as engine:
        migrations.upgrade(engine)
    record = SqlRecord(postgres_url, busy_seconds=1.0)
    record.prepare()
    record.write(batch_of(LIFE))
    with journal_of(postgres_url) as journal:
        journal.intend([], [an_order()])
        expected, sent = everything(postgres_url), journal.sent()
        dump = postgres.folder / "trimtab.dump"
        source = postgres_url.rpartition("/")[2]
        made = postgres.run("pg_dump", "--format=custom", "--file", dump, "--dbname", source)
        assert made.returncode == 0, made.stderr
        record.write(batch_of([make.fill(8)], 99))
    record.close()
    target = postgres.new_database()
    place = ["--clean", "--if-exists", "--no-owner", "--dbname", target.rpartition("/")[2]]
    for _ in range(2):  # also over what is there
        restored = postgres.run("pg_restore", *place, dump)
        assert restored.returncode == 0, restored.stderr
    assert everything(target) == expected
    again = SqlRecord(target, busy_seconds=1.0)
    again.prepare()
    assert again.write(batch_of(LIFE)) == 0
    again.close()
    with journal_of(target) as journal:
        assert journal.sent() == sent
