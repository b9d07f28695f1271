"""The record as it began: events, orders, fills, dead letters, alerts."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, DateTime, Integer, String, Text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _create_alerts() -> None:
    op.create_table(
        "alerts",
        Column("id", String(240), primary_key=True),
        Column("rule", String(80), nullable=False),
        Column("key", Text, nullable=False),
        Column("severity", String(80), nullable=False),
        Column("title", Text, nullable=False),
        Column("text", Text, nullable=False),
        Column("cause", String(240), nullable=False),
        Column("count", Integer, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_alerts_at", "alerts", ["at"])
    op.create_index("ix_alerts_rule_at", "alerts", ["rule", "at"])


def _create_dead_letters() -> None:
    op.create_table(
        "dead_letters",
        Column("id", String(240), primary_key=True),
        Column("stream", String(80), nullable=False),
        Column("entry_id", String(80), nullable=False),
        Column("room", String(80), nullable=False),
        Column("type", String(80), nullable=True),
        Column("reason", Text, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("data", Text, nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_dead_letters_recorded_at", "dead_letters", ["recorded_at"])


def _create_events() -> None:
    op.create_table(
        "events",
        Column("id", String(240), primary_key=True),
        Column("stream", String(80), nullable=False),
        Column("type", String(80), nullable=False),
        Column("entry_id", String(80), nullable=False),
        Column("at", DateTime(timezone=True), nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False),
        Column("symbol", String(21), nullable=True),
        Column("data", Text, nullable=False),
    )
    op.create_index("ix_events_at", "events", ["at"])
    op.create_index("ix_events_symbol_at", "events", ["symbol", "at"])
    op.create_index("ix_events_type_at", "events", ["type", "at"])


def _create_fills() -> None:
    op.create_table(
        "fills",
        Column("id", String(240), primary_key=True),
        Column("client_order_id", String(80), nullable=False),
        Column("symbol", String(21), nullable=False),
        Column("side", String(4), nullable=False),
        Column("quantity", String(40), nullable=False),
        Column("price", String(40), nullable=False),
        Column("fee", String(40), nullable=False),
        Column("cumulative_quantity", String(40), nullable=False),
        Column("at", DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_fills_at", "fills", ["at"])
    op.create_index("ix_fills_client_order_id", "fills", ["client_order_id"])
    op.create_index("ix_fills_symbol_at", "fills", ["symbol", "at"])


def _create_orders() -> None:
    op.create_table(
        "orders",
        Column("client_order_id", String(80), primary_key=True),
        Column("symbol", String(21), nullable=False),
        Column("side", String(4), nullable=False),
        Column("quantity", String(40), nullable=False),
        Column("state", String(80), nullable=False),
        Column("filled_quantity", String(40), nullable=False),
        Column("average_price", String(40), nullable=True),
        Column("reason", Text, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
        Column("updated_at", DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_orders_created_at", "orders", ["created_at"])
    op.create_index("ix_orders_state", "orders", ["state"])
    op.create_index("ix_orders_symbol_created_at", "orders", ["symbol", "created_at"])


def upgrade() -> None:
    _create_events()
    _create_orders()
    _create_fills()
    _create_dead_letters()
    _create_alerts()


def downgrade() -> None:
    for name in ("alerts", "dead_letters", "fills", "orders", "events"):
        op.drop_table(name)
