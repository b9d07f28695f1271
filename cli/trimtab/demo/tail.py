"""Follows the streams while the demo runs: what was decided, what was traded, how much of it."""

from __future__ import annotations

import threading
from collections import Counter, deque
from datetime import datetime
from typing import Any

import redis

from trimtab.streams import Streams
from trimtab_common.events import (
    BarClosed,
    Event,
    OrderApproved,
    OrderFilled,
    OrderRefused,
    RowClosed,
    SignalRaised,
    UnreadableEvent,
    parse_entry,
)

FOLLOWED = ("bars", "signals", "orders", "fills", "alerts", "dead")
SHOWN = 12
COUNT = 1_000
BLOCK_MILLISECONDS = 250
FINISH_SECONDS_MAX = 30.0
_MARK = RowClosed.__name__.encode()
_BAR = BarClosed.__name__.encode()
_DECISIONS = (SignalRaised, OrderApproved, OrderRefused)


class Tail(threading.Thread):
    """Reads without a group, so that nothing waits for it."""

    def __init__(self, streams: Streams) -> None:
        super().__init__(name="tail", daemon=True)
        self.counts: Counter[str] = Counter()
        """Event type → entries seen; `rows` that ingest closed; `dead` letters."""
        self.decisions: deque[Event] = deque(maxlen=SHOWN)
        self.fills: deque[OrderFilled] = deque(maxlen=SHOWN)
        self.dead: deque[str] = deque(maxlen=SHOWN)
        self.row: datetime | None = None
        """The last row that execution has closed."""
        self._streams = streams
        self._last = {streams.keys.stream(family): "0-0" for family in FOLLOWED}
        self._over = threading.Event()
        self._idle = threading.Event()

    def stop(self) -> None:
        self._over.set()
        if self.is_alive():
            self.join(timeout=3)

    def finish(self) -> None:
        """Wait until everything that is in the streams now has been seen."""
        self._idle.clear()
        self._idle.wait(FINISH_SECONDS_MAX)

    def run(self) -> None:
        """Until told to stop; a server that is away for a moment is asked again."""
        while not self._over.is_set():
            try:
                found = self._streams.read(self._last, COUNT, BLOCK_MILLISECONDS)
            except redis.RedisError:
                self._over.wait(BLOCK_MILLISECONDS / 1000)
                continue
            if not found:
                self._idle.set()
            for stream, entries in found:
                self._take(stream.decode(), entries)

    def _take(self, stream: str, entries: list[Any]) -> None:
        family = self._streams.keys.family(stream)
        for entry_id, fields in entries:
            self._last[stream] = entry_id
            if family == "dead":
                self.counts["dead"] += 1
                self.dead.append(fields.get(b"reason", b"").decode("utf-8", "replace"))
            else:
                self._note(family, fields)

    def _note(self, family: str, fields: dict[bytes, bytes]) -> None:
        kind = fields.get(b"type", b"")
        if kind == _BAR or (kind == _MARK and family != "fills"):
            # By far the most, and nothing of them is shown but their number.
            if family == "bars":
                self.counts[BarClosed.__name__ if kind == _BAR else "rows"] += 1
            return
        try:
            event = parse_entry(fields)
        except UnreadableEvent:
            return
        self.counts[kind.decode()] += 1
        if isinstance(event, RowClosed):
            self.row = event.at
        elif isinstance(event, OrderFilled):
            self.fills.append(event)
        elif isinstance(event, _DECISIONS):
            self.decisions.append(event)
