"""Orders on their way: what of them may still trade, and to which strategies it will belong."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from trimtab_common.events import OrderAccepted, OrderApproved, OrderFilled, instant
from trimtab_common.money import plain
from trimtab_common.sides import Side
from trimtab_common.symbols import Symbol
from trimtab_trading.sizing import allocate, unit_among

ZERO = Decimal(0)
UNASSIGNED = "unassigned"
"""The book of whatever no strategy stands behind."""


@dataclass(slots=True)
class OpenOrder:
    """An order from its approval until nothing of it can trade any more."""

    client_order_id: str
    symbol: Symbol
    side: Side
    quantity: Decimal
    price: Decimal | None
    """The reference price; None for an order that was not ours."""
    approved_at: datetime
    shares: dict[str, Decimal]
    """What each strategy is still to get of it, unsigned."""
    filled: Decimal = ZERO
    accepted: bool = False
    cancelling: bool = False
    signals: tuple[str, ...] = field(default=())

    @property
    def remaining(self) -> Decimal:
        return max(self.quantity - self.filled, ZERO)

    @property
    def signed_remaining(self) -> Decimal:
        """What may still be added to the position."""
        return self.remaining if self.side is Side.BUY else -self.remaining

    def take(self, quantity: Decimal) -> dict[str, Decimal]:
        """Divide a fill among the strategies behind the order, pro rata to what is left for each.

        What goes beyond the order belongs to nobody.
        """
        left = sum(self.shares.values(), ZERO)
        shared = min(quantity, left)
        parts = allocate(shared, self.shares, unit_among([shared, *self.shares.values()]))
        for strategy, part in parts.items():
            self.shares[strategy] -= part
        if quantity > shared:
            parts[UNASSIGNED] = parts.get(UNASSIGNED, ZERO) + quantity - shared
        self.filled += quantity
        return parts

    def snapshot(self) -> list[Any]:
        return [
            self.client_order_id,
            self.symbol,
            self.side.value,
            plain(self.quantity),
            None if self.price is None else plain(self.price),
            instant(self.approved_at),
            {strategy: plain(share) for strategy, share in self.shares.items()},
            plain(self.filled),
            self.accepted,
            self.cancelling,
            list(self.signals),
        ]


def from_approval(order: OrderApproved) -> OpenOrder:
    """An order of ours, open from the moment it is approved."""
    return OpenOrder(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        price=order.reference_price,
        approved_at=order.at,
        shares={share.strategy: abs(share.quantity) for share in order.attribution},
        signals=order.signals,
    )


def nobodys(event: OrderAccepted | OrderFilled, quantity: Decimal) -> OpenOrder:
    """An order the broker knows and we do not."""
    return OpenOrder(
        client_order_id=event.client_order_id,
        symbol=event.symbol,
        side=event.side,
        quantity=quantity,
        price=None,
        approved_at=event.at,
        shares={UNASSIGNED: quantity},
        accepted=True,
    )


def restored(state: list[Any]) -> OpenOrder:
    """The order whose `snapshot()` this was."""
    (key, symbol, side, quantity, price, at, shares, filled, accepted, cancelling, signals) = state
    return OpenOrder(
        client_order_id=key,
        symbol=symbol,
        side=Side(side),
        quantity=Decimal(quantity),
        price=None if price is None else Decimal(price),
        approved_at=datetime.fromisoformat(at),
        shares={strategy: Decimal(share) for strategy, share in shares.items()},
        filled=Decimal(filled),
        accepted=accepted,
        cancelling=cancelling,
        signals=tuple(signals),
    )
