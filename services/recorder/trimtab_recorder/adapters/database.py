"""The record in SQLite or PostgreSQL: one transaction a batch, and nothing twice."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, RowMapping, Table, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from trimtab_recorder.core.orders import OrderNews, OrderState, merge
from trimtab_recorder.core.rows import Batch, Row
from trimtab_runtime import tables
from trimtab_runtime.database import connect, transact, write_alone
from trimtab_runtime.delivery.endings import Unavailable

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

PREPARE_SECONDS = 3_600.0
PLACES = Decimal("1e-9")
_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)


class SqlRecord:
    """Writes batches. While the database is busy it waits; when that lasts, Unavailable."""

    def __init__(self, url: str, *, busy_seconds: float) -> None:
        self._url = url
        self._busy_seconds = busy_seconds
        self._engine: Engine | None = None

    def prepare(self) -> None:
        # In a process of its own: the tool for migrations would stay in this one's memory.
        try:
            done = subprocess.run(
                [sys.executable, "-m", "trimtab_recorder.adapters.migration"],
                input=self._url,
                capture_output=True,
                text=True,
                timeout=PREPARE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Unavailable(f"the record was not ready after {PREPARE_SECONDS:,.0f} s") from None
        if done.returncode:
            raise Unavailable(f"the record cannot be prepared: {done.stderr.strip()}")
        self._engine = connect(self._url, synchronous="FULL", busy_seconds=self._busy_seconds)

    def write(self, batch: Batch) -> int:
        if self._engine is None:
            raise AssertionError("prepare() comes first")
        try:
            return transact(self._engine, lambda connection: _write(connection, batch))
        except (OperationalError, InterfaceError) as error:
            raise Unavailable(f"the record cannot be written: {error.orig}") from None
        except DBAPIError as error:
            if error.connection_invalidated:
                raise Unavailable(f"the database is gone: {error.orig}") from None
            raise

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()


def _write(connection: Connection, batch: Batch) -> int:
    _add(connection, tables.fills, batch.fills)
    _add(connection, tables.alerts, batch.alerts)
    _add(connection, tables.dead_letters, batch.dead_letters)
    _fold(connection, batch.orders)
    return _add(connection, tables.events, batch.events)


def _add(connection: Connection, table: Table, rows: Sequence[Row]) -> int:
    """Insert what is not there yet; returns how many rows were new."""
    if not rows:
        return 0
    statement = _insert(connection, table).on_conflict_do_nothing()
    if connection.dialect.name == "sqlite":
        return connection.execute(statement, rows).rowcount
    # PostgreSQL's driver does not count over many rows; those that were inserted come back.
    return len(connection.execute(statement.returning(table.c.id), rows).all())


def _fold(connection: Connection, orders: Mapping[str, OrderNews]) -> None:
    """Join the news with what the record knows, and write the outcome."""
    if not orders:
        return
    table = tables.orders
    write_alone(connection, table)  # it is read, joined and written: nobody may come between
    found = connection.execute(select(table).where(table.c.client_order_id.in_(list(orders))))
    folded = dict(orders)
    for row in found.mappings():
        known = _known(row)
        folded[known.client_order_id] = merge(known, orders[known.client_order_id])
    prices = _average_prices(connection, folded)
    rows = [_order_row(news, prices.get(news.client_order_id)) for news in folded.values()]
    insert = _insert(connection, table)
    changes = {
        column.name: insert.excluded[column.name] for column in table.c if not column.primary_key
    }
    connection.execute(
        insert.on_conflict_do_update(index_elements=["client_order_id"], set_=changes), rows
    )


def _average_prices(connection: Connection, orders: Iterable[str]) -> dict[str, Decimal]:
    """What each order's fills cost a unit, rounded to nine places."""
    fills = tables.fills
    query = select(fills.c.client_order_id, fills.c.quantity, fills.c.price)
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for order, quantity, price in connection.execute(
        query.where(fills.c.client_order_id.in_(list(orders)))
    ):
        amount, traded = sums.get(order, (Decimal(0), Decimal(0)))
        sums[order] = (
            _EXACT.add(amount, _EXACT.multiply(quantity, price)), _EXACT.add(traded, quantity)
        )  # fmt: skip
    return {
        order: _EXACT.quantize(_EXACT.divide(amount, traded), PLACES)
        for order, (amount, traded) in sums.items()
    }


def _known(row: RowMapping) -> OrderNews:
    return OrderNews(
        client_order_id=row["client_order_id"],
        symbol=row["symbol"],
        at=row["updated_at"],
        created_at=row["created_at"],
        state=OrderState(row["state"]),
        side=row["side"],
        quantity=row["quantity"],
        filled_quantity=row["filled_quantity"],
        reason=row["reason"],
    )


def _order_row(news: OrderNews, average_price: Decimal | None) -> Row:
    return {
        "client_order_id": news.client_order_id,
        "symbol": news.symbol,
        "side": news.side,
        "quantity": news.quantity,
        "state": news.state.value,
        "filled_quantity": news.filled_quantity,
        "average_price": average_price,
        "reason": news.reason,
        "created_at": news.created_at,
        "updated_at": news.at,
    }


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - its memory is for its users

    return postgresql.insert(table)
