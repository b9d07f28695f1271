"""What execution does about each event; the order book's own methods, in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trimtab_common.events import Event, OrderApproved, OrderCancelRequested, RowClosed
from trimtab_execution.core.order_book import OrderBook

HANDLERS: Mapping[type[Event], Callable[[OrderBook, Any], Any]] = {
    OrderApproved: OrderBook.on_order,
    OrderCancelRequested: OrderBook.on_cancel,
    RowClosed: OrderBook.close,
}
