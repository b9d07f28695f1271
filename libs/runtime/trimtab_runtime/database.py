"""Engines for the record and the journal: SQLite on one host, PostgreSQL by URL elsewhere.

SQLite is opened with a write-ahead log, so readers never wait for the writer; a writing
transaction takes its lock at its beginning, so that waiting for another writer works at all
(a transaction that reads first and writes later fails at once when somebody else has written).
On PostgreSQL `write_alone` is that lock; everything else is left to the server.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from sqlalchemy import (
    Connection,
    DateTime,
    Dialect,
    Engine,
    String,
    Table,
    TypeDecorator,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from trimtab_common.money import plain
from trimtab_runtime.home import PRIVATE_FILE_MODE, PRIVATE_FOLDER_MODE

Synchronous = Literal["NORMAL", "FULL"]
Result = TypeVar("Result")

BUSY_SECONDS = 30.0
ATTEMPTS_MAX = 5
BACKOFF_SECONDS = 0.1
DECIMAL_DIGITS_MAX = 40
PASSING_STATES = ("40001", "40P01", "55P03")  # serialisation, deadlock, lock not available
PASSING_CLASSES = ("08", "57")  # the connection is lost; the server ends, begins or was told to
KEEPALIVE_SECONDS = 10
"""A connection that is silent for so long is asked whether its other end is there: a network that
swallows packets would otherwise be waited for by the hour."""
ASLEEP_SECONDS_MAX = 60
"""So long a transaction may stand still before the server ends it: a process that is put to sleep
in the middle of one must not keep its replacement waiting for ever."""


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Naive times are refused on the way in and never come out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        instant: datetime = value
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


class DecimalText(TypeDecorator[Decimal]):
    """An amount, to the last digit. SQLite's own numbers are floats, so it is kept as text."""

    impl = String(DECIMAL_DIGITS_MAX)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if not isinstance(value, Decimal):
            raise ValueError(f"{value!r} is not a Decimal")
        return plain(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


def connect(
    url: str | Path,
    *,
    read_only: bool = False,
    synchronous: Synchronous = "NORMAL",
    busy_seconds: float = BUSY_SECONDS,
) -> Engine:
    """An engine for a database URL, or for a SQLite file given as a path.

    `synchronous="FULL"` makes commits survive a loss of power, at the cost of a disk flush each.
    A lock is waited for so long as `busy_seconds`. A `read_only` engine cannot write, and does
    not create a file that is missing.
    """
    address = make_url(f"sqlite:///{url}" if isinstance(url, Path) else url)
    if address.get_backend_name() == "sqlite":
        return _sqlite(address.database or "", read_only, synchronous, busy_seconds)
    settings = {
        "timezone": "utc",
        "lock_timeout": f"{busy_seconds:.3f}s",
        "idle_in_transaction_session_timeout": f"{ASLEEP_SECONDS_MAX}s",
    }
    if read_only:
        settings["default_transaction_read_only"] = "on"
    if synchronous == "FULL":
        settings["synchronous_commit"] = "on"
    return create_engine(
        address.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        connect_args={
            "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
            "connect_timeout": max(2, round(busy_seconds)),  # less than 2 is none at all
            "keepalives_idle": KEEPALIVE_SECONDS,
            "keepalives_interval": KEEPALIVE_SECONDS // 2,
            "keepalives_count": 3,
            "tcp_user_timeout": round(busy_seconds * 1000),
        },
    )


def transact(
    engine: Engine, work: Callable[[Connection], Result], *, attempts_max: int = ATTEMPTS_MAX
) -> Result:
    """Do the work in one transaction; begin anew, after a pause, while the database is busy.

    The work may run several times, so it does nothing but database work. It blocks: call it from
    a thread where an event loop waits.
    """
    for attempt in range(1, attempts_max + 1):
        try:
            with engine.begin() as connection:
                return work(connection)
        except OperationalError as error:
            if attempt == attempts_max or not _is_passing(error):
                raise
            time.sleep(BACKOFF_SECONDS * 2 ** (attempt - 1))
    raise AssertionError("unreachable: the last attempt returns or raises")


def write_alone(connection: Connection, table: Table) -> None:
    """Let nobody else who asks for the same write this table before the transaction ends.

    On SQLite a writing transaction has that lock from its beginning. Here it is one that neither
    readers nor the server's own housekeeping meet, as they would a lock on the table.
    """
    if connection.dialect.name == "postgresql":
        number = zlib.crc32(table.name.encode())
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def _is_passing(error: DBAPIError) -> bool:
    """Whether the same work may succeed a little later."""
    if error.connection_invalidated:
        return True
    if isinstance(error.orig, sqlite3.OperationalError):
        return error.orig.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return True  # nobody answered: the server is away, or has gone in the middle
    return state in PASSING_STATES or state[:2] in PASSING_CLASSES


def _sqlite(path: str, read_only: bool, synchronous: Synchronous, busy_seconds: float) -> Engine:
    if path in ("", ":memory:"):
        raise ValueError("the database must be a file: several processes share it")
    file = Path(path)
    if not read_only:
        file.parent.mkdir(mode=PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
        file.touch(mode=PRIVATE_FILE_MODE)
    access = "ro" if read_only else "rw"
    engine = create_engine(
        f"sqlite:///file:{quote(str(file))}?mode={access}&uri=true",
        connect_args={"timeout": busy_seconds},
    )
    event.listen(engine, "connect", _pragmas(read_only, synchronous))
    event.listen(engine, "begin", _begin("BEGIN" if read_only else "BEGIN IMMEDIATE"))
    return engine


def _pragmas(
    read_only: bool, synchronous: Synchronous
) -> Callable[[Any, ConnectionPoolEntry], None]:
    statements = ["PRAGMA foreign_keys=ON", f"PRAGMA synchronous={synchronous}"]
    statements.append("PRAGMA query_only=ON" if read_only else "PRAGMA journal_mode=WAL")

    def prepare(connection: Any, entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()

    return prepare


def _begin(statement: str) -> Callable[[Connection], None]:
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    return begin
