"""How one order is placed exactly once, or known to be in doubt.

| seen                             | so                                                        |
|----------------------------------|-----------------------------------------------------------|
| the broker's answer              | accepted, or refused with its reason                      |
| no answer, 5xx, 429, broken line | unknown: ask by client order id at 1, 2, 4, 8, 16 s       |
| found by id                      | accepted: adopt it                                        |
| not found                        | after 30 s of not found, once more under the *same* id    |
| the id is known already (422)    | it was sent before: ask, adopt                            |

A simulated exchange takes an order in before it answers, so there one "not found" is final.
A new id is never made: a second id would be a second order.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from trimtab_common.events import OrderApproved
from trimtab_execution.ports import Broker, BrokerOrder, DuplicateId, OutcomeUnknown, Refused

ASK_AFTER_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0)
SIMULATED_ASK_AFTER_SECONDS = (0.03,)

Result = TypeVar("Result")
Call = Callable[[Callable[[], Result]], Awaitable[Result]]
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Placed:
    """The broker has the order."""

    order_id: str


@dataclass(frozen=True)
class NotPlaced:
    """The order does not exist at the broker."""

    reason: str


@dataclass(frozen=True)
class Placing:
    """Places orders through a blocking broker without blocking the room."""

    broker: Broker
    call: Callable[..., Awaitable[object]]
    """Runs a blocking function in one of the room's threads."""
    sleep: Sleep
    still_valid: Callable[[OrderApproved], bool]
    """Asked again right before every submission: halted, expired."""

    async def place(self, order: OrderApproved, *, maybe_sent: bool) -> Placed | NotPlaced:
        """Exactly once, or wait until it is known."""
        while True:
            if maybe_sent:
                found = await self._ask(order.client_order_id)
                if found is not None:
                    return Placed(found.order_id)
            if not self.still_valid(order):
                return NotPlaced("not sent: halted or past its time")
            try:
                order_id = await self.call(self.broker.submit, order)
            except Refused as reason:
                return NotPlaced(str(reason))
            except (OutcomeUnknown, DuplicateId):
                maybe_sent = True
            else:
                return Placed(str(order_id))

    async def _ask(self, client_order_id: str) -> BrokerOrder | None:
        """Ask until found, or until "not found" is final."""
        waits = self._waits()
        asked = 0
        while True:
            try:
                found = await self.call(self.broker.find, client_order_id)
            except OutcomeUnknown:
                await self.sleep(waits[min(asked, len(waits) - 1)])
                continue
            if found is not None:
                assert isinstance(found, BrokerOrder)
                return found
            if self.broker.final_at_once or asked >= len(waits):
                return None
            await self.sleep(waits[asked])
            asked += 1

    def _waits(self) -> Sequence[float]:
        return SIMULATED_ASK_AFTER_SECONDS if self.broker.final_at_once else ASK_AFTER_SECONDS
