"""The measurements every room makes, on a registry of its own; a room adds its own to it.

Names begin with `trimtab_` and end in their unit. Which room a series belongs to is said by the
scraper's labels and by `trimtab_build_info`, not by a label on every series.
"""

from __future__ import annotations

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
_FAST_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_SLOW_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class RoomMetrics:
    """The shared metrics of one room. Nothing is registered globally, so tests can make many."""

    def __init__(self, room: str, release: str, mode: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._count_entries()
        self._time_work()
        self._watch_state()
        self.build_info = self.gauge("trimtab_build_info", "Who this is", "room", "release", "mode")
        self.build_info.labels(room, release, mode).set(1)

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """A count that only grows; the name ends in `_total`."""
        return Counter(name, text, labels, registry=self.registry)

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """A value as it is now."""
        return Gauge(name, text, labels, registry=self.registry)

    def histogram(self, name: str, text: str, *labels: str, slow: bool = False) -> Histogram:
        """Durations in seconds: from half a millisecond, or `slow`: up to a minute."""
        buckets = _SLOW_SECONDS if slow else _FAST_SECONDS
        return Histogram(name, text, labels, registry=self.registry, buckets=buckets)

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _count_entries(self) -> None:
        self.events_consumed = self.counter(
            "trimtab_events_consumed_total", "Events taken into account", "stream", "type"
        )
        self.events_produced = self.counter(
            "trimtab_events_produced_total", "Events published", "stream", "type"
        )
        self.entries_dead = self.counter(
            "trimtab_dead_letters_total", "Entries that could not be processed", "stream"
        )
        self.entries_duplicate = self.counter(
            "trimtab_duplicate_events_total", "Events known already", "stream"
        )
        self.inbox_entries = self.gauge(
            "trimtab_inbox_entries", "Entries read and not yet taken into account", "stream"
        )

    def _time_work(self) -> None:
        self.rows_closed = self.counter("trimtab_rows_closed_total", "Rows ended by this room")
        self.marks_forced = self.counter(
            "trimtab_forced_marks_total", "Inputs that were not waited for any longer", "stream"
        )
        self.commit_seconds = self.histogram("trimtab_commit_seconds", "Time of one commit")
        self.row_seconds = self.histogram(
            "trimtab_row_seconds", "From a row's first entry to its mark", slow=True
        )
        self.loop_lag_seconds = self.gauge(
            "trimtab_event_loop_lag_seconds", "How late the event loop woke, at its last tick"
        )

    def _watch_state(self) -> None:
        self.row_timestamp_seconds = self.gauge(
            "trimtab_row_timestamp_seconds", "Market time of the row this room is at"
        )
        self.generation = self.gauge("trimtab_generation", "How often this room has started")
        self.health_status = self.gauge(
            "trimtab_health_status", "0 healthy, 1 degraded, 2 unhealthy"
        )
        self.ready_status = self.gauge("trimtab_ready_status", "1 when the room can work")
        self.check_status = self.gauge(
            "trimtab_check_status", "0 fine, 1 degraded, 2 unhealthy", "check"
        )
