"""What strategy and risk decide: signals, approved, cancelled and refused orders, crossings."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from trimtab_common.events.base import Event, EventId, Fact, Name, Text, UtcTime
from trimtab_common.money import Price, Quantity, SignedQuantity
from trimtab_common.sides import Side
from trimtab_common.symbols import Symbol
from trimtab_common.timeframes import Timeframe


class SignalRaised(Event):
    """A strategy changed its target for a symbol; the target stands until replaced."""

    stream: ClassVar[str] = "signals"
    produced_by: ClassVar[str] = "strategy"

    strategy: Name
    symbol: Symbol
    weight: float = Field(description="fraction of the strategy's capital, a multiple of 1e-6")
    previous_weight: float
    timeframe: Timeframe
    price: Price
    reason: Text
    model_hash: Name | None = None


class StrategyShare(Fact):
    """How much of a quantity belongs to one strategy (signed: buys positive)."""

    strategy: Name
    quantity: SignedQuantity


class OrderApproved(Event):
    """An intent passed every rule. It may be sent from `not_before` and dies at `valid_until`."""

    stream: ClassVar[str] = "orders"
    produced_by: ClassVar[str] = "risk"

    account: Name
    client_order_id: Name
    symbol: Symbol
    side: Side
    quantity: Quantity
    reference_price: Price
    leg: int = Field(ge=0)
    not_before: UtcTime
    valid_until: UtcTime
    signals: tuple[EventId, ...]
    attribution: tuple[StrategyShare, ...]
    reason: Text


class OrderCancelRequested(Event):
    """The reason for a working order is gone."""

    stream: ClassVar[str] = "orders"
    produced_by: ClassVar[str] = "risk"

    client_order_id: Name
    symbol: Symbol
    reason: Text


class OrderRefused(Event):
    """A wanted order broke a rule. The same refusal is reported once a session, with a count."""

    stream: ClassVar[str] = "orders"
    produced_by: ClassVar[str] = "risk"

    account: Name
    symbol: Symbol
    side: Side
    quantity: Quantity
    rule: Name
    reason: Text
    value: Text
    limit: Text
    count: int = Field(ge=1)
    signals: tuple[EventId, ...]


class HoldingsCrossed(Event):
    """Strategies on opposite sides exchanged holdings inside the account, at the bar's open."""

    stream: ClassVar[str] = "orders"
    produced_by: ClassVar[str] = "risk"

    symbol: Symbol
    price: Price
    transfers: tuple[StrategyShare, ...]
