"""The measurements every room makes, on a registry of its own; a room adds its own to it.

Names begin with `trimtab_` and end in their unit. Which room a series belongs to is said by the
scraper's labels and by `trimtab_build_info`, not by a label on every series.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import NamedTuple

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ROWS_REMEMBERED = 1_024
_SECONDS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip


class Described(NamedTuple):
    """What is to be known about a metric beside its value."""

    name: str
    kind: str
    labels: tuple[str, ...]
    text: str


class Published:
    """When the last rows were published, by the wall clock of the server that took their marks."""

    def __init__(self) -> None:
        self._seconds: dict[datetime, float] = {}

    def note(self, row: datetime, seconds: float) -> None:
        """The end of a row was published so many seconds after 1970 began."""
        self._seconds[row] = seconds
        if len(self._seconds) > ROWS_REMEMBERED:
            del self._seconds[next(iter(self._seconds))]

    def age_seconds(self, row: datetime, now: float) -> float | None:
        """How long ago that was; None where this process has not seen the row's end."""
        seconds = self._seconds.get(row)
        return None if seconds is None else max(0.0, now - seconds)


class RoomMetrics:
    """The shared metrics of one room. Nothing is registered globally, so tests can make many."""

    def __init__(self, room: str, release: str, mode: str) -> None:
        self.registry = CollectorRegistry()
        self.described: list[Described] = []
        """All metrics of this registry but those about the process and its Python."""
        self.published = Published()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.build_info = self.gauge("trimtab_build_info", "Who this is", "room", "release", "mode")
        self.build_info.labels(room, release, mode).set(1)
        self._watch_state()
        self._watch_process()

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """A count that only grows; the name ends in `_total`."""
        self.described.append(Described(name, "counter", labels, text))
        return Counter(name, text, labels, registry=self.registry)

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """A value as it is now."""
        self.described.append(Described(name, "gauge", labels, text))
        return Gauge(name, text, labels, registry=self.registry)

    def histogram(self, name: str, text: str, *labels: str) -> Histogram:
        """Durations in seconds, from half a millisecond to a minute."""
        self.described.append(Described(name, "histogram", labels, text))
        return Histogram(name, text, labels, registry=self.registry, buckets=_SECONDS)

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _watch_state(self) -> None:
        self.health_status = self.gauge(
            "trimtab_health_status", "0 healthy, 1 degraded, 2 unhealthy"
        )
        self.ready_status = self.gauge("trimtab_ready_status", "1 when the room can work")
        self.check_status = self.gauge(
            "trimtab_check_status", "0 fine, 1 degraded, 2 unhealthy, for each check", "check"
        )

    def _watch_process(self) -> None:
        born = time.monotonic()
        uptime = self.gauge("trimtab_uptime_seconds", "How long this process has lived")
        uptime.set_function(lambda: time.monotonic() - born)
        self.loop_lag_seconds = self.gauge(
            "trimtab_event_loop_lag_seconds", "How late the event loop woke, at its last tick"
        )
