"""Reading the record: orders, fills, alerts, dead letters, and the story behind a symbol.

Everything comes newest first. The recorder alone writes; this opens the database for reading only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Engine, Row, Select, Table, select
from sqlalchemy.exc import DBAPIError

from trimtab_common.events import Event, UnreadableEvent, parse
from trimtab_runtime import tables
from trimtab_runtime.database import connect

BUSY_SECONDS = 5.0
STRATEGIES_MAX = 500
"""So many of a symbol's last signals are looked through for each strategy's latest."""
DECISIONS = ("OrderApproved", "OrderRefused", "OrderCancelRequested", "HoldingsCrossed")
SWITCHES = ("TradingHalted", "TradingResumed", "FlattenRequested")


class NoRecord(Exception):
    """There is no record to read; the text says where it was looked for, and why it failed."""


@dataclass(frozen=True)
class OrderState:
    """An order as it stands."""

    client_order_id: str
    symbol: str
    side: str
    """Empty as long as only its end is known."""
    quantity: Decimal
    state: str
    """approved, accepted, partly filled, cancelling, filled, cancelled or rejected."""
    filled_quantity: Decimal
    average_price: Decimal | None
    reason: str
    """Why it exists, or why it was cancelled or rejected."""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Fill:
    """A part of an order that traded."""

    id: str
    client_order_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    cumulative_quantity: Decimal
    at: datetime


@dataclass(frozen=True)
class Alert:
    """What the owner was told."""

    id: str
    rule: str
    key: str
    severity: str
    title: str
    text: str
    cause: str
    count: int
    at: datetime
    recorded_at: datetime


@dataclass(frozen=True)
class DeadLetter:
    """An entry that a room could not process."""

    id: str
    stream: str
    entry_id: str
    room: str
    type: str | None
    reason: str
    tries: int
    data: str
    recorded_at: datetime


@dataclass(frozen=True)
class Recorded:
    """An event, where it was published and when that was, in wall-clock time."""

    event: Event
    stream: str
    entry_id: str
    recorded_at: datetime


@dataclass(frozen=True)
class Story:
    """What the record says about a symbol up to an instant, each list newest first."""

    symbol: str
    at: datetime
    refused_bar: Recorded | None
    signals: tuple[Recorded, ...]
    """Each strategy's latest."""
    decisions: tuple[Recorded, ...]
    """What risk last said about it: all of one row."""
    orders: tuple[OrderState, ...]
    fills: tuple[Fill, ...]
    switch: Recorded | None
    """The last time trading was halted, resumed or flattened."""


View = TypeVar("View", OrderState, Fill, Alert, DeadLetter)


class Record:
    """The record, for reading. Every method blocks; raises NoRecord where there is none."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, database: str | Path) -> Self:
        """A URL, or the file of a SQLite database; nothing is touched before the first question."""
        return cls(connect(database, read_only=True, busy_seconds=BUSY_SECONDS))

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def orders(
        self, *, state: str | None = None, symbol: str | None = None, count: int = 100
    ) -> list[OrderState]:
        """Orders by the time of their approval."""
        table = tables.orders
        query = _where(select(table), table, state=state, symbol=symbol)
        return self._rows(OrderState, query, table, "created_at", count)

    def order(self, client_order_id: str) -> OrderState | None:
        """One order, by its id."""
        table = tables.orders
        query = _where(select(table), table, client_order_id=client_order_id)
        return next(iter(self._rows(OrderState, query, table, "created_at", 1)), None)

    def fills(
        self, symbol: str | None = None, *, order: str | None = None, count: int = 100
    ) -> list[Fill]:
        """Fills by market time."""
        table = tables.fills
        query = _where(select(table), table, symbol=symbol, client_order_id=order)
        return _latest(self._rows(Fill, query, table, "at", count))

    def alerts(
        self, *, severity: str | None = None, rule: str | None = None, count: int = 100
    ) -> list[Alert]:
        """Alerts by market time."""
        table = tables.alerts
        query = _where(select(table), table, severity=severity, rule=rule)
        return self._rows(Alert, query, table, "at", count)

    def dead_letters(self, *, room: str | None = None, count: int = 100) -> list[DeadLetter]:
        """Dead letters by the time they were given up."""
        table = tables.dead_letters
        query = _where(select(table), table, room=room)
        return self._rows(DeadLetter, query, table, "recorded_at", count)

    def events(
        self,
        *kinds: str,
        symbol: str | None = None,
        until: datetime | None = None,
        count: int = 100,
    ) -> list[Recorded]:
        """Events of these types by market time, up to and including an instant."""
        table = tables.events
        query = _where(select(table), table, symbol=symbol)
        if kinds:
            query = query.where(table.c.type.in_(kinds))
        if until is not None:
            query = query.where(table.c.at <= until)
        query = query.order_by(table.c.at.desc(), table.c.recorded_at.desc(), table.c.id.desc())
        return [event for row in self._ask(query.limit(count)) if (event := _recorded(row))]

    def story(self, symbol: str, at: datetime | None = None) -> Story:
        """All but the bar that led to a symbol being bought, sold or left alone at an instant."""
        at = at or datetime.now(UTC)

        def last(*kinds: str, count: int = 1) -> list[Recorded]:
            return self.events(*kinds, symbol=symbol, until=at, count=count)

        return Story(
            symbol=symbol,
            at=at,
            refused_bar=_first(last("BarRefused")),
            signals=_one_a_strategy(last("SignalRaised", count=STRATEGIES_MAX)),
            decisions=_of_one_row(last(*DECISIONS, count=20)),
            orders=tuple(self._until(OrderState, tables.orders, "created_at", symbol, at)),
            fills=tuple(_latest(self._until(Fill, tables.fills, "at", symbol, at))),
            switch=_first(self.events(*SWITCHES, until=at, count=1)),
        )

    def _until(
        self, view: type[View], table: Table, time: str, symbol: str, at: datetime
    ) -> list[View]:
        query = _where(select(table), table, symbol=symbol).where(table.c[time] <= at)
        return self._rows(view, query, table, time, 10)

    def _rows(
        self, view: type[View], query: Select[Any], table: Table, time: str, count: int
    ) -> list[View]:
        key = next(iter(table.primary_key.columns))
        ordered = query.order_by(table.c[time].desc(), key.desc()).limit(count)
        return [view(**row._mapping) for row in self._ask(ordered)]

    def _ask(self, query: Select[Any]) -> list[Row[Any]]:
        try:
            with self._engine.connect() as connection:
                return list(connection.execute(query))
        except DBAPIError as error:
            place = self._engine.url.render_as_string(hide_password=True)
            raise NoRecord(f"the record at {place} cannot be read: {error.orig}") from None


def _latest(fills: list[Fill]) -> list[Fill]:
    """Fills of one instant in their order: the database has amounts as text and cannot know it."""
    return sorted(fills, key=lambda fill: (fill.at, fill.cumulative_quantity), reverse=True)


def _where(query: Select[Any], table: Table, **values: str | None) -> Select[Any]:
    for name, value in values.items():
        if value is not None:
            query = query.where(table.c[name] == value)
    return query


def _recorded(row: Row[Any]) -> Recorded | None:
    """The event of a row; one that a later release wrote and this one cannot read is left out."""
    fields = row._mapping
    try:
        event = parse(fields["type"], fields["data"])
    except UnreadableEvent:
        return None
    return Recorded(event, fields["stream"], fields["entry_id"], fields["recorded_at"])


def _first(found: Iterable[Recorded]) -> Recorded | None:
    return next(iter(found), None)


def _one_a_strategy(signals: list[Recorded]) -> tuple[Recorded, ...]:
    latest: dict[str, Recorded] = {}
    for signal in signals:
        latest.setdefault(getattr(signal.event, "strategy", ""), signal)
    return tuple(latest.values())


def _of_one_row(decisions: list[Recorded]) -> tuple[Recorded, ...]:
    return tuple(each for each in decisions if each.event.at == decisions[0].event.at)
