"""What execution needs from outside: a broker, a journal, and somebody who may say stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from trimtab_common.events import OrderApproved
from trimtab_common.symbols import Symbol

OVER = frozenset({"filled", "canceled", "expired", "rejected", "done_for_day", "replaced"})
"""Alpaca's states after which an order never trades again."""


@dataclass(frozen=True)
class BrokerOrder:
    """An order as the broker shows it."""

    order_id: str
    client_order_id: str
    symbol: str
    status: str
    quantity: Decimal | None
    filled_quantity: Decimal
    average_price: Decimal | None
    reason: str = ""

    @property
    def over(self) -> bool:
        return self.status in OVER


@dataclass(frozen=True)
class Update:
    """One change of an order: from the update stream, or the answer to an opened row."""

    execution_id: str
    order: BrokerOrder
    quantity: Decimal | None
    """What this one execution traded."""
    price: Decimal | None
    fee: Decimal = Decimal(0)


@dataclass(frozen=True)
class Account:
    """The account as the broker shows it."""

    number: str
    cash: Decimal
    equity: Decimal
    blocked: bool


@dataclass(frozen=True)
class Position:
    """A holding as the broker shows it; quantity and value are negative when it is short."""

    symbol: Symbol
    quantity: Decimal
    value: Decimal


@dataclass(frozen=True)
class Activity:
    """Something that changed the account without an order: a dividend, a fee, a split."""

    id: str
    symbol: Symbol | None
    cash: Decimal
    quantity: Decimal
    text: str


class OutcomeUnknown(Exception):
    """No answer, or one that proves nothing: the broker may or may not have acted. Ask it."""


class Refused(Exception):
    """The broker said no, and said why: the order does not exist there and never will."""


class DuplicateId(Exception):
    """The broker knows the client order id already: the order was sent before."""


class NotCancelable(Exception):
    """The order is over, or the broker does not know it."""


class Broker(Protocol):
    """The account at the broker. Blocking, thread-safe; every call may raise OutcomeUnknown."""

    final_at_once: bool
    """A look-up that finds nothing is final: what was sent has been taken in or was lost."""

    def await_turn(self) -> None:
        """Wait until the broker's limit on requests leaves room for a submission."""

    def submit(self, order: OrderApproved) -> str:
        """Send the order once, never again by itself; returns the broker's id.

        Raises Refused, DuplicateId.
        """

    def find(self, client_order_id: str) -> BrokerOrder | None:
        """The order under this id, None when the broker has none."""

    def cancel(self, order_id: str) -> None:
        """Ask to take the order back. Raises NotCancelable."""

    def open_orders(self) -> Sequence[BrokerOrder]:
        """Every order that may still trade."""

    def positions(self) -> Sequence[Position]:
        """What the account holds; only to be believed if it agrees with the account's equity."""

    def account(self) -> Account:
        """Cash, equity and whether the account may trade."""

    def activities(self, after: datetime) -> Sequence[Activity]:
        """What changed the account without an order since then; fees told by fills left out."""

    def clock(self) -> datetime:
        """What time it is for the broker."""

    def open_row(self, row: datetime) -> Sequence[Update]:
        """Tell a simulated exchange that the row may trade; a real broker needs no telling."""


class Journal(Protocol):
    """The write-ahead of intents: on disk before anything is sent. Blocking."""

    def intend(self, held: Sequence[OrderApproved], sending: Sequence[OrderApproved]) -> set[str]:
        """Write the intents down, all or none.

        Returns which of those to be sent may have been sent before, by whomever.
        """

    def sent(self) -> set[str]:
        """The orders that may have been sent so far, as far back as the journal reaches."""

    def recall(self, client_order_ids: Iterable[str]) -> list[OrderApproved]:
        """The intents under these ids, as far as there are any."""


class Switch(Protocol):
    """Somebody who may say stop."""

    def halted(self) -> str | None:
        """Why nothing may be sent, None while trading is allowed."""


class Hints(Protocol):
    """The broker's update stream: never the truth, always a reason to look."""

    async def run(
        self, on_update: Callable[[Update], None], look_again: Callable[[], None]
    ) -> None:
        """Listen for ever, reconnecting.

        `look_again` is called where something may have been missed: at each (re)connection, and
        for a message that cannot be read.
        """
