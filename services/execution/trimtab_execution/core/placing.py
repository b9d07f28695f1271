"""How one order is placed exactly once, or known to be in doubt.

| seen                             | so                                                        |
|----------------------------------|-----------------------------------------------------------|
| the broker's answer              | accepted, or refused with its reason                      |
| no answer, 5xx, 429, broken line | unknown: ask by client order id at 0, 1, 3, 7, 15, 31 s   |
| found by id                      | accepted: adopt it, if it is the same order               |
| not found, every time            | once more under the *same* id                             |
| not found after that             | it never arrived                                          |
| the id is known already (422)    | it was sent before: ask until it is found                 |
| refused, but maybe sent before   | the refusal is of the second one: ask about the first     |
| halted or late before submitting | not sent, and the reason                                  |
| three others are in doubt        | not sent, and the reason                                  |

A simulated exchange takes an order in before it answers, so there one "not found" is final, and an
order is submitted until it has arrived. A new id is never made: it would be a second order.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from trimtab_common.events import OrderApproved
from trimtab_common.money import plain
from trimtab_execution.ports import Broker, BrokerOrder, DuplicateId, OutcomeUnknown, Refused

ASK_AFTER_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0)
SIMULATED_ASK_AFTER_SECONDS = (0.03,)
SUBMISSIONS_MAX = 2
IN_DOUBT_MAX = 3
NEVER_ARRIVED = "it never arrived: sent twice, and the broker knows nothing of it"


@dataclass(frozen=True)
class Placed:
    """The broker has the order."""

    order_id: str
    found: BrokerOrder | None = None
    """The order as a look-up showed it; None where the answer to the submission was enough."""


@dataclass(frozen=True)
class NotPlaced:
    """The order does not exist at the broker."""

    reason: str


Outcome = Placed | NotPlaced


@dataclass(frozen=True)
class Unsure:
    """Only a look-up can tell."""

    exists: bool = False
    """The broker knows the id: there is something to be found."""
    refusal: str | None = None
    """What the broker said of a submission that may have been the second one."""


@dataclass(kw_only=True)
class Placing:
    """Places orders through a blocking broker without blocking the room."""

    broker: Broker
    post: Callable[..., Awaitable[Any]]
    """Runs a blocking function in one of the threads that submit."""
    ask: Callable[..., Awaitable[Any]]
    """Runs a blocking function in one of the threads that ask."""
    sleep: Callable[[float], Awaitable[None]]
    veto: Callable[[OrderApproved], str | None]
    """Asked right before every submission, in its thread: halted, expired, in doubt."""
    doubted: Callable[[], None]
    """Told of each order that has to be asked about again."""
    in_doubt: set[str] = field(default_factory=set)
    """The orders about which the broker was asked and has not yet told."""

    async def place(self, order: OrderApproved, *, maybe_sent: bool) -> Outcome:
        """Exactly once, or wait until it is known."""
        try:
            return await self._place(order, maybe_sent)
        finally:
            self.in_doubt.discard(order.client_order_id)

    async def _place(self, order: OrderApproved, maybe_sent: bool) -> Outcome:
        if not maybe_sent and self._crowded:
            return NotPlaced(f"not sent: the outcome of {len(self.in_doubt)} orders is unknown")
        unsure = Unsure() if maybe_sent else None
        submissions = 0
        while True:
            if unsure is not None:
                found = await self._find(order, exists=unsure.exists)
                if found is not None:
                    return adopted(order, found)
                if unsure.refusal is not None:
                    return NotPlaced(unsure.refusal)
                if submissions == SUBMISSIONS_MAX and not self.broker.final_at_once:
                    return NotPlaced(NEVER_ARRIVED)
            outcome = await self._attempt(order, maybe_sent=unsure is not None)
            if not isinstance(outcome, Unsure):
                return outcome
            unsure = outcome
            submissions += 1

    async def _attempt(self, order: OrderApproved, *, maybe_sent: bool) -> Outcome | Unsure:
        """Submit once."""
        try:
            outcome: Outcome = await self.post(self._submit, order)
            return outcome
        except Refused as reason:
            return Unsure(refusal=str(reason)) if maybe_sent else NotPlaced(str(reason))
        except DuplicateId:
            return Unsure(exists=True)
        except OutcomeUnknown:
            return Unsure()

    @property
    def _crowded(self) -> bool:
        """Whether a real broker has left so many questions open that nothing new is risked."""
        return len(self.in_doubt) >= IN_DOUBT_MAX and not self.broker.final_at_once

    def _submit(self, order: OrderApproved) -> Outcome:
        """The one place where an order leaves; runs in a thread."""
        self.broker.await_turn()
        reason = self.veto(order)
        return NotPlaced(f"not sent: {reason}") if reason else Placed(self.broker.submit(order))

    async def _find(self, order: OrderApproved, *, exists: bool) -> BrokerOrder | None:
        """Ask until found, or until "not found" is final; what exists must be found."""
        waits = self._waits()
        absences = failures = 0
        while True:
            try:
                found: BrokerOrder | None = await self.ask(self.broker.find, order.client_order_id)
            except OutcomeUnknown:
                pause = waits[min(failures, len(waits) - 1)]
                failures += 1
            else:
                final = self.broker.final_at_once or absences == len(waits)
                if found is not None or (final and not exists):
                    return found
                pause = waits[min(absences, len(waits) - 1)]
                absences += 1
            if order.client_order_id not in self.in_doubt:
                self.in_doubt.add(order.client_order_id)
                self.doubted()
            await self.sleep(pause)

    def _waits(self) -> Sequence[float]:
        return SIMULATED_ASK_AFTER_SECONDS if self.broker.final_at_once else ASK_AFTER_SECONDS


def adopted(order: OrderApproved, found: BrokerOrder) -> Outcome:
    """The order that was found, unless the id stands for another one."""
    same = found.symbol == order.symbol and found.quantity in (None, order.quantity)
    if same:
        return Placed(found.order_id, found)
    other = f"{plain(found.quantity or order.quantity)} {found.symbol}"
    return NotPlaced(f"the broker has another order under this id: {other}")
