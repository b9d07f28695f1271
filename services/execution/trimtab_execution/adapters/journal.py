"""The write-ahead of intents in a database of its own; on SQLite every commit reaches the disk."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, select, update
from sqlalchemy.dialects import postgresql, sqlite

from trimtab_common.events import OrderApproved
from trimtab_runtime.database import UtcDateTime, transact

METADATA = MetaData()
INTENTS = Table(
    "intents",
    METADATA,
    Column("client_order_id", String(48), primary_key=True),
    Column("row", UtcDateTime, nullable=False),
    Column("state", String(16), nullable=False),
    Column("broker_id", String(64)),
    Column("intent", String, nullable=False),
)
HELD, SENDING = "held", "sending"


class DatabaseJournal:
    """Intents by client order id. A row here without a committed event is work to be finished."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        METADATA.create_all(engine)

    def intend(self, orders: Iterable[OrderApproved], *, send: bool) -> set[str]:
        """One transaction, one flush, for all of them."""
        wanted = list(orders)
        if not wanted:
            return set()
        return transact(self._engine, lambda connection: _intend(connection, wanted, send))

    def settle(self, outcomes: Iterable[tuple[str, str, str | None]]) -> None:
        known = list(outcomes)
        if known:
            transact(self._engine, lambda connection: _settle(connection, known))


def _intend(connection: Connection, orders: list[OrderApproved], send: bool) -> set[str]:
    keys = [order.client_order_id for order in orders]
    found = connection.execute(
        select(INTENTS.c.client_order_id, INTENTS.c.state).where(
            INTENTS.c.client_order_id.in_(keys)
        )
    )
    before = {key: state for key, state in found}
    state = SENDING if send else HELD
    rows = [
        {
            "client_order_id": order.client_order_id,
            "row": order.at,
            "state": state,
            "intent": order.model_dump_json(),
        }
        for order in orders
    ]
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(INTENTS).values(rows)
    connection.execute(statement.on_conflict_do_nothing())
    if send:
        promoted = [key for key in keys if before.get(key) == HELD]
        if promoted:
            connection.execute(
                update(INTENTS).where(INTENTS.c.client_order_id.in_(promoted)).values(state=SENDING)
            )
    return {key for key, known in before.items() if send and known != HELD}


def _settle(connection: Connection, outcomes: list[tuple[str, str, str | None]]) -> None:
    for key, state, broker_id in outcomes:
        values = {"state": state} | ({"broker_id": broker_id} if broker_id else {})
        connection.execute(update(INTENTS).where(INTENTS.c.client_order_id == key).values(**values))
