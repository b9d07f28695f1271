"""The write-ahead of intents in a database of its own; on SQLite every commit reaches the disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    Select,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from trimtab_common.events import OrderApproved
from trimtab_runtime.database import UtcDateTime, transact

METADATA = MetaData()
INTENTS = Table(
    "intents",
    METADATA,
    Column("client_order_id", String(48), primary_key=True),
    Column("row", UtcDateTime, nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("intent", String, nullable=False),
)
HELD, SENDING = "held", "sending"
KEPT = timedelta(days=30)
"""How much of the market's time before the newest intent is kept; no order lives that long."""


class DatabaseJournal:
    """Intents by client order id: `held` was never sent, `sending` may have been."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        METADATA.create_all(engine)
        transact(engine, _forget_old)

    def intend(self, held: Sequence[OrderApproved], sending: Sequence[OrderApproved]) -> set[str]:
        """One transaction, one flush, for all of them; see the port."""
        rows = [_row(order, HELD) for order in held] + [_row(order, SENDING) for order in sending]
        keys = [order.client_order_id for order in sending]
        return transact(self._engine, lambda connection: _intend(connection, rows, keys))

    def sent(self) -> set[str]:
        """See the port."""
        wanted = select(INTENTS.c.client_order_id).where(INTENTS.c.state == SENDING)
        return set(self._found(wanted))

    def recall(self, client_order_ids: Iterable[str]) -> list[OrderApproved]:
        """See the port."""
        wanted = select(INTENTS.c.intent).where(
            INTENTS.c.client_order_id.in_(list(client_order_ids))
        )
        return [OrderApproved.model_validate_json(intent) for intent in self._found(wanted)]

    def _found(self, wanted: Select[str]) -> Sequence[str]:
        return transact(self._engine, lambda connection: connection.execute(wanted).scalars().all())


def _row(order: OrderApproved, state: str) -> dict[str, Any]:
    return {
        "client_order_id": order.client_order_id,
        "row": order.at,
        "state": state,
        "intent": order.model_dump_json(),
    }


def _intend(connection: Connection, rows: list[dict[str, Any]], sending: list[str]) -> set[str]:
    """The transaction holds the write lock from its beginning: nobody writes in between."""
    known = _states(connection, [row["client_order_id"] for row in rows])
    fresh = [row for row in rows if row["client_order_id"] not in known]
    if fresh:
        connection.execute(insert(INTENTS), fresh)
    waited = [key for key in sending if known.get(key) == HELD]
    if waited:
        mine = INTENTS.c.client_order_id.in_(waited)
        connection.execute(update(INTENTS).where(mine).values(state=SENDING))
    return {key for key in sending if known.get(key) == SENDING}


def _states(connection: Connection, keys: list[str]) -> dict[str, str]:
    wanted = select(INTENTS.c.client_order_id, INTENTS.c.state).where(
        INTENTS.c.client_order_id.in_(keys)
    )
    return {key: state for key, state in connection.execute(wanted)}


def _forget_old(connection: Connection) -> None:
    newest = connection.execute(select(func.max(INTENTS.c.row))).scalar()
    if newest is not None:
        connection.execute(delete(INTENTS).where(INTENTS.c.row < newest - KEPT))
