"""An exchange in one object: what an order does there, to the cent and in one order.

The backtest's execution stage and the simulator both ask this object, so a fill in a backtest and
a fill in the demo are the same fill. Nothing depends on the order in which orders arrive: at each
row the working orders are taken sells first, then by symbol, then by client order id, and an order
that the account cannot bear is rejected there, not on arrival.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Any, NamedTuple

from trimtab_common.events.base import EARLIEST, instant
from trimtab_common.money import plain
from trimtab_common.sides import Side
from trimtab_common.symbols import Symbol

BASIS_POINT = Decimal("0.0001")
ZERO = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What trading costs. Slippage and fee in basis points of the traded value."""

    slippage_bps: Decimal
    fee_bps: Decimal
    fee_per_order: Decimal
    fee_per_share: Decimal
    volume_share_max: Decimal | None
    """The largest part of a bar's volume one order may take; None: no limit."""

    def price(self, side: Side, opening: Decimal) -> Decimal:
        """The opening price moved against the order; ticks of 0.0001, 1e-9 below one dollar."""
        moved = opening * (1 + side.sign * self.slippage_bps * BASIS_POINT)
        tick = Decimal("0.0001") if moved >= 1 else Decimal("1e-9")
        return moved.quantize(tick, ROUND_HALF_EVEN)

    def fee(self, quantity: Decimal, price: Decimal, *, first: bool) -> Decimal:
        """The fee of one fill, to the cent; the part per order is paid with its first fill."""
        fee = quantity * price * self.fee_bps * BASIS_POINT + quantity * self.fee_per_share
        if first:
            fee += self.fee_per_order
        return fee.quantize(Decimal("0.01"), ROUND_HALF_EVEN)


FREE = Terms(
    slippage_bps=ZERO,
    fee_bps=ZERO,
    fee_per_order=ZERO,
    fee_per_share=ZERO,
    volume_share_max=None,
)


class Opening(NamedTuple):
    """What a bar offers to an order that waits for it."""

    opened_at: datetime
    price: Decimal
    volume: Decimal


@dataclass(frozen=True)
class Working:
    """An order at the venue."""

    client_order_id: str
    symbol: Symbol
    side: Side
    quantity: Decimal
    submitted_at: datetime
    filled: Decimal = ZERO

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled

    @property
    def turn(self) -> tuple[bool, str, str]:
        """The place in a row: sells first, then symbol, then id."""
        return (self.side is Side.BUY, self.symbol, self.client_order_id)


class Fill(NamedTuple):
    """A trade of one order at one bar."""

    order: Working  # as it stands after this fill
    quantity: Decimal
    price: Decimal
    fee: Decimal


class Rejection(NamedTuple):
    """An order that the account cannot bear."""

    order: Working
    reason: str


@dataclass
class Venue:
    """Working orders, cash and positions of one account. Cash accounts: no shorting, no debt."""

    terms: Terms
    cash: Decimal
    positions: dict[Symbol, Decimal] = field(default_factory=dict)
    working: dict[str, Working] = field(default_factory=dict)
    clock: datetime = EARLIEST
    """The last row that was opened."""

    def submit(
        self, client_order_id: str, symbol: Symbol, side: Side, quantity: Decimal
    ) -> Working:
        """Accept an order; it can trade at bars that open from now on."""
        order = Working(client_order_id, symbol, side, quantity, self.clock)
        self.working[client_order_id] = order
        return order

    def cancel(self, client_order_id: str) -> Working | None:
        """Take an order back; None when it is not working (any more)."""
        return self.working.pop(client_order_id, None)

    def open_row(self, row: datetime, openings: Mapping[Symbol, Opening]) -> list[Fill | Rejection]:
        """Let every working order meet the row's bars."""
        outcome: list[Fill | Rejection] = []
        if self.working:
            for order in sorted(self.working.values(), key=lambda order: order.turn):
                opening = openings.get(order.symbol)
                if opening is not None and order.submitted_at <= opening.opened_at:
                    outcome.extend(self._meet(order, opening))
        self.clock = row
        return outcome

    def _meet(self, order: Working, opening: Opening) -> Iterable[Fill | Rejection]:
        quantity = self._offered(order, opening)
        if not quantity:
            return
        price = self.terms.price(order.side, opening.price)
        fee = self.terms.fee(quantity, price, first=not order.filled)
        held = self.positions.get(order.symbol, ZERO)
        cost = order.side.sign * quantity * price + fee
        if order.side is Side.SELL and quantity > held:
            yield self._reject(order, f"insufficient quantity: {plain(held)} held")
        elif order.side is Side.BUY and cost > self.cash:
            yield self._reject(order, f"insufficient buying power: {plain(self.cash)} in cash")
        else:
            yield self._fill(order, quantity, price, fee)

    def _offered(self, order: Working, opening: Opening) -> Decimal:
        share = self.terms.volume_share_max
        if share is None:
            return order.remaining
        offered = (opening.volume * share).quantize(Decimal(1), ROUND_DOWN)
        return min(order.remaining, offered)

    def _reject(self, order: Working, reason: str) -> Rejection:
        del self.working[order.client_order_id]
        return Rejection(order, reason)

    def _fill(self, order: Working, quantity: Decimal, price: Decimal, fee: Decimal) -> Fill:
        signed = order.side.sign * quantity
        self.cash -= signed * price + fee
        held = self.positions.get(order.symbol, ZERO) + signed
        if held:
            self.positions[order.symbol] = held
        else:
            self.positions.pop(order.symbol, None)
        after = replace(order, filled=order.filled + quantity)
        if after.remaining:
            self.working[order.client_order_id] = after
        else:
            del self.working[order.client_order_id]
        return Fill(after, quantity, price, fee)

    def snapshot(self) -> dict[str, Any]:
        return {
            "cash": plain(self.cash),
            "positions": {symbol: plain(held) for symbol, held in self.positions.items()},
            "clock": instant(self.clock),
            "working": [
                [
                    order.client_order_id,
                    order.symbol,
                    order.side.value,
                    plain(order.quantity),
                    instant(order.submitted_at),
                    plain(order.filled),
                ]
                for order in self.working.values()
            ],
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.cash = Decimal(state["cash"])
        self.positions = {symbol: Decimal(held) for symbol, held in state["positions"].items()}
        self.clock = datetime.fromisoformat(state["clock"])
        self.working = {
            key: Working(
                key,
                symbol,
                Side(side),
                Decimal(quantity),
                datetime.fromisoformat(submitted),
                Decimal(filled),
            )
            for key, symbol, side, quantity, submitted, filled in state["working"]
        }
