"""Orders, bars and rows for execution's tests; only what matters has to be said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from trimtab_common.events import (
    BarClosed,
    Due,
    OrderApproved,
    OrderCancelRequested,
    RowClosed,
    bar_id,
    client_order_id,
    instant,
    mark,
)
from trimtab_common.sides import Side
from trimtab_common.timeframes import Timeframe
from trimtab_execution.ports import BrokerOrder, Update
from trimtab_trading.broker_ids import broker_order_id

ACCOUNT = "main"
MINUTE = timedelta(minutes=1)
START = datetime(2024, 3, 4, 14, 30, tzinfo=UTC)


def row_at(number: int) -> datetime:
    """The instant of the Nth row, counted from 1; its bars opened a minute before."""
    return START + number * MINUTE


def an_order(
    row: int = 1,
    symbol: str = "AAPL",
    *,
    side: Side = Side.BUY,
    quantity: str = "10",
    leg: int = 0,
    wait: int = 0,
    rows_valid: int = 2,
    **changes: Any,
) -> OrderApproved:
    """An order approved at a row; `wait`: how many rows it is held."""
    at = row_at(row)
    fields: dict[str, Any] = {
        "id": f"order:{ACCOUNT}:{instant(at)}:{symbol}:{leg}",
        "at": at,
        "account": ACCOUNT,
        "client_order_id": client_order_id(ACCOUNT, at, symbol, leg),
        "symbol": symbol,
        "side": side,
        "quantity": Decimal(quantity),
        "reference_price": Decimal(100),
        "leg": leg,
        "not_before": at + wait * MINUTE,
        "valid_until": at + (wait + rows_valid) * MINUTE,
        "signals": (),
        "attribution": (),
        "reason": "a test",
    }
    return OrderApproved(**fields | changes)


def a_cancel(order: OrderApproved, row: int, reason: str = "not wanted") -> OrderCancelRequested:
    """Risk's wish to take an order back."""
    at = row_at(row)
    return OrderCancelRequested(
        id=f"cancel:{order.client_order_id}:{instant(at)}",
        at=at,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        reason=reason,
    )


def a_bar(row: int, symbol: str = "AAPL", *, price: str = "100", volume: str = "1000") -> BarClosed:
    """A bar that opened at this price."""
    at, value = row_at(row), Decimal(price)
    return BarClosed(
        id=bar_id("test", symbol, Timeframe.ONE_MINUTE, at - MINUTE),
        at=at,
        symbol=symbol,
        timeframe=Timeframe.ONE_MINUTE,
        opened_at=at - MINUTE,
        open=value,
        high=value,
        low=value,
        close=value,
        volume=Decimal(volume),
        feed="test",
    )


def a_row(row: int, present: Sequence[str] = ("AAPL",), missing: Sequence[str] = ()) -> RowClosed:
    """The mark that ends a row on `bars`."""
    due = Due(
        calendar="24/7",
        timeframe=Timeframe.ONE_MINUTE,
        opened_at=row_at(row) - MINUTE,
        present=tuple(present),
        missing=tuple(missing),
    )
    return mark(row_at(row), "bars", "ingest", (due,))


def orders_end(row: int) -> RowClosed:
    """The mark that ends a row on `orders`."""
    return mark(row_at(row), "orders", "risk")


def seen(
    order: OrderApproved,
    *,
    status: str = "new",
    filled: str = "0",
    average: str | None = None,
    reason: str = "",
) -> BrokerOrder:
    """The order as the broker shows it."""
    return BrokerOrder(
        order_id=broker_order_id(order.client_order_id),
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        status=status,
        quantity=order.quantity,
        filled_quantity=Decimal(filled),
        average_price=None if average is None else Decimal(average),
        reason=reason,
    )


def an_update(
    shown: BrokerOrder, *, quantity: str | None = None, price: str | None = None, fee: str = "0"
) -> Update:
    """A message of the update stream about an order."""
    return Update(
        execution_id=f"{shown.client_order_id}:{shown.status}:{shown.filled_quantity}",
        order=shown,
        quantity=None if quantity is None else Decimal(quantity),
        price=None if price is None else Decimal(price),
        fee=Decimal(fee),
    )
