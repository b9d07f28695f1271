"""`orders`: the latest orders and what became of them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from trimtab import show
from trimtab.money_words import quantity
from trimtab.place import read_settings
from trimtab.record import opened
from trimtab.words import clock


def show_orders(count: int, *, home: Path | None, as_json: bool) -> None:
    """From the record, so it works while nothing runs."""
    with opened(read_settings(home)) as record:
        orders = record.orders(count=count)
    if as_json:
        show.result({"orders": [asdict(order) for order in orders]}, as_json=True)
        return
    if not orders:
        print("No order was made yet.")
        return
    columns = ("market time", "symbol", "side", "quantity", "state", "price", "reason")
    rows = [
        (
            clock(order.created_at),
            order.symbol,
            order.side,
            f"{quantity(order.filled_quantity)} of {quantity(order.quantity)}",
            order.state,
            quantity(order.average_price),
            order.reason,
        )
        for order in orders
    ]
    show.table(columns, rows, right=("quantity", "price"), long="reason")
