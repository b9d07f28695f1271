"""What the recorder counts."""

from __future__ import annotations

from trimtab_runtime.metrics import RoomMetrics


class RecorderMetrics:
    """Counters and gauges of this room, on the registry that all rooms share."""

    def __init__(self, metrics: RoomMetrics) -> None:
        self.recorded = metrics.counter("trimtab_events_recorded_total", "Events written down")
        self.duplicates = metrics.counter(
            "trimtab_events_recorded_before_total", "Events that the record had already"
        )
        self.write_seconds = metrics.histogram(
            "trimtab_record_write_seconds", "Time of one batch in the database"
        )
        self.trimmed = metrics.counter("trimtab_entries_trimmed_total", "Entries let go of")
