"""A broker, a journal and a stream that live in memory and misbehave when they are told to."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from trimtab_common.events import BarClosed, Event, OrderApproved, RowClosed, family_of
from trimtab_common.symbols import Symbol
from trimtab_execution.ports import (
    Account,
    Activity,
    BrokerOrder,
    DuplicateId,
    NotCancelable,
    OutcomeUnknown,
    Position,
    Refused,
    Update,
)
from trimtab_runtime.delivery.commit import Commit
from trimtab_runtime.delivery.inbox import Entry
from trimtab_runtime.delivery.life import Life
from trimtab_trading.broker_ids import broker_order_id, execution_id
from trimtab_trading.merge import FORCED
from trimtab_trading.venue import Fill, Opening, Rejection, Venue

ZERO = Decimal(0)

Trouble = Callable[[str, str], None]
"""Called with a method and the moment "before" or "after" it acts; may raise."""


def no_trouble(method: str, moment: str) -> None:
    """A broker that behaves."""


@dataclass
class Kept:
    """An order in the fake broker's memory."""

    approved: OrderApproved
    status: str = "new"
    filled: Decimal = ZERO
    value: Decimal = ZERO

    @property
    def shown(self) -> BrokerOrder:
        average = (self.value / self.filled).quantize(Decimal("1e-9")) if self.filled else None
        return BrokerOrder(
            order_id=broker_order_id(self.approved.client_order_id),
            client_order_id=self.approved.client_order_id,
            symbol=self.approved.symbol,
            status=self.status,
            quantity=self.approved.quantity,
            filled_quantity=self.filled,
            average_price=average,
        )


class FakeBroker:
    """The exchange model behind the port: the same `Venue` as in a backtest and the simulator."""

    def __init__(
        self,
        venue: Venue,
        openings: Mapping[datetime, Mapping[Symbol, Opening]] | None = None,
        *,
        simulated: bool = True,
    ) -> None:
        self.final_at_once = simulated
        self.venue = venue
        self.openings = openings or {}
        self.trouble: Trouble = no_trouble
        self.orders: dict[str, Kept] = {}
        self.submissions: list[str] = []
        """The id of every order that arrived, refused ones included."""
        self.number = "FAKE-1"
        self.blocked = False
        self.hidden_positions = False
        self.happened: list[Activity] = []
        self.looks = 0
        """How often a reconciliation has seen everything."""
        self.refusal: str | None = None
        self.listed: frozenset[Symbol] | None = None
        """What can be traded; None: everything."""
        self.time = datetime(2024, 3, 4, 14, 30, tzinfo=UTC)
        self.last_reply: tuple[datetime | None, list[Update]] = (None, [])
        self._lock = threading.Lock()

    def await_turn(self) -> None:
        """There is no limit."""

    def submit(self, order: OrderApproved) -> str:
        self.trouble("submit", "before")
        with self._lock:
            self.submissions.append(order.client_order_id)
            if order.client_order_id in self.orders:
                raise DuplicateId("client_order_id must be unique")
            if self.listed is not None and order.symbol not in self.listed:
                raise Refused(f'asset "{order.symbol}" not found')
            if self.refusal is not None:
                raise Refused(self.refusal)
            self.orders[order.client_order_id] = Kept(order)
            self.venue.submit(order.client_order_id, order.symbol, order.side, order.quantity)
        self.trouble("submit", "after")
        return broker_order_id(order.client_order_id)

    def find(self, client_order_id: str) -> BrokerOrder | None:
        self.trouble("find", "before")
        kept = self.orders.get(client_order_id)
        return None if kept is None else kept.shown

    def cancel(self, order_id: str) -> None:
        self.trouble("cancel", "before")
        with self._lock:
            found = [kept for kept in self.orders.values() if kept.shown.order_id == order_id]
            if not found or found[0].shown.over:
                raise NotCancelable("order is not cancelable")
            self.venue.cancel(found[0].approved.client_order_id)
            found[0].status = "canceled"
        self.trouble("cancel", "after")

    def open_orders(self) -> Sequence[BrokerOrder]:
        self.trouble("open_orders", "before")
        return [kept.shown for kept in self.orders.values() if not kept.shown.over]

    def positions(self) -> Sequence[Position]:
        self.trouble("positions", "before")
        if self.hidden_positions:
            return []
        return [
            Position(symbol, quantity, quantity * 100)
            for symbol, quantity in self.venue.positions.items()
        ]

    def account(self) -> Account:
        self.trouble("account", "before")
        worth = sum((quantity * 100 for quantity in self.venue.positions.values()), ZERO)
        cash = self.venue.cash
        return Account(self.number, cash, cash + worth, self.blocked)

    def activities(self, after: datetime) -> Sequence[Activity]:
        self.trouble("activities", "before")
        return list(self.happened)

    def clock(self) -> datetime:
        self.trouble("clock", "before")
        self.looks += 1
        return self.time

    def open_row(self, row: datetime) -> Sequence[Update]:
        self.trouble("open_row", "before")
        with self._lock:
            last, updates = self.last_reply
            if row != last:
                if last is not None and row < last:
                    raise OutcomeUnknown(f"409: row {row} was opened before")
                outcome = self.venue.open_row(row, self.openings[row])
                updates = [self._told(result) for result in outcome]
                self.last_reply = (row, updates)
        self.trouble("open_row", "after")
        return updates

    def fill(self, client_order_id: str, quantity: str, price: str) -> Update:
        """Let a real broker's order trade; its update comes back."""
        kept, traded, at = self.orders[client_order_id], Decimal(quantity), Decimal(price)
        signed = kept.approved.side.sign * traded
        self.venue.cash -= signed * at
        held = self.venue.positions.get(kept.approved.symbol, ZERO) + signed
        self.venue.positions[kept.approved.symbol] = held
        kept.filled += traded
        kept.value += traded * at
        kept.status = "filled" if kept.filled == kept.approved.quantity else "partially_filled"
        return Update(execution_id(client_order_id, kept.filled), kept.shown, traded, at)

    def _told(self, result: Fill | Rejection) -> Update:
        kept = self.orders[result.order.client_order_id]
        key = kept.approved.client_order_id
        if isinstance(result, Rejection):
            kept.status = "rejected"
            shown = kept.shown
            told = BrokerOrder(**vars(shown) | {"reason": result.reason})
            return Update(f"rejected:{key}", told, None, None)
        kept.filled += result.quantity
        kept.value += result.quantity * result.price
        kept.status = "partially_filled" if result.order.remaining else "filled"
        return Update(
            execution_id(key, kept.filled), kept.shown, result.quantity, result.price, result.fee
        )


class MemoryJournal:
    """A journal that outlives the room, not the test."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.intents: dict[str, OrderApproved] = {}
        self.trouble: Trouble = no_trouble

    def intend(self, held: Sequence[OrderApproved], sending: Sequence[OrderApproved]) -> set[str]:
        self.trouble("intend", "before")
        maybe_sent = {
            order.client_order_id
            for order in sending
            if self.states.get(order.client_order_id) == "sending"
        }
        for order in held:
            self.states.setdefault(order.client_order_id, "held")
        for order in sending:
            self.states[order.client_order_id] = "sending"
        self.intents |= {order.client_order_id: order for order in (*held, *sending)}
        self.trouble("intend", "after")
        return maybe_sent

    def sent(self) -> set[str]:
        return {key for key, state in self.states.items() if state == "sending"}

    def recall(self, client_order_ids: Iterable[str]) -> list[OrderApproved]:
        return [self.intents[key] for key in client_order_ids if key in self.intents]


@dataclass
class FakeSwitch:
    """The kill switch."""

    reason: str | None = None

    def halted(self) -> str | None:
        return self.reason


class FakeHints:
    """An update stream that says what a test says."""

    def __init__(self) -> None:
        self._tell: Callable[[Update], None] | None = None
        self._look_again: Callable[[], None] | None = None

    async def run(
        self, on_update: Callable[[Update], None], look_again: Callable[[], None]
    ) -> None:
        self._tell, self._look_again = on_update, look_again
        await asyncio.Event().wait()

    def tell(self, update: Update) -> None:
        assert self._tell is not None
        self._tell(update)

    def reconnect(self) -> None:
        assert self._look_again is not None
        self._look_again()


@dataclass
class Streams:
    """What Redis would hold: the entries of the inputs, and what the room has committed."""

    entries: dict[str, list[Event]]
    outputs: list[Event] = field(default_factory=list)
    taken: dict[str, int] = field(default_factory=dict)
    state: Any = None
    commits: int = 0
    forced: int = 0
    """Marks that were forced, by the order record."""
    before_commit: Callable[[], None] = lambda: None
    """May raise: the process dies with everything done and nothing committed."""

    def told(self, family: str = "fills") -> list[Event]:
        """The committed events of a family, marks left out."""
        return [
            event
            for event in self.outputs
            if not isinstance(event, RowClosed) and family_of(event) == family
        ]


class FakeSession:
    """One life's hold on the streams."""

    def __init__(self, streams: Streams, feed: Callable[[], int] = lambda: 1_000) -> None:
        self._streams = streams
        self._feed = feed
        self._deliver: Callable[[str, Entry], None] | None = None
        self._next = dict(streams.taken)
        self.state = streams.state

    async def subscribe(self, deliver: Callable[[str, Entry], None]) -> None:
        self._deliver = deliver
        self.feed()

    def feed(self) -> None:
        """Hand on the next entries of each stream, as many as come at once."""
        if self._deliver is None:
            return
        for family, events in self._streams.entries.items():
            first = self._next.get(family, 0)
            last = min(len(events), first + self._feed())
            for number in range(first, last):
                self._deliver(family, Entry(family, str(number), events[number], None, {}))
            self._next[family] = last

    async def commit(self, commit: Commit, *, state: Any) -> None:
        self._streams.before_commit()
        self._streams.outputs.extend(commit.outputs)
        for family, taken in commit.taken.items():
            self._streams.taken[family] = int(taken[-1]) + 1
        self._streams.state = json.loads(json.dumps(state))
        self._streams.commits += 1
        self._streams.forced += sum(count for family, count in commit.runs if family == FORCED)
        self.feed()


def a_life(progress: Callable[[], None] = lambda: None) -> Life:
    """A life whose waits are short."""
    life = Life(on_progress=progress, on_ready=lambda: None, on_commit=lambda commit, seconds: None)
    life.tick_seconds = 0.01
    return life


def openings_of(bars: Iterable[BarClosed]) -> dict[datetime, dict[Symbol, Opening]]:
    """What each row's bars offer."""
    found: dict[datetime, dict[Symbol, Opening]] = {}
    for bar in bars:
        opening = Opening(bar.opened_at, bar.open, bar.volume)
        found.setdefault(bar.at, {})[bar.symbol] = opening
    return found
