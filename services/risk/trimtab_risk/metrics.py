"""What the risk room measures, and the desk that is measured."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from trimtab_common.events import (
    Event,
    HoldingsCrossed,
    OrderApproved,
    OrderCancelRequested,
    OrderRefused,
    RowClosed,
)
from trimtab_common.money import to_float
from trimtab_runtime.metrics import RoomMetrics
from trimtab_trading.risk.control import TradingState
from trimtab_trading.risk.desk import RiskDesk
from trimtab_trading.risk.rules import RULES

DECISIONS = (OrderApproved, OrderCancelRequested, OrderRefused, HoldingsCrossed)
STATES = {TradingState.TRADING: 0, TradingState.FLATTENING: 1, TradingState.HALTED: 2}


class RiskMetrics:
    """The room's own series. No positions: whoever may scrape need not know them."""

    def __init__(self, metrics: RoomMetrics) -> None:
        self.decisions = metrics.counter(
            "trimtab_risk_decisions_total", "Orders approved, cancelled, refused, crossed", "type"
        )
        self.refusals = metrics.counter(
            "trimtab_risk_refusals_total", "Refusals that were reported", "rule"
        )
        self.decision_seconds = metrics.histogram(
            "trimtab_risk_decision_seconds", "Time in which one row was decided"
        )
        self.state = metrics.gauge("trimtab_trading_state", "0 trading, 1 flattening, 2 halted")
        self.equity = metrics.gauge(
            "trimtab_account_equity_amount", "Cash and marked positions, in the account's currency"
        )
        self.cash = metrics.gauge("trimtab_account_cash_amount", "Cash, in the account's currency")
        self.open_orders = metrics.gauge("trimtab_open_orders", "Orders that may still trade")
        self.oddities = metrics.gauge(
            "trimtab_ledger_oddities", "Things in the account that should not have happened"
        )
        for rule in RULES:  # a series that exists from the start can be alerted on
            self.refusals.labels(rule.id)
        for kind in DECISIONS:
            self.decisions.labels(kind.__name__)


class MeasuredDesk(RiskDesk):
    """The desk of the backtest, with a clock beside it; it decides nothing of its own."""

    def __init__(self, metrics: RiskMetrics, **parts: Any) -> None:
        super().__init__(**parts)
        self._metrics = metrics

    def close(self, row: RowClosed) -> Iterable[Event]:
        """Close the row, and note how long it took and what came of it."""
        started = time.perf_counter()
        events = list(super().close(row))
        self._metrics.decision_seconds.observe(time.perf_counter() - started)
        for event in events:
            self._metrics.decisions.labels(type(event).__name__).inc()
            if isinstance(event, OrderRefused):
                self._metrics.refusals.labels(event.rule).inc()
        self._measure()
        return events

    def _measure(self) -> None:
        ledger, metrics = self.state.ledger, self._metrics
        metrics.state.set(STATES[self.state.control.state])
        metrics.equity.set(to_float(ledger.equity()))
        metrics.cash.set(to_float(ledger.cash))
        metrics.open_orders.set(len(ledger.orders))
        metrics.oddities.set(ledger.oddities_count)
