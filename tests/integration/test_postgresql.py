"""The record on a real PostgreSQL server, where one is installed: the same tables and values."""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, delete, insert, select, text
from sqlalchemy.exc import DBAPIError

from trimtab_runtime import migrations
from trimtab_runtime.database import connect, transact
from trimtab_runtime.tables import fills, metadata

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
pytestmark = pytest.mark.skipif(not PROGRAMS, reason="PostgreSQL is not installed here")

FILL = {
    "id": "fill:1", "client_order_id": "tt-1", "symbol": "BTC/USD", "side": "buy",
    "quantity": Decimal("0.000000001"), "price": Decimal("123456789012345.5"), "fee": Decimal(0),
    "cumulative_quantity": Decimal("1E+3"),
    "at": datetime(2024, 7, 1, 9, 30, 0, 5, tzinfo=timezone(timedelta(hours=-4))),
}  # fmt: skip


def run(program: str, *arguments: object) -> None:
    """Run one of PostgreSQL's programs; they refuse to be run by root."""
    as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    command = [*as_user, str(PROGRAMS[-1] / program), *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True, cwd="/")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server of this test's own, on a free port, in a folder that its user can reach."""
    folder = Path(tempfile.gettempdir()) / f"trimtab-postgresql-{os.getpid()}"
    folder.mkdir(mode=0o700)
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = folder / "data"
    run("initdb", "-D", data, "-A", "trust", "-U", "owner", "-N")
    options = f"-p {port} -k {folder} -h 127.0.0.1"
    run("pg_ctl", "-D", data, "-o", options, "-w", "-l", folder / "log", "start")
    yield f"postgresql://owner@127.0.0.1:{port}/postgres"
    run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    shutil.rmtree(folder)


def test_several_processes_may_bring_it_up_to_date_at_once(url):
    engines = [connect(url) for _ in range(3)]
    threads = [threading.Thread(target=migrations.upgrade, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert migrations.current(engines[0]) == migrations.newest()
    with engines[0].connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    for engine in engines:
        engine.dispose()


def test_amounts_and_times_come_back_as_they_were(url):
    engine = connect(url)
    migrations.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(insert(fills).values(FILL))
    with engine.connect() as connection:
        row = connection.execute(select(fills)).one()._mapping
    assert dict(row) == FILL
    assert row["at"].tzinfo is UTC
    engine.dispose()


def test_a_reader_can_write_nothing(url):
    engine = connect(url, read_only=True)
    with engine.connect() as connection, pytest.raises(DBAPIError, match="read-only"):
        connection.execute(delete(fills))
    engine.dispose()


def test_work_is_begun_anew_when_the_connection_is_lost(url):
    engine, other = connect(url), connect(url)
    tries = []

    def work(connection: Connection) -> int:
        tries.append(1)
        mine = connection.scalar(text("SELECT pg_backend_pid()"))
        if len(tries) == 1:
            with other.begin() as killer:
                killer.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
        return int(connection.scalar(text("SELECT 41 + 1")) or 0)

    assert transact(engine, work) == 42
    assert len(tries) == 2
    for each in (engine, other):
        each.dispose()
