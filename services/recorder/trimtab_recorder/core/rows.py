"""What a batch of entries becomes in the record: rows of its tables, nothing written yet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trimtab_common.events import Event
from trimtab_recorder.core.orders import OrderNews, merge
from trimtab_runtime.delivery.inbox import written_at

Row = dict[str, Any]

SYMBOL_LENGTH_MAX = 21
NAME_LENGTH_MAX = 80
_TRIES = re.compile(r"handling it ended the room (\d{1,9}) times")


@dataclass
class Batch:
    """Rows by table, and what became known about orders."""

    events: list[Row] = field(default_factory=list)
    fills: list[Row] = field(default_factory=list)
    alerts: list[Row] = field(default_factory=list)
    dead_letters: list[Row] = field(default_factory=list)
    orders: dict[str, OrderNews] = field(default_factory=dict)

    def add(self, event: Event, stream: str, entry_id: str, data: bytes) -> None:
        """Keep an event in its own words, with what it is found by."""
        symbol = getattr(event, "symbol", None)
        self.events.append(
            {
                "id": event.id,
                "stream": stream,
                "type": type(event).__name__,
                "entry_id": entry_id,
                "at": event.at,
                "recorded_at": written_at(entry_id),
                "symbol": symbol if symbol is None or len(symbol) <= SYMBOL_LENGTH_MAX else None,
                "data": data.decode(),
            }
        )

    @property
    def recorded_at(self) -> datetime:
        """When the event that was added last was written into its stream."""
        at: datetime = self.events[-1]["recorded_at"]
        return at

    def learn(self, news: OrderNews) -> None:
        """Join what an event tells about an order with what the batch knows already."""
        known = self.orders.get(news.client_order_id)
        self.orders[news.client_order_id] = news if known is None else merge(known, news)

    def __bool__(self) -> bool:
        return bool(self.events or self.dead_letters)


def dead_letter_row(entry_id: str, fields: Mapping[bytes, bytes]) -> Row:
    """A dead letter. Its bytes may be anything, the row is text that every database takes."""

    def text(name: bytes, length_max: int | None = None) -> str:
        said = fields.get(name, b"").decode("utf-8", "replace").replace("\x00", "\ufffd")
        return said[:length_max]

    stream, entry = text(b"stream", NAME_LENGTH_MAX), text(b"entry", NAME_LENGTH_MAX)
    tries = _TRIES.search(text(b"reason"))
    return {
        "id": f"{stream} {entry}",
        "stream": stream,
        "entry_id": entry,
        "room": text(b"room", NAME_LENGTH_MAX),
        "type": text(b"type", NAME_LENGTH_MAX) or None,
        "reason": text(b"reason"),
        "tries": int(tries[1]) if tries else 1,
        "data": text(b"data"),
        "recorded_at": written_at(entry_id),
    }
