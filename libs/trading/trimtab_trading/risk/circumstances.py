"""What a rule sees: the order as it is proposed, and everything around it that matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from trimtab_common.sides import Side
from trimtab_common.symbols import Symbol
from trimtab_common.timeframes import Timeframe
from trimtab_trading.risk.control import TradingState
from trimtab_trading.risk.instruments import Instrument
from trimtab_trading.risk.limits import ClassLimits

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An order before it is judged."""

    client_order_id: str
    symbol: Symbol
    side: Side
    quantity: Decimal
    price: Decimal
    """The last price: what the order is sized and valued with."""
    reference_price: Decimal
    """The price the strategies believed in when they decided, carried on to now."""
    not_before: datetime
    valid_until: datetime

    @property
    def notional(self) -> Decimal:
        return self.quantity * self.price


class RecentOrder(NamedTuple):
    """An order approved a short time ago."""

    client_order_id: str
    at: datetime
    symbol: Symbol
    side: Side
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """The account and the market at the moment of one decision. None: not known."""

    at: datetime
    timeframe: Timeframe
    """The finest timeframe of the symbol at this row."""
    state: TradingState
    state_reason: str
    instrument: Instrument | None
    equity: Decimal | None
    mark: Decimal | None
    last_bar_at: datetime | None
    feed_is_stale: bool
    held: Decimal
    open_purchases: Decimal
    """Quantity of this symbol that is being bought."""
    open_sales: Decimal
    """Quantity of this symbol that is being sold."""
    gross: Decimal
    """Value of all positions and of all open purchases."""
    open_notional: Decimal
    """Value of all open purchases."""
    basket: Decimal
    """Value of all purchases wanted in this row, before any rule, and of all open ones."""
    spendable: Decimal
    """Cash for one more purchase: settled when the order may trade, less reserve and open costs."""
    is_known_order: bool
    recent_orders: Sequence[RecentOrder]

    @property
    def class_limits(self) -> ClassLimits | None:
        return None if self.instrument is None else self.instrument.limits

    def is_exit(self, order: Proposal) -> bool:
        """Whether the order can only make the position smaller, never turn it round."""
        if order.side is Side.SELL:
            room = self.held - self.open_sales
        else:
            room = -self.held - self.open_purchases
        if not (order.quantity.is_finite() and room.is_finite()):
            return False
        return order.quantity <= room


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not, with the numbers; `fits` is the largest quantity that the rule would have passed."""

    value: str
    limit: str
    reason: str
    fits: Decimal = ZERO
