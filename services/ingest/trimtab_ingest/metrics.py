"""What ingest measures beside what every room measures."""

from __future__ import annotations

from datetime import datetime

from trimtab_ingest.core.closing import Wire
from trimtab_ingest.core.desk import Tally
from trimtab_ingest.core.rows import Row
from trimtab_runtime.metrics import RoomMetrics


class IngestMetrics:
    """Bars, rows, and how old the newest bar is."""

    def __init__(self, metrics: RoomMetrics) -> None:
        self._received = metrics.counter("trimtab_bars_received_total", "Bars that came", "feed")
        self._refused = metrics.counter(
            "trimtab_bars_refused_total", "Bars that were not believed", "rule"
        )
        self._again = metrics.counter("trimtab_bars_again_total", "Bars that were known already")
        self._late = metrics.counter(
            "trimtab_bars_late_total", "Bars published after their row was closed"
        )
        self._missing = metrics.counter(
            "trimtab_bars_missing_total", "Bars that were due and not there when their row closed"
        )
        self._repaired = metrics.counter(
            "trimtab_bars_repaired_total", "Missing bars that came later"
        )
        self._stale = metrics.counter("trimtab_feed_outages_total", "Outages of a feed", "feed")
        self._connected = metrics.gauge(
            "trimtab_feed_connected_status", "1 while bars can flow", "feed"
        )
        self._age = metrics.gauge(
            "trimtab_feed_age_seconds", "Age of the newest bar by the time of day", "feed"
        )
        self._delay = metrics.histogram(
            "trimtab_row_delay_seconds", "From a row's instant to its mark, by the time of day"
        )
        self._assembly = metrics.histogram(
            "trimtab_row_assembly_seconds", "From the arrival of a row's first bar to its mark"
        )
        self._stored = metrics.counter("trimtab_bars_stored_total", "Bars written to the store")

    def count(self, tally: Tally) -> None:
        """Add what happened."""
        for feed, received in tally.received.items():
            self._received.labels(feed).inc(received)
        for rule, refused in tally.refused.items():
            self._refused.labels(rule).inc(refused)
        self._again.inc(tally.again)
        self._late.inc(tally.late)
        self._missing.inc(tally.missing)
        self._repaired.inc(tally.repaired)

    def closed(self, rows: list[Row], moment: float, now: datetime | None) -> None:
        """Rows were committed."""
        for row in rows:
            if row.arrived is not None:
                self._assembly.observe(moment - row.arrived)
            if now is not None:
                self._delay.observe(max(0.0, (now - row.at).total_seconds()))

    def outage(self, feed: str) -> None:
        """A feed has become stale."""
        self._stale.labels(feed).inc()

    def watch(self, wire: Wire, now: datetime | None) -> None:
        """How a feed fares."""
        self._connected.labels(wire.line.feed).set(1 if wire.connected else 0)
        self._stale.labels(wire.line.feed)  # a series that exists can be alerted on
        if now is not None and wire.newest is not None:
            self._age.labels(wire.line.feed).set((now - wire.newest).total_seconds())

    def stored(self, count: int) -> None:
        """Bars are safe on disk."""
        self._stored.inc(count)
