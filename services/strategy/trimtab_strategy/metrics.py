"""What the strategy room measures, and the desk that is measured."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from trimtab_common.events import Event, RowClosed, SignalRaised
from trimtab_runtime.logs import logger
from trimtab_runtime.metrics import RoomMetrics
from trimtab_trading.strategy_desk import StrategyDesk
from trimtab_trading.strategy_fault import Fault
from trimtab_trading.strategy_slot import Slot

_log = logger(__name__)


class StrategyMetrics:
    """The room's own series."""

    def __init__(self, metrics: RoomMetrics) -> None:
        self.signals = metrics.counter(
            "trimtab_strategy_signals_total", "Targets that changed", "strategy"
        )
        self.faults = metrics.counter(
            "trimtab_strategy_faults_total", "Rows at which a strategy gave no answer", "strategy"
        )
        self.decision_seconds = metrics.histogram(
            "trimtab_strategy_decision_seconds", "Time in which all strategies decided on one row"
        )


class MeasuredDesk(StrategyDesk):
    """The desk of the backtest, with a clock beside it; it decides nothing of its own."""

    def __init__(self, slots: Sequence[Slot], metrics: StrategyMetrics) -> None:
        super().__init__(slots, on_fault=self._report)
        self._metrics = metrics
        for slot in slots:  # a series that exists from the start can be alerted on
            metrics.signals.labels(slot.name)
            metrics.faults.labels(slot.name)

    def close(self, row: RowClosed) -> Iterable[Event]:
        """Close the row, and note how long it took and what came of it."""
        started = time.perf_counter()
        events = list(super().close(row))
        self._metrics.decision_seconds.observe(time.perf_counter() - started)
        for event in events:
            if isinstance(event, SignalRaised):
                self._metrics.signals.labels(event.strategy).inc()
        return events

    def _report(self, fault: Fault) -> None:
        self._metrics.faults.labels(fault.strategy).inc()
        _log.error(
            "a strategy gave no usable answer; its targets stand",
            strategy=fault.strategy,
            row=fault.at.isoformat(),
            reason=fault.text,
        )
