"""An order's present state, folded from what is known about it, in whatever order it comes.

Orders and fills are different streams, so the end of an order may be read before its beginning,
and after a crash everything may be read again. Folding is therefore a merge: it does not matter
in which order, in which batches, or how often the same news come.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class OrderState(StrEnum):
    """How far an order has come; a later one never gives way to an earlier one."""

    APPROVED = "approved"
    ACCEPTED = "accepted"
    PARTLY_FILLED = "partly filled"
    CANCELLING = "cancelling"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


RANK = {state: rank for rank, state in enumerate(OrderState)}
ENDED_OTHERWISE = frozenset({OrderState.CANCELLED, OrderState.REJECTED})
"""Ends that have a reason of their own; before them, the reason is that of the approval."""


@dataclass(frozen=True, kw_only=True)
class OrderNews:
    """What is known about one order: all of it, or what one event tells."""

    client_order_id: str
    symbol: str
    at: datetime
    """When this was so; of several, the last."""
    created_at: datetime
    state: OrderState
    side: str = ""
    """Empty where it is not known: an end that came before its beginning does not tell."""
    quantity: Decimal = Decimal(0)
    filled_quantity: Decimal = Decimal(0)
    reason: str = ""


def merge(known: OrderNews, news: OrderNews) -> OrderNews:
    """Join two pieces of knowledge about the same order."""
    higher, lower = sorted((known, news), key=_weight, reverse=True)
    own_reason = higher.state in ENDED_OTHERWISE
    return OrderNews(
        client_order_id=known.client_order_id,
        symbol=known.symbol,
        at=max(known.at, news.at),
        created_at=min(known.created_at, news.created_at),
        state=higher.state,
        side=known.side or news.side,
        quantity=max(known.quantity, news.quantity),
        filled_quantity=max(known.filled_quantity, news.filled_quantity),
        reason=higher.reason if own_reason else max(higher.reason, lower.reason),
    )


def _weight(news: OrderNews) -> tuple[int, str]:
    return RANK[news.state], news.reason
