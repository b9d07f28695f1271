"""What alerting counts."""

from __future__ import annotations

from trimtab_runtime.metrics import RoomMetrics


class AlertingMetrics:
    """Counters and gauges of this room, on the registry that all rooms share."""

    def __init__(self, metrics: RoomMetrics) -> None:
        self.raised = metrics.counter(
            "trimtab_alerts_raised_total", "Alerts raised", "rule", "severity"
        )
        self.deliveries = metrics.counter(
            "trimtab_alert_deliveries_total", "Attempts to deliver an alert", "channel", "result"
        )
        self.waiting = metrics.gauge(
            "trimtab_waiting_alerts", "Alerts that a channel has not carried yet", "channel"
        )
