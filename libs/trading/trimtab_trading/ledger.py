"""What the account holds, folded from what happened: cash, positions, open orders, and books.

A ledger starts at nothing and learns everything from events. Every fill is applied once, by the
order's cumulative quantity: a repeated or older one changes nothing. Each position is divided
into the books of the strategies, whose sum is the position at every moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from trimtab_common.events import (
    CashAdjusted,
    Event,
    HoldingsCrossed,
    OrderAccepted,
    OrderApproved,
    OrderCancelled,
    OrderFilled,
    OrderRejected,
    PositionAdjusted,
    instant,
)
from trimtab_common.money import plain
from trimtab_common.sides import Side
from trimtab_common.symbols import Symbol
from trimtab_trading import holding, open_orders
from trimtab_trading.books import Books
from trimtab_trading.holding import Holding
from trimtab_trading.open_orders import OpenOrder

ZERO = Decimal(0)
NOTHING = Holding()
FINISHED_KEPT = 500
"""So many orders are remembered after their end, for updates that come late or twice."""
ADJUSTMENTS_KEPT = 200
ODDITIES_KEPT = 20

Settles = Callable[[Symbol, datetime], datetime]
"""From when on the proceeds of a sale known at an instant may be spent."""


class Ledger:
    """One account. Methods named after events fold them; the others answer questions."""

    def __init__(self, settles: Settles) -> None:
        self._settles = settles
        self.cash = ZERO
        self.positions: dict[Symbol, Holding] = {}
        self.books = Books()
        self.orders: dict[str, OpenOrder] = {}
        self.marks: dict[Symbol, Decimal] = {}
        self.remembered: dict[str, OpenOrder] = {}
        """Orders of a life that was forgotten; the broker may hold them still."""
        self.is_opened = False
        """It was told what the account held at the beginning."""
        self.is_recovering = False
        """Orders that nobody remembers are no wonder: their approvals may not have been written."""
        self.oddities: list[str] = []
        """The last things that should not have happened, in the owner's words."""
        self.oddities_count = 0
        self._unsettled: dict[datetime, Decimal] = {}
        self._finished: dict[str, OpenOrder] = {}
        self._adjustments: dict[str, None] = {}  # ids, as an ordered set
        self._folds: Mapping[type[Event], Callable[[Any], object]] = {
            OrderApproved: self.on_approved,
            OrderAccepted: self.on_accepted,
            OrderRejected: self.on_rejected,
            OrderFilled: self.on_filled,
            OrderCancelled: self.on_cancelled,
            CashAdjusted: self.on_cash_adjusted,
            PositionAdjusted: self.on_position_adjusted,
            HoldingsCrossed: self.on_crossed,
        }

    def fold(self, event: Event) -> None:
        """Apply any event; those that change no account are stepped over."""
        fold = self._folds.get(type(event))
        if fold is not None:
            fold(event)

    # ------------------------------------------------------------------------------- questions

    def held(self, symbol: Symbol) -> Decimal:
        return self.positions.get(symbol, NOTHING).quantity

    def book(self, symbol: Symbol) -> dict[str, Decimal]:
        """Who holds how much of a symbol; the sum is the position."""
        return self.books.quantities(symbol)

    def working(self, symbol: Symbol) -> list[OpenOrder]:
        """The open orders in a symbol, oldest first."""
        return [order for order in self.orders.values() if order.symbol == symbol]

    def is_known(self, client_order_id: str) -> bool:
        """Whether there was such an order, open or finished."""
        return client_order_id in self.orders or client_order_id in self._finished

    def settled(self, at: datetime) -> Decimal:
        """Cash that may be spent at an instant; it may be less than nothing."""
        waiting = (amount for due, amount in self._unsettled.items() if due > at)
        return self.cash - sum(waiting, ZERO)

    @property
    def unsettled(self) -> dict[datetime, Decimal]:
        """Proceeds of sales by the instant from which they may be spent."""
        return dict(sorted(self._unsettled.items()))

    def equity(self) -> Decimal:
        """Cash and what the marked positions are worth; see `unmarked`."""
        return self.cash + sum(
            (
                position.quantity * self.marks[symbol]
                for symbol, position in self.positions.items()
                if position.quantity and symbol in self.marks
            ),
            ZERO,
        )

    def unmarked(self) -> tuple[Symbol, ...]:
        """Symbols held for which no price was seen: they count nothing in the equity."""
        positions = self.positions.items()
        return tuple(sorted(s for s, p in positions if p.quantity and s not in self.marks))

    # ------------------------------------------------------------------------------------ folds

    def mark(self, symbol: Symbol, price: Decimal) -> None:
        """The latest price of a symbol."""
        if symbol not in self.marks:
            self.books.see(symbol, price)
            if symbol in self.positions:
                self.positions[symbol].see(price)
        self.marks[symbol] = price

    def pass_time(self, at: datetime) -> None:
        """Proceeds that may be spent from now on are ordinary cash."""
        for due in [due for due in self._unsettled if due <= at]:
            del self._unsettled[due]

    def on_approved(self, order: OrderApproved) -> None:
        """An order counts from its approval, not from the broker's answer."""
        if not self.is_known(order.client_order_id):
            self.orders[order.client_order_id] = open_orders.from_approval(order)

    def on_accepted(self, event: OrderAccepted) -> None:
        key = event.client_order_id
        order = self.orders.get(key) or self.remembered.get(key)
        if order is not None:
            self.orders[key] = order
            order.accepted = True
        elif key not in self._finished:
            self.orders[key] = order = open_orders.nobodys(event, event.quantity)
            if self.is_recovering:
                self.remembered[key] = order
            else:
                self._odd(f"{key}: the broker holds an order that was never approved")

    def on_rejected(self, event: OrderRejected) -> None:
        self._finish(event.client_order_id)

    def on_cancelled(self, event: OrderCancelled) -> None:
        order = self.orders.get(event.client_order_id)
        is_ours = order is not None and order.client_order_id not in self.remembered
        if order is not None and is_ours and event.cumulative_quantity > order.filled:
            missing = plain(event.cumulative_quantity - order.filled)
            self._odd(f"{order.client_order_id}: cancelled with {missing} traded that no fill told")
        self._finish(event.client_order_id)

    def on_filled(self, fill: OrderFilled) -> Decimal:
        """Book what is new in a fill and return that quantity, 0 for one that is known."""
        key = fill.client_order_id
        order = self.orders.get(key) or self._finished.get(key)
        if order is not None and key in self.remembered:
            del self.remembered[key]
            order.filled = fill.cumulative_quantity - fill.quantity  # the opening balance has it
        traded = fill.cumulative_quantity - (order.filled if order else ZERO)
        if traded <= 0:
            return ZERO
        if order is None:
            order = self._stranger(fill)
        elif traded != fill.quantity:
            self._odd(f"{fill.id}: {plain(traded)} are new, the fill says {plain(fill.quantity)}")
        if fill.cumulative_quantity > order.quantity:
            self._odd(f"{fill.id}: more than the {plain(order.quantity)} ordered")
        self._book(fill, traded, order.take(traded))
        if order.filled >= order.quantity:
            self._finish(key)
        return traded

    def on_cash_adjusted(self, event: CashAdjusted) -> None:
        self.is_opened = True  # the first thing ever told of an account is its balance
        if self._is_new(event):
            self.cash += event.amount

    def on_position_adjusted(self, event: PositionAdjusted) -> None:
        """Change a position without a trade, and every book of it in proportion."""
        if not self._is_new(event):
            return
        mark = self.marks.get(event.symbol)
        self.books.adjust(event.symbol, event.quantity, mark)
        self._position(event.symbol).adjust(event.quantity, mark)

    def on_crossed(self, event: HoldingsCrossed) -> None:
        """Strategies exchanged holdings; the account's position is what it was."""
        for share in event.transfers:
            self.books.cross(event.symbol, share.strategy, share.quantity, event.price)

    def expect_proceeds(self, sale: OrderFilled) -> None:
        """Cash that is in the account and may not be spent yet, from a sale that is in it too."""
        due = self._settles(sale.symbol, sale.at)
        flow = sale.quantity * sale.price - sale.fee
        self._unsettled[due] = self._unsettled.get(due, ZERO) + flow

    # ---------------------------------------------------------------------------------- helpers

    def _book(self, fill: OrderFilled, traded: Decimal, parts: dict[str, Decimal]) -> None:
        signed = traded * fill.side.sign
        flow = -signed * fill.price - fill.fee
        self.cash += flow
        if fill.side is Side.SELL and flow > 0:
            due = self._settles(fill.symbol, fill.at)
            if due > fill.at:
                self._unsettled[due] = self._unsettled.get(due, ZERO) + flow
        self._position(fill.symbol).trade(signed, fill.price, fill.fee)
        self.books.trade(fill.symbol, fill.side, parts, fill.price, fill.fee)

    def _position(self, symbol: Symbol) -> Holding:
        return self.positions.setdefault(symbol, Holding())

    def _stranger(self, fill: OrderFilled) -> OpenOrder:
        """A fill of an order nobody here knows: it changed the account, so it is booked."""
        self._odd(f"{fill.id}: a fill of an order that was never approved")
        order = open_orders.nobodys(fill, fill.order_quantity)
        self.orders[fill.client_order_id] = order
        return order

    def _finish(self, key: str) -> None:
        self.remembered.pop(key, None)
        order = self.orders.pop(key, None)
        if order is None:
            return
        self._finished[key] = order
        if len(self._finished) > FINISHED_KEPT:
            del self._finished[next(iter(self._finished))]

    def _is_new(self, event: Event) -> bool:
        if event.id in self._adjustments:
            return False
        self._adjustments[event.id] = None
        if len(self._adjustments) > ADJUSTMENTS_KEPT:
            del self._adjustments[next(iter(self._adjustments))]
        return True

    def _odd(self, text: str) -> None:
        self.oddities_count += 1
        self.oddities = [*self.oddities, text][-ODDITIES_KEPT:]

    # ------------------------------------------------------------------------------------ state

    def snapshot(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "cash": plain(self.cash),
            "positions": {s: position.snapshot() for s, position in self.positions.items()},
            "books": self.books.snapshot(),
            "orders": [order.snapshot() for order in self.orders.values()],
            "finished": [order.snapshot() for order in self._finished.values()],
            "remembered": [order.snapshot() for order in self.remembered.values()],
            "is_opened": self.is_opened,
            "is_recovering": self.is_recovering,
            "marks": {symbol: plain(price) for symbol, price in self.marks.items()},
            "unsettled": {instant(due): plain(sum_) for due, sum_ in self._unsettled.items()},
            "adjustments": list(self._adjustments),
            "oddities": self.oddities,
            "oddities_count": self.oddities_count,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become the ledger whose `snapshot()` this was."""
        self.cash = Decimal(state["cash"])
        self.positions = {s: holding.restored(p) for s, p in state["positions"].items()}
        self.books.restore(state["books"])
        self.orders = {o[0]: open_orders.restored(o) for o in state["orders"]}
        self._finished = {o[0]: open_orders.restored(o) for o in state["finished"]}
        self.remembered = {o[0]: open_orders.restored(o) for o in state.get("remembered", ())}
        for key in self.remembered.keys() & self.orders.keys():
            self.remembered[key] = self.orders[key]
        self.is_opened = state.get("is_opened", True)
        self.is_recovering = state.get("is_recovering", False)
        self.marks = {symbol: Decimal(price) for symbol, price in state["marks"].items()}
        self._unsettled = {
            datetime.fromisoformat(due): Decimal(sum_) for due, sum_ in state["unsettled"].items()
        }
        self._adjustments = dict.fromkeys(state["adjustments"])
        self.oddities = list(state["oddities"])
        self.oddities_count = state["oddities_count"]
