"""The tables of the record. The recorder alone writes them; every room and the owner may read.

Amounts are `DecimalText`: exact, but not to be summed or ordered in SQL. The tables are made by
the migrations; a test holds that these definitions and the migrations say the same.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, MetaData, String, Table, Text

from trimtab_runtime.database import DecimalText, UtcDateTime

ID_LENGTH_MAX = 240
NAME_LENGTH_MAX = 80
SYMBOL_LENGTH_MAX = 21

metadata = MetaData()

events = Table(
    "events",
    metadata,
    Column("id", String(ID_LENGTH_MAX), primary_key=True),
    Column("stream", String(NAME_LENGTH_MAX), nullable=False),
    Column("type", String(NAME_LENGTH_MAX), nullable=False),
    Column("entry_id", String(NAME_LENGTH_MAX), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("symbol", String(SYMBOL_LENGTH_MAX), nullable=True),
    Column("data", Text, nullable=False),
    Index("ix_events_type_at", "type", "at"),
    Index("ix_events_symbol_at", "symbol", "at"),
    Index("ix_events_at", "at"),
)
"""Every event but bars, which the bar store has, and marks; `data` is its own words, as JSON."""

orders = Table(
    "orders",
    metadata,
    Column("client_order_id", String(NAME_LENGTH_MAX), primary_key=True),
    Column("symbol", String(SYMBOL_LENGTH_MAX), nullable=False),
    Column("side", String(4), nullable=False),
    Column("quantity", DecimalText, nullable=False),
    Column("state", String(NAME_LENGTH_MAX), nullable=False),
    Column("filled_quantity", DecimalText, nullable=False),
    Column("average_price", DecimalText, nullable=True),
    Column("reason", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_orders_symbol_created_at", "symbol", "created_at"),
    Index("ix_orders_state", "state"),
    Index("ix_orders_created_at", "created_at"),
)
"""The present state of every order, folded from its events."""

fills = Table(
    "fills",
    metadata,
    Column("id", String(ID_LENGTH_MAX), primary_key=True),
    Column("client_order_id", String(NAME_LENGTH_MAX), nullable=False),
    Column("symbol", String(SYMBOL_LENGTH_MAX), nullable=False),
    Column("side", String(4), nullable=False),
    Column("quantity", DecimalText, nullable=False),
    Column("price", DecimalText, nullable=False),
    Column("fee", DecimalText, nullable=False),
    Column("cumulative_quantity", DecimalText, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_fills_client_order_id", "client_order_id"),
    Index("ix_fills_symbol_at", "symbol", "at"),
    Index("ix_fills_at", "at"),
)
"""One row for each `OrderFilled`."""

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", String(ID_LENGTH_MAX), primary_key=True),
    Column("stream", String(NAME_LENGTH_MAX), nullable=False),
    Column("entry_id", String(NAME_LENGTH_MAX), nullable=False),
    Column("room", String(NAME_LENGTH_MAX), nullable=False),
    Column("type", String(NAME_LENGTH_MAX), nullable=True),
    Column("reason", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("data", Text, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Index("ix_dead_letters_recorded_at", "recorded_at"),
)
"""Entries that a room could not process, and why."""

alerts = Table(
    "alerts",
    metadata,
    Column("id", String(ID_LENGTH_MAX), primary_key=True),
    Column("rule", String(NAME_LENGTH_MAX), nullable=False),
    Column("key", Text, nullable=False),
    Column("severity", String(NAME_LENGTH_MAX), nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("cause", String(ID_LENGTH_MAX), nullable=False),
    Column("count", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Index("ix_alerts_at", "at"),
    Index("ix_alerts_rule_at", "rule", "at"),
)
"""What the owner was told."""
