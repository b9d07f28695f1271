"""The words the rooms exchange: every event, and how an entry of a stream becomes one."""

from trimtab_common.events.base import Event, Fact, UtcTime, client_order_id, instant
from trimtab_common.events.control import FlattenRequested, TradingHalted, TradingResumed
from trimtab_common.events.decision import (
    HoldingsCrossed,
    OrderApproved,
    OrderCancelRequested,
    OrderRefused,
    SignalRaised,
    StrategyShare,
)
from trimtab_common.events.execution import (
    CashAdjusted,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRejected,
    PositionAdjusted,
    fill_id,
)
from trimtab_common.events.market import (
    BarClosed,
    BarRefused,
    Due,
    FeedStale,
    RowClosed,
    bar_id,
    mark,
)
from trimtab_common.events.operations import (
    AlertRaised,
    Health,
    MismatchFound,
    RoomReported,
    Severity,
)
from trimtab_common.events.wire import (
    EVENT_BYTES_MAX,
    EVENTS,
    UnreadableEvent,
    encode,
    family_of,
    parse,
    parse_entry,
)

__all__ = [
    "EVENTS",
    "EVENT_BYTES_MAX",
    "AlertRaised",
    "BarClosed",
    "BarRefused",
    "CashAdjusted",
    "Due",
    "Event",
    "Fact",
    "FeedStale",
    "FlattenRequested",
    "Health",
    "HoldingsCrossed",
    "MismatchFound",
    "OrderAccepted",
    "OrderApproved",
    "OrderCancelRequested",
    "OrderCancelled",
    "OrderFilled",
    "OrderRefused",
    "OrderRejected",
    "PositionAdjusted",
    "RoomReported",
    "RowClosed",
    "Severity",
    "SignalRaised",
    "StrategyShare",
    "TradingHalted",
    "TradingResumed",
    "UnreadableEvent",
    "UtcTime",
    "bar_id",
    "client_order_id",
    "encode",
    "family_of",
    "fill_id",
    "instant",
    "mark",
    "parse",
    "parse_entry",
]
