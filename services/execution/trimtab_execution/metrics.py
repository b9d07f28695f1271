"""What execution measures beside what every room measures."""

from __future__ import annotations

import time
from collections.abc import Iterable

from trimtab_common.events import (
    Event,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRejected,
)
from trimtab_runtime.metrics import RoomMetrics

OUTCOMES: dict[type[Event], str] = {
    OrderAccepted: "accepted",
    OrderRejected: "rejected",
    OrderFilled: "filled",
    OrderCancelled: "cancelled",
}


class ExecutionMetrics:
    """Orders, their outcomes, and how the broker answers."""

    def __init__(self, metrics: RoomMetrics) -> None:
        self.orders = metrics.counter(
            "trimtab_order_outcomes_total", "What became of orders; a part of one counts", "outcome"
        )
        for outcome in OUTCOMES.values():  # a series that exists from the start can be alerted on
            self.orders.labels(outcome)
        self._published = metrics.published
        self._latency = metrics.histogram(
            "trimtab_order_latency_seconds",
            "From a row's publication to the broker's acceptance of an order sent at once",
        )
        self.unknown = metrics.counter(
            "trimtab_order_outcomes_unknown_total", "Submissions that had to be asked about"
        )
        self.place_seconds = metrics.histogram(
            "trimtab_order_place_seconds", "From a row's orders to the broker's last answer"
        )
        self.open_seconds = metrics.histogram(
            "trimtab_row_open_seconds", "Time in which a simulated exchange opens a row"
        )
        self.hints = metrics.counter(
            "trimtab_trade_updates_total", "Messages of the broker's update stream"
        )
        self.hints_missed = metrics.counter(
            "trimtab_trade_updates_missed_total", "Executions the update stream did not tell"
        )
        self.mismatches = metrics.gauge(
            "trimtab_reconciliation_mismatches", "What the broker's books and ours disagree on"
        )
        self.reconciliations = metrics.counter(
            "trimtab_reconciliations_total", "Comparisons with the broker's books"
        )

    def placed(self, events: Iterable[Event]) -> None:
        """The broker has answered just now; an order it accepted tells its row.

        An order that was held tells a time, or the row being ended now: neither is known, so the
        wait for a session is not measured. Nor are rows that only an earlier process has seen.
        """
        now = time.time()
        for event in events:
            if isinstance(event, OrderAccepted):
                age_seconds = self._published.age_seconds(event.at, now)
                if age_seconds is not None:
                    self._latency.observe(age_seconds)

    def count(self, events: Iterable[Event]) -> None:
        """Count what was told about orders."""
        for event in events:
            outcome = OUTCOMES.get(type(event))
            if outcome is not None:
                self.orders.labels(outcome).inc()
