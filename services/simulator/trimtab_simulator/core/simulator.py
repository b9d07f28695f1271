"""The simulator as a whole: an exchange with a memory, its public market, and its bad habits."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np

from trimtab_common.events import instant
from trimtab_common.money import plain
from trimtab_common.sides import Side
from trimtab_simulator.core import records
from trimtab_simulator.core.assets import Assets
from trimtab_simulator.core.exchange import Exchange
from trimtab_simulator.core.faults import Faults
from trimtab_simulator.core.occurrences import Asked, Occurrences
from trimtab_simulator.core.orders import Order
from trimtab_simulator.core.records import Change, Kind, Record
from trimtab_simulator.core.refusals import (
    Refusal,
    against_rules,
    forbidden,
    invalid,
    out_of_turn,
)
from trimtab_simulator.core.release import Release
from trimtab_simulator.core.requests import OrderRequest
from trimtab_simulator.core.tape import Tape
from trimtab_simulator.core.updates import Update
from trimtab_simulator.ports import Listeners, RecordLog, WallClock
from trimtab_trading.broker_ids import derived_id
from trimtab_trading.market import COLUMNS, SIMULATED

ZERO = Decimal(0)


class OtherLog(ValueError):
    """The log on disk belongs to another market or to other terms; the text says what to do."""


@dataclass(kw_only=True)
class Simulator:
    """What the handlers ask. Every change is validated, written down, applied, and then told."""

    exchange: Exchange
    release: Release
    log: RecordLog
    listeners: Listeners
    faults: Faults
    wall_clock: WallClock
    funds_checked_on_arrival: bool
    """Refuse what the account cannot bear at once, not at the row where it would trade."""

    def __post_init__(self) -> None:
        self.assets = Assets(self.exchange.market.symbols)
        self.tape = Tape(self.exchange.market)
        self.occurrences = Occurrences()

    def submit(self, request: OrderRequest) -> Order | Refusal:
        """Take an order in."""
        received_at = self.wall_clock()
        chosen = request.client_order_id or derived_id(f"unnamed:{len(self.exchange.orders)}")
        refusal = self._refusal(request, chosen)
        if refusal is not None:
            self.note_refused_order(chosen, received_at, refusal)
            return refusal
        self._commit(records.order_record(request, chosen, received_at))
        return self.exchange.orders[chosen]

    def note_refused_order(
        self, client_order_id: str | None, received_at: float, refusal: Refusal
    ) -> None:
        """Keep in mind that an order was refused, and why."""
        self.occurrences.note(
            Asked.ORDER,
            received_at,
            False,
            client_order_id=client_order_id,
            status=refusal.status,
            reason=refusal.message,
        )

    def cancel(self, order: Order) -> Refusal | None:
        """Take an order back."""
        if not order.is_open:
            return against_rules(f'order is already in "{order.status.value}" state')
        self._commit(records.cancel_record(order.client_order_id, self.wall_clock()))
        return None

    def open(self, row: datetime) -> dict[str, Any] | Refusal:
        """Let the working orders meet a row's bars; asked again, the kept reply comes back."""
        opened = self.exchange.rows_opened
        wanted = self.exchange.market.row_at(row)
        if wanted is None:
            return self._between_rows(row, opened)
        if opened and wanted == opened - 1:
            return self._opened_reply()
        refusal = self._not_next(wanted, opened)
        if refusal is not None:
            self.occurrences.note(
                Asked.OPEN, self.wall_clock(), False, row=instant(row), reason=refusal.message
            )
            return refusal
        self._commit(records.open_record(row, self.wall_clock()))
        self.listeners.row_opened()
        return self._opened_reply()

    def adjust(self, change: Change) -> Refusal | None:
        """Change cash or a position without an order."""
        venue = self.exchange.venue
        held = venue.positions.get(change.symbol, ZERO) if change.symbol else ZERO
        if held + change.quantity < 0:
            return invalid(f"the position would be negative: {plain(held)} are held")
        if venue.cash + change.cash < 0:
            return invalid(f"cash would be negative: it is {plain(venue.cash)}")
        self._commit(records.adjust_record(change, self.wall_clock()))
        return None

    def recover(self, first: Record) -> int:
        """Apply the log, or begin one with `first`; returns how many records there were."""
        count = 0
        for record in self.log.read():
            if not count and record != first:
                raise OtherLog(f"it begins with {record}, this simulation with {first}")
            self.exchange.apply(record)
            self.occurrences.restore(record)
            count += 1
        if not count:
            self.log.append(first)
        self.release.released = self.exchange.rows_opened
        return count

    def state(self) -> dict[str, Any]:
        """Where the replay stands, for `GET /control/state`."""
        market, released = self.exchange.market, self.release.released
        last = market.slice_of(released - 1) if released else slice(0, 0)
        present = sorted(set(market.symbol_index[last].tolist()))
        opened = self.exchange.last_row()
        return {
            "label": SIMULATED,
            "source": market.source,
            "timeframe": market.timeframe.value,
            "calendar": market.calendar,
            "feed": market.feed,
            "symbols": list(market.symbols),
            "rows_total": market.rows_total,
            "first_row": instant(market.instant_of(0)),
            "last_row": instant(market.instant_of(market.rows_total - 1)),
            "rows_released": released,
            "released": instant(market.instant_of(released - 1)) if released else None,
            "released_symbols": [market.symbols[index] for index in present],
            "rows_opened": self.exchange.rows_opened,
            "opened": None if opened is None else instant(opened),
            "stopped": self.release.stopped,
            "finished": self.exchange.rows_opened == market.rows_total,
            "speed": "max" if self.release.speed is None else self.release.speed,
            "cash": plain(self.exchange.venue.cash),
            "equity": plain(self.exchange.equity),
            "orders_open": len(self.exchange.venue.working),
            "orders_total": len(self.exchange.orders),
        }

    def _commit(self, record: Record) -> list[Update]:
        """The only way to change anything: first the log, then the exchange, then the news."""
        self.log.append(record)
        updates = self.exchange.apply(record)
        self.occurrences.restore(record)
        if updates:
            self.listeners.tell(updates)
        return updates

    def _opened_reply(self) -> dict[str, Any]:
        row = self.exchange.last_row()
        return {"row": row and instant(row), "updates": self.exchange.last_reply}

    def _between_rows(self, row: datetime, opened: int) -> dict[str, Any] | Refusal:
        """A coarser bar may end where no bar of this market does: nothing trades there."""
        market = self.exchange.market
        began = opened > 0 and market.instant_of(opened - 1) < row
        if began and (opened == market.rows_total or row < market.instant_of(opened)):
            return {"row": instant(row), "updates": []}
        return out_of_turn(f"the market has no row at {instant(row)}")

    def _not_next(self, wanted: int, opened: int) -> Refusal | None:
        market = self.exchange.market
        asked = instant(market.instant_of(wanted))
        if wanted < opened:
            last = instant(market.instant_of(opened - 1))
            return out_of_turn(f"row {asked} was opened before; the last one is {last}")
        if wanted > opened:
            return out_of_turn(f"the next row is {instant(market.instant_of(opened))}, not {asked}")
        if wanted >= self.release.released:
            return out_of_turn(f"row {asked} is not released yet")
        return None

    def _refusal(self, request: OrderRequest, client_order_id: str) -> Refusal | None:
        if client_order_id in self.exchange.orders:
            return invalid("client_order_id must be unique")
        return self._beyond_means(request) if self.funds_checked_on_arrival else None

    def _beyond_means(self, request: OrderRequest) -> Refusal | None:
        exchange = self.exchange
        if request.side is Side.SELL:
            held = exchange.venue.positions.get(request.symbol, ZERO)
            promised = exchange.promised(request.symbol)
            if request.quantity <= held - promised:
                return None
            available = plain(held - promised)
            return forbidden(
                f"insufficient qty available for order (requested: {plain(request.quantity)}, "
                f"available: {available})",
                symbol=request.symbol,
                available=available,
                existing_qty=plain(held),
                held_for_orders=plain(promised),
            )
        price = exchange.ledger.prices.get(request.symbol, ZERO)
        spendable = exchange.venue.cash - exchange.reserved()
        if request.quantity * price <= spendable:
            return None
        return forbidden(
            "insufficient buying power",
            buying_power=plain(spendable),
            cost_basis=plain(request.quantity * price),
        )


def first_record(exchange: Exchange) -> Record:
    """What the log begins with, so that it is never applied to another market."""
    market, venue = exchange.market, exchange.venue
    digest = hashlib.sha256(repr((market.symbols, market.timeframe, market.calendar)).encode())
    for name in COLUMNS:
        digest.update(np.ascontiguousarray(getattr(market, name)).tobytes())
    return {
        "kind": Kind.MARKET.value,
        "source": market.source,
        "bars": len(market),
        "digest": digest.hexdigest(),
        "cash": plain(venue.cash),
        "terms": {
            name: None if value is None else plain(value)
            for name, value in vars(venue.terms).items()
        },
    }
