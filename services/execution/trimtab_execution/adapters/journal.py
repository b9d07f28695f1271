"""The write-ahead of intents, in a table that this room alone writes; every commit is on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

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
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from trimtab_common.events import OrderApproved
from trimtab_runtime.database import UtcDateTime, transact, write_alone
from trimtab_runtime.delivery.endings import Unavailable

Result = TypeVar("Result")

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
    """Intents by client order id: `held` was never sent, `sending` may have been.

    Nothing is touched before the first question. Where the database cannot be reached or used, a
    method waits a little and then raises Unavailable.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._prepared = False

    def intend(self, held: Sequence[OrderApproved], sending: Sequence[OrderApproved]) -> set[str]:
        """One transaction, one flush, for all of them; see the port."""
        rows = [_row(order, HELD) for order in held] + [_row(order, SENDING) for order in sending]
        keys = [order.client_order_id for order in sending]
        return self._transact(lambda connection: _intend(connection, rows, keys))

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
        return self._transact(lambda connection: connection.execute(wanted).scalars().all())

    def _transact(self, work: Callable[[Connection], Result]) -> Result:
        try:
            if not self._prepared:
                transact(self._engine, _prepare)
                self._prepared = True
            return transact(self._engine, work)
        except (OperationalError, InterfaceError) as error:
            raise Unavailable(f"the journal cannot be used: {error.orig}") from None
        except DBAPIError as error:
            if error.connection_invalidated:
                raise Unavailable(f"the journal's database is gone: {error.orig}") from None
            raise


def _row(order: OrderApproved, state: str) -> dict[str, Any]:
    return {
        "client_order_id": order.client_order_id,
        "row": order.at,
        "state": state,
        "intent": order.model_dump_json(),
    }


def _intend(connection: Connection, rows: list[dict[str, Any]], sending: list[str]) -> set[str]:
    """Nobody writes in between: of two processes, one learns what the other may have sent."""
    write_alone(connection, INTENTS)
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


def _prepare(connection: Connection) -> None:
    """Make the table where it is missing, and forget what no order lives long enough to need."""
    write_alone(connection, INTENTS)
    METADATA.create_all(connection)
    newest = connection.execute(select(func.max(INTENTS.c.row))).scalar()
    if newest is not None:
        connection.execute(delete(INTENTS).where(INTENTS.c.row < newest - KEPT))
