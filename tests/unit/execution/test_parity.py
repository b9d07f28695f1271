"""Execution and a broker say exactly what the backtest's exchange says, also after crashes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.unit.execution.examples import (
    ACCOUNT,
    a_bar,
    a_cancel,
    a_row,
    an_order,
    orders_end,
)
from tests.unit.execution.fakes import FakeBroker, Streams, openings_of
from tests.unit.execution.worlds import World
from trimtab_common.events import BarClosed, Event, OrderApproved, OrderFilled, RowClosed
from trimtab_common.sides import Side
from trimtab_execution.ports import OutcomeUnknown
from trimtab_trading.exchange import Exchange
from trimtab_trading.merge import Merge
from trimtab_trading.venue import Terms, Venue

SYMBOLS = ("AAPL", "MSFT", "SPY")


@dataclass(frozen=True)
class Story:
    """A small market and what risk orders in it."""

    orders: Sequence[Event]
    bars: Sequence[Event]
    cash: Decimal
    share_max: Decimal | None

    @property
    def venue(self) -> Venue:
        terms = Terms(
            slippage_bps=Decimal(2),
            fee_bps=Decimal(1),
            fee_per_order=Decimal("0.35"),
            fee_per_share=Decimal("0.01"),
            volume_share_max=self.share_max,
        )
        return Venue(terms, self.cash, {"SPY": Decimal(30)})

    @property
    def rows(self) -> int:
        return sum(isinstance(event, RowClosed) for event in self.bars)

    def expected(self) -> list[Event]:
        """What the backtest says."""
        merge, said = Merge(Exchange(self.venue, account=ACCOUNT)), list[Event]()
        for family, events in (("orders", self.orders), ("bars", self.bars)):
            for event in events:
                merge.put(family, None, event)
        while (step := merge.step()) is not None:
            said.extend(step.outputs)
        return [event for event in said if not isinstance(event, RowClosed)]

    def world(self, **settings: Any) -> World:
        bars = [event for event in self.bars if isinstance(event, BarClosed)]
        broker = FakeBroker(self.venue, openings_of(bars))
        streams = Streams({"orders": list(self.orders), "bars": list(self.bars)})
        return World(broker, streams, **settings)


@some.composite
def stories(draw: some.DrawFn) -> Story:
    orders: list[Event] = []
    bars: list[Event] = []
    sent: list[OrderApproved] = []
    for row in range(1, draw(some.integers(2, 9)) + 1):
        present = sorted(draw(some.sets(some.sampled_from(SYMBOLS), min_size=1)))
        for symbol in present:
            price, volume = draw(some.integers(1, 300)), draw(some.integers(0, 200))
            bars.append(a_bar(row, symbol, price=f"{price}.5", volume=str(volume)))
        bars.append(a_row(row, present, [s for s in SYMBOLS if s not in present]))
        for leg in range(draw(some.integers(0, 4))):
            order = an_order(
                row,
                draw(some.sampled_from(SYMBOLS)),
                leg=leg,
                side=draw(some.sampled_from(Side)),
                quantity=str(draw(some.integers(1, 40))),
                wait=draw(some.sampled_from((0, 0, 1, 3))),
                rows_valid=draw(some.integers(0, 3)),
            )
            sent.append(order)
            orders.append(order)
        wanted = draw(some.integers(0, 2 * len(sent)))
        if wanted < len(sent):
            orders.append(a_cancel(sent[wanted], row))
        orders.append(orders_end(row))
    share = draw(some.sampled_from((None, Decimal("0.1"))))
    return Story(orders, bars, Decimal(draw(some.sampled_from((2_000, 50_000)))), share)


async def live_through(story: Story, world: World) -> None:
    """As many lives as it takes to the end of the last row."""

    def over() -> bool:
        taken = world.streams.taken
        return all(taken.get(f) == len(e) for f, e in world.streams.entries.items())

    while not over():
        try:
            await world.live(over)
        except Died:
            world.begin()


class Died(BaseException):
    """The process ended here."""


def check_quiet(story: Story, seed: int) -> None:
    chance = random.Random(seed)
    world = story.world(feed=lambda: chance.randint(0, 5))
    asyncio.run(live_through(story, world))
    assert world.told() == story.expected()
    assert world.streams.told("health") == []


def check_stormy(story: Story, seed: int) -> None:
    """The room dies and answers are lost, before and after every call and every commit."""
    chance = random.Random(seed)
    world = story.world(feed=lambda: chance.randint(0, 5))

    def trouble(method: str, moment: str) -> None:
        luck = chance.random()
        if luck < 0.04:
            raise Died
        if luck < 0.12 and method != "intend":
            raise OutcomeUnknown(f"no answer {moment} it acted")

    world.broker.trouble = world.journal.trouble = trouble
    world.streams.before_commit = lambda: trouble("intend", "commit")
    asyncio.run(live_through(story, world))
    assert world.told() == story.expected()
    arrived = world.broker.submissions
    assert sorted(arrived) == sorted(set(arrived)), "an order arrived twice"


@settings(max_examples=40)
@given(story=stories(), seed=some.integers(0, 1_000))
def test_execution_says_what_the_backtest_says(story: Story, seed: int) -> None:
    check_quiet(story, seed)


@settings(max_examples=40)
@given(story=stories(), seed=some.integers(0, 1_000))
def test_no_crash_and_no_lost_answer_changes_what_is_said_or_sends_an_order_twice(
    story: Story, seed: int
) -> None:
    check_stormy(story, seed)


@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("check", [check_quiet, check_stormy])
def test_two_thousand_stories(check: Callable[[Story, int], None]) -> None:
    @settings(max_examples=2_000)
    @given(story=stories(), seed=some.integers(0, 1_000_000))
    def tell(story: Story, seed: int) -> None:
        check(story, seed)

    tell()


def test_the_stories_reach_every_kind_of_end() -> None:
    """A guard for the two tests above: their stories hold, expire, cancel, reject and part-fill."""
    seen: set[str] = set()

    @settings(max_examples=100, database=None)
    @given(story=stories())
    def look(story: Story) -> None:
        for event in story.expected():
            name = type(event).__name__
            seen.add(f"{name} {getattr(event, 'reason', '')}".split(":")[0].strip())
            if isinstance(event, OrderFilled) and event.quantity < event.order_quantity:
                seen.add("part")

    look()
    assert seen >= {
        "CashAdjusted opening balance",
        "OrderAccepted",
        "OrderCancelled expired",
        "OrderCancelled not wanted",
        "OrderFilled",
        "OrderRejected insufficient buying power",
        "OrderRejected insufficient quantity",
        "part",
    }
