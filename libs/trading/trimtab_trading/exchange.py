"""The backtest's execution: what the live execution room and the broker do together.

The live room must answer every approved order with exactly these events when it trades against
the simulator; both ask the same `Venue`. Approved orders wait until a bar can open at or after
their `not_before`, and die unfilled when a bar opens after their `valid_until`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from trimtab_common.events import (
    BarClosed,
    CashAdjusted,
    Event,
    OrderAccepted,
    OrderApproved,
    OrderCancelled,
    OrderCancelRequested,
    OrderFilled,
    OrderRejected,
    PositionAdjusted,
    RowClosed,
    fill_id,
    instant,
)
from trimtab_common.money import decimal_from_float
from trimtab_common.symbols import Symbol
from trimtab_common.timeframes import Timeframe
from trimtab_trading.broker_ids import broker_order_id
from trimtab_trading.leap import Leap
from trimtab_trading.market import Market, aware, price_of
from trimtab_trading.stage import Input
from trimtab_trading.venue import ZERO, Fill, Opening, Rejection, Venue, Working

EXPIRED = "expired: no bar opened in time"
ONE_TIMEFRAME: Mapping[Symbol, Timeframe] = {}
"""Every symbol has bars of one timeframe."""


class Exchange:
    """Execution and exchange as one deterministic stage."""

    name = "execution"
    output = "fills"
    inputs = (Input("orders", -1), Input("bars"))
    asides: tuple[str, ...] = ()

    def __init__(
        self, venue: Venue, *, account: str, finest: Mapping[Symbol, Timeframe] = ONE_TIMEFRAME
    ) -> None:
        """`finest`: on whose bars a symbol trades that has bars of several timeframes."""
        self.venue = venue
        self._account = account
        self._finest = finest
        self._orders: dict[str, OrderApproved] = {}  # held or working
        self._openings: dict[Symbol, Opening] = {}
        self._balance_said = False
        self._acts: Mapping[type[Event], Callable[[Any], Iterable[Event]]] = {
            OrderApproved: self.on_order,
            OrderCancelRequested: self.on_cancel,
            BarClosed: self.on_bar,
        }

    def handle(self, event: Event) -> Iterable[Event]:
        act = self._acts.get(type(event))
        return act(event) if act else ()

    def on_order(self, order: OrderApproved) -> Iterable[Event]:
        """Send what may be sent; hold what waits for a later session."""
        if order.client_order_id in self._orders:
            return ()
        self._orders[order.client_order_id] = order
        return (self._submit(order, order.at),) if order.not_before <= order.at else ()

    def on_cancel(self, request: OrderCancelRequested) -> Iterable[Event]:
        order = self._orders.pop(request.client_order_id, None)
        return () if order is None else (self._cancel(order, request.at, request.reason),)

    def on_bar(self, bar: BarClosed) -> Iterable[Event]:
        """Keep what a symbol opens at; a coarser bar opened long ago, as the finer ones told."""
        if not self._orders or bar.late:  # the orders of a row come before its bars
            return ()
        if self._finest.get(bar.symbol, bar.timeframe) is bar.timeframe:
            self.offer(bar.symbol, Opening(bar.opened_at, bar.open, bar.volume))
        return ()

    def offer(self, symbol: Symbol, opening: Opening) -> None:
        """A bar that orders may meet in the present row."""
        known = self._openings.get(symbol)
        if known is None or known.opened_at < opening.opened_at:
            self._openings[symbol] = opening

    def close(self, row: RowClosed) -> Iterable[Event]:
        events: list[Event] = []
        if not self._balance_said:
            self._balance_said = True
            events.append(opening_balance(self._account, row.at, self.venue.cash))
            events.extend(opening_positions(self._account, row.at, self.venue.positions))
        if self._orders:
            events.extend(self._expire_and_send(row))
            outcome = self.venue.open_row(row.at, self._openings)
            events.extend(self._tell(result, row.at) for result in outcome)
        else:
            self.venue.clock = row.at
        self._openings.clear()
        return events

    def awaits(self, symbol: Symbol) -> bool:
        """Whether there is an order in a symbol."""
        return any(order.symbol == symbol for order in self._orders.values())

    @property
    def is_busy(self) -> bool:
        """Whether there is an order to look after, or an account to open."""
        return bool(self._orders) or not self._balance_said

    def _expire_and_send(self, row: RowClosed) -> Iterator[Event]:
        opened_at = opened_at_by_symbol(row)
        for order in list(self._orders.values()):
            opened = opened_at.get(order.symbol)
            if opened is not None and order.valid_until < opened:
                del self._orders[order.client_order_id]
                yield self._cancel(order, row.at, EXPIRED)
        for order in self._orders.values():
            opened = opened_at.get(order.symbol)
            held = order.client_order_id not in self.venue.working
            if held and opened is not None and order.not_before <= opened:
                yield self._submit(order, row.at)

    def _submit(self, order: OrderApproved, at: datetime) -> OrderAccepted:
        self.venue.submit(order.client_order_id, order.symbol, order.side, order.quantity)
        return accepted(order, at, broker_order_id(order.client_order_id))

    def _cancel(self, order: OrderApproved, at: datetime, reason: str) -> OrderCancelled:
        working = self.venue.cancel(order.client_order_id)
        filled = working.filled if working else ZERO
        return cancelled(order, at, filled, reason)

    def _tell(self, result: Fill | Rejection, at: datetime) -> Event:
        order = result.order
        approved = self._orders[order.client_order_id]
        if isinstance(result, Rejection):
            del self._orders[order.client_order_id]
            return rejected(approved, at, result.reason)
        if not order.remaining:
            del self._orders[order.client_order_id]
        return filled(order, at, result)

    def leaper(self, market: Market) -> _Leaper:
        """Without orders nothing happens here, however many rows go by."""
        return _Leaper(self, market)

    def snapshot(self) -> dict[str, Any]:
        return {
            "venue": self.venue.snapshot(),
            "orders": [order.model_dump_json() for order in self._orders.values()],
            "openings": [
                [symbol, instant(o.opened_at), str(o.price), str(o.volume)]
                for symbol, o in self._openings.items()
            ],
            "balance_said": self._balance_said,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.venue.restore(state["venue"])
        orders = (OrderApproved.model_validate_json(order) for order in state["orders"])
        self._orders = {order.client_order_id: order for order in orders}
        self._openings = {
            symbol: Opening(datetime.fromisoformat(opened), Decimal(price), Decimal(volume))
            for symbol, opened, price, volume in state["openings"]
        }
        self._balance_said = state["balance_said"]


class _Leaper:
    """The exchange's way over rows without orders; see `leap`."""

    def __init__(self, exchange: Exchange, market: Market) -> None:
        self._exchange = exchange
        self._market = market

    def quiet_rows(self, first: int, end: int) -> int:
        return 0 if self._exchange.is_busy else end - first

    def leap(self, first: int, end: int) -> Leap:
        self._exchange.venue.clock = self._market.instant_of(end - 1)
        return Leap(end - first)

    def take(self, row: int) -> None:
        market, place = self._market, self._market.slice_of(row)
        for bar in range(place.start, place.stop):
            symbol = market.symbols[market.symbol_index[bar]]
            if self._exchange.awaits(symbol):
                opened_at = aware(market.opened_at[bar].item())
                price, volume = market.open[bar].item(), market.volume[bar].item()
                opening = Opening(opened_at, price_of(price), decimal_from_float(volume))
                self._exchange.offer(symbol, opening)


def opened_at_by_symbol(row: RowClosed) -> dict[Symbol, datetime]:
    """When the finest bar that was due at the row opened, for every symbol that was due."""
    opened: dict[Symbol, datetime] = {}
    for due in row.due:
        for symbol in (*due.present, *due.missing):
            if symbol not in opened or opened[symbol] < due.opened_at:
                opened[symbol] = due.opened_at
    return opened


def opening_balance(account: str, at: datetime, cash: Decimal) -> CashAdjusted:
    """What the account held before the first row."""
    return CashAdjusted.trusted(
        id=f"cash:{account}:opening:{instant(at)}",
        at=at,
        account=account,
        amount=cash,
        reason="opening balance",
    )


def opening_positions(
    account: str, at: datetime, positions: Mapping[Symbol, Decimal]
) -> Iterator[PositionAdjusted]:
    """What the account held beside cash before the first row, by symbol."""
    for symbol, quantity in sorted(positions.items()):
        yield PositionAdjusted.trusted(
            id=f"position:{account}:opening:{symbol}:{instant(at)}",
            at=at,
            account=account,
            symbol=symbol,
            quantity=quantity,
            reason="opening balance",
        )


def accepted(order: OrderApproved, at: datetime, broker_id: str) -> OrderAccepted:
    """The broker has the order. Only what the journal knows: a late look-up shows the future."""
    return OrderAccepted.trusted(
        id=f"accepted:{order.client_order_id}",
        at=at,
        client_order_id=order.client_order_id,
        order_id=broker_id,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
    )


def cancelled(order: OrderApproved, at: datetime, traded: Decimal, reason: str) -> OrderCancelled:
    """The rest of the order is gone."""
    return OrderCancelled.trusted(
        id=f"cancelled:{order.client_order_id}",
        at=at,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        cumulative_quantity=traded,
        remaining_quantity=order.quantity - traded,
        reason=reason,
    )


def rejected(order: OrderApproved, at: datetime, reason: str) -> OrderRejected:
    """The broker will not trade the order."""
    return OrderRejected.trusted(
        id=f"rejected:{order.client_order_id}",
        at=at,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        reason=reason,
    )


def filled(order: Working, at: datetime, fill: Fill) -> OrderFilled:
    """One trade, with the order's cumulative quantity after it."""
    return OrderFilled.trusted(
        id=fill_id(order.client_order_id, order.filled),
        at=at,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=fill.quantity,
        price=fill.price,
        fee=fill.fee,
        cumulative_quantity=order.filled,
        order_quantity=order.quantity,
    )
