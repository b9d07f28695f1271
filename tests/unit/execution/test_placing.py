"""How one order is placed: every row of the table, and that no order is ever submitted twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.execution.examples import an_order, seen
from trimtab_common.events import OrderApproved
from trimtab_execution.core.placing import (
    IN_DOUBT_MAX,
    NEVER_ARRIVED,
    NotPlaced,
    Outcome,
    Placed,
    Placing,
)
from trimtab_execution.ports import BrokerOrder, DuplicateId, OutcomeUnknown, Refused

ORDER = an_order()
FOUND = seen(ORDER)
HERE = Placed(FOUND.order_id)
ADOPTED = Placed(FOUND.order_id, FOUND)
LOST = OutcomeUnknown("no answer")
BUSY = OutcomeUnknown("429: too many requests")
DUPLICATE = DuplicateId("client_order_id must be unique")
POOR = Refused("insufficient buying power")
OTHER = BrokerOrder(**vars(FOUND) | {"quantity": Decimal(7)})
ABSENT: list[Any] = [None] * 6
"""What thirty-one seconds of "not found" are made of."""


@dataclass
class Scripted:
    """A broker that gives prepared answers: to submissions, and to look-ups."""

    submitting: list[Any]
    finding: list[Any] = field(default_factory=list)
    final_at_once: bool = False
    submitted: list[str] = field(default_factory=list)
    asked: int = 0

    def await_turn(self) -> None:
        """There is no limit."""

    def submit(self, order: OrderApproved) -> str:
        self.submitted.append(order.client_order_id)
        answer = self.submitting.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    def find(self, client_order_id: str) -> BrokerOrder | None:
        assert client_order_id == ORDER.client_order_id
        self.asked += 1
        answer = self.finding.pop(0)
        if isinstance(answer, Exception):
            raise answer
        found: BrokerOrder | None = answer
        return found


async def at_once(function: Any, *arguments: Any) -> Any:
    return function(*arguments)


def placing(broker: Any, vetoes: Iterator[str | None] | None = None) -> tuple[Placing, list[float]]:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    return (
        Placing(
            broker=broker,
            post=at_once,
            ask=at_once,
            sleep=sleep,
            veto=lambda order: next(vetoes, None) if vetoes else None,
            doubted=lambda: None,
        ),
        slept,
    )


def place(
    broker: Any, *, maybe_sent: bool = False, vetoes: list[str | None] | None = None
) -> Outcome:
    placer, _ = placing(broker, iter(vetoes) if vetoes else None)
    return asyncio.run(placer.place(ORDER, maybe_sent=maybe_sent))


ID = FOUND.order_id
CASES: dict[str, tuple[Any, ...]] = {
    "accepted": (False, [ID], [], HERE, 1),
    "refused": (False, [POOR], [], NotPlaced(str(POOR)), 1),
    "no answer, found": (False, [LOST], [FOUND], ADOPTED, 1),
    "429, found later": (False, [BUSY], [None, None, FOUND], ADOPTED, 1),
    "no answer to look-ups either": (False, [LOST], [LOST, BUSY, LOST, FOUND], ADOPTED, 1),
    "never arrived, arrives at the second try": (False, [LOST, ID], ABSENT, HERE, 2),
    "never arrived, twice": (False, [LOST, LOST], ABSENT * 2, NotPlaced(NEVER_ARRIVED), 2),
    "unknown answers prove no absence": (False, [LOST, ID], [None, LOST] * 5 + [None], HERE, 2),
    "known already, found": (False, [DUPLICATE], [FOUND], ADOPTED, 1),
    "known already, found at last": (False, [DUPLICATE], ABSENT * 3 + [FOUND], ADOPTED, 1),
    "arrived after it was given up, the second is the duplicate": (
        False, [LOST, DUPLICATE], [*ABSENT, None, FOUND], ADOPTED, 2,
    ),
    "arrived after it was given up, the second is refused": (
        False, [LOST, POOR], [*ABSENT, FOUND], ADOPTED, 2,
    ),
    "never arrived, then refused": (False, [LOST, POOR], ABSENT * 2, NotPlaced(str(POOR)), 2),
    "sent by an earlier life, found": (True, [], [FOUND], ADOPTED, 0),
    "sent by an earlier life, filled by now": (
        True, [], [seen(ORDER, status="filled", filled="10", average="1")],
        Placed(ID, seen(ORDER, status="filled", filled="10", average="1")), 0,
    ),
    "journalled by an earlier life, never sent": (True, [ID], ABSENT, HERE, 1),
    "the id stands for another order": (
        True, [], [OTHER], NotPlaced("the broker has another order under this id: 7 AAPL"), 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_real_broker(case):
    maybe_sent, submitting, finding, outcome, submissions = CASES[case]
    broker = Scripted(list(submitting), list(finding))
    assert place(broker, maybe_sent=maybe_sent) == outcome
    assert broker.submitted == [ORDER.client_order_id] * submissions, "one id, ever"
    assert (broker.submitting, broker.finding) == ([], []), "every answer was wanted"


SIMULATED_CASES: dict[str, tuple[Any, ...]] = {
    "lost before it arrived, three times": (False, [LOST, LOST, LOST, ID], [None] * 3, HERE, 4),
    "taken in, the answer lost": (False, [LOST], [FOUND], ADOPTED, 1),
    "known already": (False, [DUPLICATE], [None, FOUND], ADOPTED, 1),
    "journalled by an earlier life": (True, [ID], [None], HERE, 1),
    "look-ups fail": (True, [], [LOST] * 9 + [FOUND], ADOPTED, 0),
}


@pytest.mark.parametrize("case", SIMULATED_CASES)
def test_a_simulated_exchange_takes_in_before_it_answers(case):
    maybe_sent, submitting, finding, outcome, submissions = SIMULATED_CASES[case]
    broker = Scripted(list(submitting), list(finding), final_at_once=True)
    assert place(broker, maybe_sent=maybe_sent) == outcome
    assert len(broker.submitted) == submissions


VETO_CASES: dict[str, tuple[Any, ...]] = {
    "before it was sent": (False, [], [], ["HALT"], NotPlaced("not sent: HALT"), 0),
    "while nobody knew, and it had not arrived": (
        False, [LOST], ABSENT, [None, "past its time"], NotPlaced("not sent: past its time"), 1,
    ),
    "while nobody knew, and it had arrived": (False, [LOST], [FOUND], [None, "HALT"], ADOPTED, 1),
    "after a restart, sent before": (True, [], [FOUND], ["HALT"], ADOPTED, 0),
    "after a restart, never sent": (True, [], ABSENT, ["HALT"], NotPlaced("not sent: HALT"), 0),
}  # fmt: skip


@pytest.mark.parametrize("case", VETO_CASES)
def test_a_halt_stops_what_was_not_sent_and_denies_nothing_that_was(case):
    maybe_sent, submitting, finding, vetoes, outcome, submissions = VETO_CASES[case]
    broker = Scripted(list(submitting), list(finding))
    assert place(broker, maybe_sent=maybe_sent, vetoes=vetoes) == outcome
    assert len(broker.submitted) == submissions


def test_an_absence_is_believed_after_thirty_one_seconds():
    broker = Scripted([LOST, ID], list(ABSENT))
    placer, slept = placing(broker)
    asyncio.run(placer.place(ORDER, maybe_sent=False))
    assert slept == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_a_broker_that_is_down_is_asked_ever_less_often():
    broker = Scripted([LOST], [LOST] * 9 + [FOUND])
    placer, slept = placing(broker)
    asyncio.run(placer.place(ORDER, maybe_sent=False))
    assert slept == [1.0, 2.0, 4.0, 8.0, 16.0, 16.0, 16.0, 16.0, 16.0]


def test_with_three_orders_in_doubt_nothing_new_is_sent_but_old_ones_are_finished():
    broker = Scripted([ID], list(ABSENT))
    placer, _ = placing(broker)
    placer.in_doubt.update(f"tt-{number}" for number in range(IN_DOUBT_MAX))
    refused = asyncio.run(placer.place(ORDER, maybe_sent=False))
    assert refused == NotPlaced("not sent: the outcome of 3 orders is unknown")
    assert asyncio.run(placer.place(ORDER, maybe_sent=True)) == HERE


def test_an_order_is_in_doubt_only_while_nobody_knows():
    broker = Scripted([LOST], [None, FOUND])
    placer, _ = placing(broker)
    seen_in_doubt = []

    async def sleep(seconds: float) -> None:
        seen_in_doubt.append(set(placer.in_doubt))

    placer.sleep = sleep
    asyncio.run(placer.place(ORDER, maybe_sent=False))
    assert seen_in_doubt == [{ORDER.client_order_id}]
    assert placer.in_doubt == set()


class Flaky:
    """A broker that takes an order in or not, and answers or not, as chance will have it."""

    def __init__(self, seed: int, *, simulated: bool) -> None:
        self.chance = random.Random(seed)
        self.final_at_once = simulated
        self.has = False
        self.late = False
        self.taken_in = 0

    def await_turn(self) -> None:
        """There is no limit."""

    def submit(self, order: OrderApproved) -> str:
        if self.has:
            raise DUPLICATE
        luck = self.chance.random()
        if luck < 0.3:  # lost on the way, or still on its way
            self.late = luck < 0.1 and not self.final_at_once
            raise LOST
        self._take_in()
        if luck < 0.7:
            raise LOST
        return ID

    def find(self, client_order_id: str) -> BrokerOrder | None:
        if self.late and self.chance.random() < 0.5:
            self._take_in()
        if self.chance.random() < 0.3:
            raise BUSY
        return FOUND if self.has else None

    def _take_in(self) -> None:
        self.late, self.has = False, True
        self.taken_in += 1


@pytest.mark.parametrize("simulated", [True, False])
def test_whatever_the_broker_does_one_order_arrives_once_and_what_is_said_of_it_is_true(simulated):
    for seed in range(2_000):
        broker = Flaky(seed, simulated=simulated)
        maybe_sent = broker.chance.random() < 0.3
        outcome = place(broker, maybe_sent=maybe_sent)
        assert broker.taken_in <= 1, seed
        assert isinstance(outcome, Placed) == broker.has, seed
