"""What this room does about each event: the desk does it, the table is its contents page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from trimtab_common.events import (
    BarClosed,
    CashAdjusted,
    Event,
    FeedStale,
    FlattenRequested,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRejected,
    PositionAdjusted,
    RowClosed,
    SignalRaised,
    TradingHalted,
    TradingResumed,
)
from trimtab_trading.risk.desk import RiskDesk

HANDLERS: Mapping[type[Event], Callable[..., Iterable[Event]]] = {
    OrderAccepted: RiskDesk.on_accepted,
    OrderRejected: RiskDesk.on_rejected,
    OrderFilled: RiskDesk.on_filled,
    OrderCancelled: RiskDesk.on_cancelled,
    CashAdjusted: RiskDesk.on_cash_adjusted,
    PositionAdjusted: RiskDesk.on_position_adjusted,
    BarClosed: RiskDesk.on_bar,
    FeedStale: RiskDesk.on_feed_stale,
    SignalRaised: RiskDesk.on_signal,
    TradingHalted: RiskDesk.on_halted,
    TradingResumed: RiskDesk.on_resumed,
    FlattenRequested: RiskDesk.on_flatten,
    RowClosed: RiskDesk.close,
}
