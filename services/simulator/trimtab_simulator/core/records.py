"""The exchange's memory: what happened, one record after another, as it stands in the log.

A record holds nothing that follows from the ones before it, and is written down only after it was
found valid; so applying the log again gives the same exchange.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from trimtab_common.events import instant
from trimtab_common.money import plain
from trimtab_common.symbols import Symbol
from trimtab_simulator.core.requests import OrderRequest

Record = dict[str, Any]


class Kind(StrEnum):
    """What a record tells."""

    MARKET = "market"
    """Whose log this is, as its first record; another market needs another log."""
    ORDER = "order"
    CANCEL = "cancel"
    OPEN = "open"
    ADJUST = "adjust"


class Reason(StrEnum):
    """Why cash or a position changed without an order."""

    DIVIDEND = "dividend"
    TRANSFER = "transfer"
    FEE = "fee"
    SPLIT = "split"
    POSITION = "position"


class Change(NamedTuple):
    """Cash or units that come in (or, negative, go out) without an order."""

    reason: Reason
    symbol: Symbol | None
    cash: Decimal
    quantity: Decimal
    ratio: Decimal
    """How many units one has become: 1 for everything but a split."""


def order_record(request: OrderRequest, client_order_id: str, received_at: float) -> Record:
    return {
        "kind": Kind.ORDER,
        "received_at": received_at,
        "client_order_id": client_order_id,
        "symbol": request.symbol,
        "side": request.side.value,
        "quantity": plain(request.quantity),
        "time_in_force": request.time_in_force,
    }


def cancel_record(client_order_id: str, received_at: float) -> Record:
    return {"kind": Kind.CANCEL, "received_at": received_at, "client_order_id": client_order_id}


def open_record(row: datetime, received_at: float) -> Record:
    return {"kind": Kind.OPEN, "received_at": received_at, "row": instant(row)}


def adjust_record(change: Change, received_at: float) -> Record:
    return {
        "kind": Kind.ADJUST,
        "received_at": received_at,
        "reason": change.reason.value,
        "symbol": change.symbol,
        "cash": plain(change.cash),
        "quantity": plain(change.quantity),
        "ratio": plain(change.ratio),
    }
