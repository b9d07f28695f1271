"""What execution measures beside what every room measures."""

from __future__ import annotations

from trimtab_runtime.metrics import RoomMetrics


class ExecutionMetrics:
    """Orders, their outcomes, and how the broker answers."""

    def __init__(self, metrics: RoomMetrics) -> None:
        self.orders = metrics.counter(
            "trimtab_orders_total", "Orders by what became of them", "outcome"
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
