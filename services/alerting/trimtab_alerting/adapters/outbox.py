"""The outbox: alerts on disk, in order, until every channel has carried them."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from trimtab_alerting.ports import Waiting
from trimtab_common.events import AlertRaised, UnreadableEvent, encode, parse
from trimtab_runtime.delivery.endings import Unavailable
from trimtab_runtime.home import PRIVATE_FILE_MODE, PRIVATE_FOLDER_MODE
from trimtab_runtime.logs import logger

BUSY_SECONDS = 5.0
KEPT_SECONDS = 7 * 86_400.0
"""Delivered alerts are kept so long, to recognise them when they come again."""

_TABLE = """
CREATE TABLE IF NOT EXISTS outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    alert TEXT NOT NULL,
    data TEXT NOT NULL,
    queued_at REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    reason TEXT NOT NULL DEFAULT '',
    UNIQUE (queue, alert)
)
"""
_INDEX = "CREATE INDEX IF NOT EXISTS outbox_by_state ON outbox (state, queue, number)"


class SqliteOutbox:
    """A file of its own, flushed to the disk with every change.

    States of an alert: waiting → delivered, or waiting → lost → reported (lost, and said so).
    A file that is broken is put aside: alerts to come matter more than those in it.
    """

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        self._path = path
        self._now = now
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def add(self, alerts: Sequence[tuple[AlertRaised, Sequence[str]]]) -> None:
        now = self._now()
        rows = [
            (queue, alert.id, encode(alert)[1], now) for alert, queues in alerts for queue in queues
        ]
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO outbox (queue, alert, data, queued_at) VALUES (?, ?, ?, ?)",
                rows,
            )

    def first(self, queue: str) -> Waiting | None:
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT number, data, queued_at FROM outbox "
                "WHERE state = 'waiting' AND queue = ? ORDER BY number LIMIT 1",
                (queue,),
            ).fetchone()
            if row is None:
                return None
            (lost,) = connection.execute(
                "SELECT count(*) FROM outbox WHERE state = 'lost' AND queue = ?", (queue,)
            ).fetchone()
        alert = _alert(row[1])
        if alert is None:
            self._lose("number = ?", (row[0],), "it cannot be read")
            return self.first(queue)
        return Waiting(row[0], alert, row[2], lost)

    def delivered(self, queue: str, number: int) -> None:
        with self._transaction() as connection:
            connection.execute("UPDATE outbox SET state = 'delivered' WHERE number = ?", (number,))
            connection.execute(
                "UPDATE outbox SET state = 'reported' WHERE state = 'lost' AND queue = ?", (queue,)
            )
            connection.execute(
                "DELETE FROM outbox WHERE state IN ('delivered', 'reported') AND queued_at < ?",
                (self._now() - KEPT_SECONDS,),
            )

    def give_up(self, queue: str, queued_before: float, reason: str) -> int:
        return self._lose("queue = ? AND queued_at < ?", (queue, queued_before), reason)

    def _lose(self, which: str, values: tuple[object, ...], reason: str) -> int:
        with self._transaction() as connection:
            return connection.execute(
                f"UPDATE outbox SET state = 'lost', reason = ? WHERE state = 'waiting' AND {which}",
                (reason, *values),
            ).rowcount

    def waiting(self) -> Mapping[str, int]:
        with self._transaction() as connection:
            return dict(
                connection.execute(
                    "SELECT queue, count(*) FROM outbox WHERE state = 'waiting' GROUP BY queue"
                ).fetchall()
            )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction at a time; raises Unavailable when the disk does not take it."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._open()
                with self._connection:
                    yield self._connection
            except (sqlite3.Error, OSError) as error:
                raise Unavailable(f"the outbox {self._path} cannot be used: {error}") from None

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
        self._path.touch(mode=PRIVATE_FILE_MODE)
        try:
            return self._connect()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            broken = self._path.with_suffix(".broken")
            self._path.replace(broken)
            for companion in ("-wal", "-shm"):
                self._path.with_name(self._path.name + companion).unlink(missing_ok=True)
            logger("alerting").error("the outbox is broken", put_aside=str(broken), why=str(error))
            self._path.touch(mode=PRIVATE_FILE_MODE)
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        for statement in (_TABLE, _INDEX):
            connection.execute(statement)
        return connection


def _alert(data: str) -> AlertRaised | None:
    try:
        event = parse(AlertRaised.__name__, data)
    except UnreadableEvent:
        return None
    return event if isinstance(event, AlertRaised) else None
