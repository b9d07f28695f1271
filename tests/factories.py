"""Events with boring values: a test writes down only what matters to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from trimtab_common.events import (
    AlertRaised,
    BarClosed,
    BarRefused,
    FeedStale,
    FlattenRequested,
    Health,
    HoldingsCrossed,
    MismatchFound,
    OrderAccepted,
    OrderApproved,
    OrderCancelled,
    OrderCancelRequested,
    OrderFilled,
    OrderRefused,
    OrderRejected,
    RoomReported,
    Severity,
    SignalRaised,
    StrategyShare,
    TradingHalted,
    TradingResumed,
    bar_id,
    fill_id,
    instant,
)
from trimtab_common.sides import Side
from trimtab_common.timeframes import Timeframe

MINUTE = timedelta(minutes=1)
START = datetime(2024, 3, 4, 14, 31, tzinfo=UTC)
"""The row that a factory's event belongs to, unless it is given another."""


def order_id(number: int = 1) -> str:
    """The id of the order with a number."""
    return f"tt-order-{number}"


def bar(at: datetime = START, symbol: str = "AAPL", **fields: Any) -> BarClosed:
    """A minute's bar that became available at `at`."""
    values: dict[str, Any] = {
        "id": bar_id("test", symbol, Timeframe("1m"), at - MINUTE),
        "at": at,
        "symbol": symbol,
        "timeframe": Timeframe("1m"),
        "opened_at": at - MINUTE,
        "open": Decimal(100),
        "high": Decimal(102),
        "low": Decimal(99),
        "close": Decimal(101),
        "volume": Decimal(1000),
        "feed": "test",
    }
    return BarClosed(**values | fields)


def refused_bar(number: int = 1, **fields: Any) -> BarRefused:
    """A bar that was not believed."""
    values: dict[str, Any] = {
        "id": f"refused-bar:{number}", "at": START, "symbol": "AAPL", "feed": "test",
        "rule": "range", "reason": "the close is above the high", "received": "{}",
    }  # fmt: skip
    return BarRefused(**values | fields)


def stale_feed(number: int = 1, **fields: Any) -> FeedStale:
    """A feed that went silent."""
    values: dict[str, Any] = {
        "id": f"stale:{number}", "at": START, "feed": "iex", "symbols": ("AAPL", "MSFT"),
        "last_bar_at": START - 5 * MINUTE, "age_seconds": 300.0,
    }  # fmt: skip
    return FeedStale(**values | fields)


def signal(at: datetime = START, symbol: str = "AAPL", **fields: Any) -> SignalRaised:
    """A strategy wants all of its capital in a symbol."""
    strategy = fields.get("strategy", "momentum")
    values: dict[str, Any] = {
        "id": f"signal:{strategy}:{symbol}:{instant(at)}", "at": at, "strategy": strategy,
        "symbol": symbol, "weight": 1.0, "previous_weight": 0.0, "timeframe": Timeframe("1m"),
        "price": Decimal(101), "reason": "it rose",
    }  # fmt: skip
    return SignalRaised(**values | fields)


def approval(number: int = 1, **fields: Any) -> OrderApproved:
    """Order `number`: buy ten AAPL."""
    at = fields.get("at", START)
    values: dict[str, Any] = {
        "id": f"approved:{number}", "at": at, "account": "test",
        "client_order_id": order_id(number), "symbol": "AAPL", "side": Side.BUY,
        "quantity": Decimal(10), "reference_price": Decimal(101), "leg": 0, "not_before": at,
        "valid_until": at + 2 * MINUTE, "signals": (), "attribution": (), "reason": "drift",
    }  # fmt: skip
    return OrderApproved(**values | fields)


def cancel_request(number: int = 1, **fields: Any) -> OrderCancelRequested:
    """Order `number` is no longer wanted."""
    values: dict[str, Any] = {
        "id": f"cancel:{number}", "at": START, "client_order_id": order_id(number),
        "symbol": "AAPL", "reason": "the target has changed",
    }  # fmt: skip
    return OrderCancelRequested(**values | fields)


def refusal(number: int = 1, **fields: Any) -> OrderRefused:
    """An order that broke a rule."""
    values: dict[str, Any] = {
        "id": f"refused:{number}", "at": START, "account": "test", "symbol": "AAPL",
        "side": Side.BUY, "quantity": Decimal(10), "rule": "position_weight",
        "reason": "the position would be too large", "value": "0.2", "limit": "0.1", "count": 1,
        "signals": (),
    }  # fmt: skip
    return OrderRefused(**values | fields)


def crossing(number: int = 1, **fields: Any) -> HoldingsCrossed:
    """Two strategies exchanged five AAPL."""
    shares = (
        StrategyShare(strategy="momentum", quantity=Decimal(5)),
        StrategyShare(strategy="value", quantity=Decimal(-5)),
    )
    values: dict[str, Any] = {
        "id": f"crossed:{number}", "at": START, "symbol": "AAPL", "price": Decimal(101),
        "transfers": shares,
    }  # fmt: skip
    return HoldingsCrossed(**values | fields)


def acceptance(number: int = 1, **fields: Any) -> OrderAccepted:
    """The broker holds order `number`."""
    values: dict[str, Any] = {
        "id": f"accepted:{number}", "at": START, "client_order_id": order_id(number),
        "order_id": f"broker-{number}", "symbol": "AAPL", "side": Side.BUY,
        "quantity": Decimal(10),
    }  # fmt: skip
    return OrderAccepted(**values | fields)


def fill(number: int = 1, **fields: Any) -> OrderFilled:
    """Order `number` traded, all at once unless it is said otherwise."""
    quantity = fields.get("quantity", Decimal(10))
    cumulative = fields.get("cumulative_quantity", quantity)
    values: dict[str, Any] = {
        "id": fill_id(order_id(number), cumulative), "at": START + MINUTE,
        "client_order_id": order_id(number), "symbol": "AAPL", "side": Side.BUY,
        "quantity": quantity, "price": Decimal("101.25"), "fee": Decimal(0),
        "cumulative_quantity": cumulative, "order_quantity": Decimal(10),
    }  # fmt: skip
    return OrderFilled(**values | fields)


def cancellation(number: int = 1, **fields: Any) -> OrderCancelled:
    """Order `number` ended before anything traded."""
    values: dict[str, Any] = {
        "id": f"cancelled:{number}", "at": START + MINUTE, "client_order_id": order_id(number),
        "symbol": "AAPL", "cumulative_quantity": Decimal(0), "remaining_quantity": Decimal(10),
        "reason": "it expired",
    }  # fmt: skip
    return OrderCancelled(**values | fields)


def rejection(number: int = 1, **fields: Any) -> OrderRejected:
    """The broker did not take order `number`."""
    values: dict[str, Any] = {
        "id": f"rejected:{number}", "at": START, "client_order_id": order_id(number),
        "symbol": "AAPL", "reason": "insufficient buying power",
    }  # fmt: skip
    return OrderRejected(**values | fields)


def halt(number: int = 1, **fields: Any) -> TradingHalted:
    """The owner pulled the plug."""
    values: dict[str, Any] = {
        "id": f"halted:{number}",
        "at": START,
        "by": "owner",
        "reason": "a walk",
    }
    return TradingHalted(**values | fields)


def resumption(number: int = 1, **fields: Any) -> TradingResumed:
    """The owner is back."""
    values: dict[str, Any] = {
        "id": f"resumed:{number}",
        "at": START,
        "by": "owner",
        "reason": "back again",
    }
    return TradingResumed(**values | fields)


def flatten(number: int = 1, **fields: Any) -> FlattenRequested:
    """The owner wants out."""
    values: dict[str, Any] = {
        "id": f"flatten:{number}",
        "at": START,
        "by": "owner",
        "reason": "a holiday",
    }
    return FlattenRequested(**values | fields)


def report(
    room: str = "risk", health: Health = Health.HEALTHY, number: int = 1, **fields: Any
) -> RoomReported:
    """A room says how it fares."""
    values: dict[str, Any] = {
        "id": f"health:{room}:1:{number}", "at": START, "room": room, "health": health,
        "reasons": () if health is Health.HEALTHY else ("redis: it does not answer",),
        "generation": 1, "release": "test", "row_at": None,
    }  # fmt: skip
    return RoomReported(**values | fields)


def mismatch(number: int = 1, **fields: Any) -> MismatchFound:
    """The broker holds another quantity than we do."""
    values: dict[str, Any] = {
        "id": f"mismatch:{number}", "at": START, "subject": "position AAPL", "ours": "10",
        "brokers": "12",
    }  # fmt: skip
    return MismatchFound(**values | fields)


def alert(number: int = 1, **fields: Any) -> AlertRaised:
    """The owner is told that trading is halted."""
    values: dict[str, Any] = {
        "id": f"alert:trading-halted:first:halted:{number}", "at": START, "rule": "trading-halted",
        "key": "owner a walk", "severity": Severity.CRITICAL, "title": "Trading is halted",
        "text": f"by owner: walk {number}", "cause": f"halted:{number}", "count": 1,
    }  # fmt: skip
    return AlertRaised(**values | fields)
