"""Reads from the record what risk needs to begin again: question and answer are JSON.

In this order: each strategy's last signal on each symbol, approvals of orders that may still work,
sales that may not be settled yet, every command. Nothing where nothing of that was ever said.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, inspect, select
from sqlalchemy.exc import DBAPIError

from trimtab_common.events import Event, OrderApproved, OrderFilled, SignalRaised, encode, parse
from trimtab_common.sides import Side
from trimtab_runtime import tables
from trimtab_runtime.database import connect

BUSY_SECONDS = 5.0
ROWS_A_PAGE = 1_000
TRADING_STREAMS = ("signals", "orders", "fills", "control")
COMMANDS = ("TradingHalted", "TradingResumed", "FlattenRequested")
UNFINISHED = ("approved", "accepted", "partly filled", "cancelling")
ORDERS_SINCE = timedelta(days=30)
"""No order lives longer, however little is known of its end."""
SALES_SINCE = timedelta(days=10)
"""No sale takes longer to be settled, whatever holidays lie between."""


def read_past(database: str, *, with_targets: bool) -> list[Event]:
    """Everything, from one look at the record; raises DBAPIError."""
    engine = connect(database, read_only=True, busy_seconds=BUSY_SECONDS)
    try:
        with engine.connect() as connection:
            newest = _newest(connection)
            if newest is None:
                return []
            targets = _targets(connection) if with_targets else []
            return [
                *targets,
                *_unfinished(connection, newest),
                *_sales(connection, newest),
                *_commands(connection),
            ]
    finally:
        engine.dispose()


def _newest(connection: Connection) -> datetime | None:
    """When something was last wanted, traded or commanded; None where nothing ever was."""
    events = tables.events
    if not inspect(connection).has_table(events.name):
        return None
    traded = events.c.stream.in_(TRADING_STREAMS)
    found: datetime | None = connection.scalar(select(func.max(events.c.at)).where(traded))
    return found


def _of(connection: Connection, *kinds: str, since: datetime | None = None) -> Iterator[Any]:
    """The rows of events of these types by market time, without holding them all."""
    events = tables.events
    query = select(events).where(events.c.type.in_(kinds))
    if since is not None:
        query = query.where(events.c.at >= since)
    query = query.order_by(events.c.at, events.c.recorded_at)
    for row in connection.execute(query, execution_options={"yield_per": ROWS_A_PAGE}):
        yield row._mapping


def _targets(connection: Connection) -> list[Event]:
    last: dict[tuple[str, str], Any] = {}
    for row in _of(connection, SignalRaised.__name__):
        last[json.loads(row["data"])["strategy"], row["symbol"]] = row
    return [parse(row["type"], row["data"]) for row in last.values()]


def _unfinished(connection: Connection, newest: datetime) -> Iterator[Event]:
    orders, since = tables.orders, newest - ORDERS_SINCE
    query = select(orders.c.client_order_id).where(
        orders.c.state.in_(UNFINISHED), orders.c.created_at >= since
    )
    unfinished = set(connection.scalars(query))
    for row in _of(connection, OrderApproved.__name__, since=since) if unfinished else ():
        approval = parse(row["type"], row["data"])
        if isinstance(approval, OrderApproved) and approval.client_order_id in unfinished:
            yield approval


def _sales(connection: Connection, newest: datetime) -> Iterator[Event]:
    for row in _of(connection, OrderFilled.__name__, since=newest - SALES_SINCE):
        fill = parse(row["type"], row["data"])
        if isinstance(fill, OrderFilled) and fill.side is Side.SELL:
            yield fill


def _commands(connection: Connection) -> list[Event]:
    """In the order in which they were given: several may bear one market time."""

    def place(row: Any) -> tuple[datetime, int]:
        return row["recorded_at"], int(row["entry_id"].partition("-")[2] or 0)

    return [
        parse(row["type"], row["data"]) for row in sorted(_of(connection, *COMMANDS), key=place)
    ]


def run() -> None:
    """Answer the question on stdin; what went wrong is one line on stderr."""
    database, with_targets = json.loads(sys.stdin.read())
    try:
        found = read_past(database, with_targets=with_targets)
    except DBAPIError as error:
        sys.exit(f"{error.orig}")
    sys.stdout.write(json.dumps([encode(event) for event in found]))


if __name__ == "__main__":
    run()
