"""The exchange: applies its records one after another and says what came of each.

Fills are the venue's, the same object as in a backtest; this module adds only what a broker shows
around them: orders by id, statuses, costs and activities.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

from trimtab_common.calendars import calendar
from trimtab_common.money import decimal_from_float
from trimtab_common.sides import Side
from trimtab_common.symbols import AssetClass, Symbol, asset_class
from trimtab_simulator.core import updates
from trimtab_simulator.core.activities import Activities
from trimtab_simulator.core.history import History
from trimtab_simulator.core.ledger import Ledger
from trimtab_simulator.core.orders import Order, Status
from trimtab_simulator.core.records import Kind, Reason, Record
from trimtab_simulator.core.updates import Update
from trimtab_trading.market import Market, aware
from trimtab_trading.venue import Fill, Opening, Rejection, Venue

ZERO = Decimal(0)


class Exchange:
    """One account at a simulated broker. Only `apply` changes it."""

    def __init__(self, market: Market, venue: Venue) -> None:
        self.market = market
        self.venue = venue
        self.orders: dict[str, Order] = {}
        self.by_id: dict[str, Order] = {}
        self.ledger = Ledger(venue.cash)
        self.activities = Activities()
        self.history = History(venue.cash)
        self.rows_opened = 0
        self.last_reply: list[Update] = []
        """What the last opened row brought; asked for again after a crash."""
        self._calendar = calendar(market.calendar)
        self._apply: dict[str, Callable[[Record], list[Update]]] = {
            Kind.MARKET: lambda record: [],
            Kind.ORDER: self._on_order,
            Kind.CANCEL: self._on_cancel,
            Kind.OPEN: self._on_open,
            Kind.ADJUST: self._on_adjust,
        }

    @property
    def now(self) -> datetime:
        """Market time: the last opened row; before the first one, when the first bar opens."""
        if self.rows_opened:
            return self.venue.clock
        return aware(self.market.opened_at[0].item())

    @property
    def equity(self) -> Decimal:
        """Cash and positions at the last opened bars' closes."""
        return self.venue.cash + self.ledger.worth(self.venue.positions)

    def last_row(self) -> datetime | None:
        """The instant of the last opened row."""
        return self.market.instant_of(self.rows_opened - 1) if self.rows_opened else None

    def apply(self, record: Record) -> list[Update]:
        """Take in a record that was found valid; what changed comes back as it is pushed."""
        return self._apply[record["kind"]](record)

    def open_orders(self) -> list[Order]:
        """The orders that may still trade, in the order of their submission."""
        return [self.orders[client_order_id] for client_order_id in self.venue.working]

    def promised(self, symbol: Symbol) -> Decimal:
        """How much of a position is up for sale already."""
        return sum(
            (o.remaining for o in self.open_orders() if o.symbol == symbol and o.side is Side.SELL),
            ZERO,
        )

    def reserved(self) -> Decimal:
        """What the buys at work would cost at the last prices."""
        return sum(
            (
                order.remaining * self.ledger.prices.get(order.symbol, ZERO)
                for order in self.open_orders()
                if order.side is Side.BUY
            ),
            ZERO,
        )

    def _on_order(self, record: Record) -> list[Update]:
        client_order_id, symbol = record["client_order_id"], record["symbol"]
        side, quantity, now = Side(record["side"]), Decimal(record["quantity"]), self.now
        order = Order(
            client_order_id=client_order_id,
            symbol=symbol,
            side=side,
            quantity=quantity,
            time_in_force=record["time_in_force"],
            submitted_at=now,
            expires_at=self._expiry(record["time_in_force"], now),
        )
        self.venue.submit(client_order_id, symbol, side, quantity)
        self.orders[client_order_id] = self.by_id[order.id] = order
        return [updates.update(order, now)]

    def _expiry(self, time_in_force: str, now: datetime) -> datetime | None:
        return self._calendar.next_close(now) if time_in_force == "day" else None

    def _on_cancel(self, record: Record) -> list[Update]:
        return [self._end(self.orders[record["client_order_id"]], Status.CANCELED, self.now)]

    def _end(self, order: Order, status: Status, at: datetime) -> Update:
        self.venue.cancel(order.client_order_id)
        order.become(status, at)
        return updates.update(order, at)

    def _on_open(self, record: Record) -> list[Update]:
        row_index = self.rows_opened
        row = self.market.instant_of(row_index)
        if row != datetime.fromisoformat(record["row"]):
            raise ValueError(f"the log opens {record['row']} where the market has {row}")
        openings = openings_of(self.market, row_index)
        latest = max(opening.opened_at for opening in openings.values())
        self._begin_session(latest.date())
        told = self._expire(latest)
        for result in self.venue.open_row(row, openings):
            told.append(self._tell(result, openings[result.order.symbol].opened_at))
        told += self._cancel_immediate(latest)
        self._see_closes(row_index)
        self.rows_opened += 1
        self.history.add(row, latest.date(), self.equity)
        self.last_reply = told
        return told

    def _begin_session(self, session: date) -> None:
        if session != self.ledger.session:
            self.ledger.begin(session, self.equity, self.venue.positions)

    def _expire(self, opened_at: datetime) -> list[Update]:
        """Day orders end with their session; a bar that opens later cannot fill them."""
        ended = [o for o in self.open_orders() if o.expires_at and o.expires_at <= opened_at]
        return [self._end(order, Status.EXPIRED, order.expires_at or opened_at) for order in ended]

    def _cancel_immediate(self, at: datetime) -> list[Update]:
        """What an immediate-or-cancel order did not get at once, it does not get."""
        rest = [order for order in self.open_orders() if order.time_in_force == "ioc"]
        return [self._end(order, Status.CANCELED, at) for order in rest]

    def _tell(self, result: Fill | Rejection, at: datetime) -> Update:
        order = self.orders[result.order.client_order_id]
        if isinstance(result, Rejection):
            order.become(Status.REJECTED, at)
            return updates.rejection(order, at, result.reason)
        held = self.venue.positions.get(order.symbol, ZERO)
        order.fill(result.quantity, result.price, at)
        self.ledger.trade(order.symbol, order.side, result.quantity, result.price, held)
        self.activities.add_fill(order, at, result.quantity, result.price)
        if result.fee:
            self.activities.add_fee(order, at, result.fee)
        return updates.fill(order, at, result.quantity, result.price, result.fee, held)

    def _see_closes(self, row_index: int) -> None:
        place = self.market.slice_of(row_index)
        indices = self.market.symbol_index[place].tolist()
        for index, close in zip(indices, self.market.close[place].tolist(), strict=True):
            self.ledger.prices[self.market.symbols[index]] = decimal_from_float(close)

    def _on_adjust(self, record: Record) -> list[Update]:
        reason, symbol = Reason(record["reason"]), record["symbol"]
        cash, quantity = Decimal(record["cash"]), Decimal(record["quantity"])
        self.venue.cash += cash
        if symbol is not None and quantity:
            before = self.venue.positions.get(symbol, ZERO)
            after = before + quantity
            self.venue.positions[symbol] = after
            if not after:
                del self.venue.positions[symbol]
            self.ledger.adjust(symbol, before, after, Decimal(record["ratio"]))
        self.activities.add_adjustment(self.now, reason, symbol, cash, quantity)
        return []


def openings_of(market: Market, row_index: int) -> dict[Symbol, Opening]:
    """What a row offers to waiting orders: for each symbol its bar that opened last."""
    place = market.slice_of(row_index)
    openings: dict[Symbol, Opening] = {}
    for index, opened_at, price, volume in zip(
        market.symbol_index[place].tolist(),
        market.opened_at[place].tolist(),
        market.open[place].tolist(),
        market.volume[place].tolist(),
        strict=True,
    ):
        symbol = market.symbols[index]
        known = openings.get(symbol)
        opened = aware(opened_at)
        if known is None or known.opened_at < opened:
            openings[symbol] = Opening(
                opened, decimal_from_float(price), decimal_from_float(volume)
            )
    return openings


def mixed(market: Market) -> str | None:
    """Why a market cannot be served: stocks trade on XNYS and pairs around the clock, not both."""
    never_closes = calendar(market.calendar).never_closes
    wrong = [s for s in market.symbols if (asset_class(s) is AssetClass.CRYPTO) != never_closes]
    if not wrong:
        return None
    return f"{market.source}: {', '.join(wrong[:5])} cannot be traded on {market.calendar}"
