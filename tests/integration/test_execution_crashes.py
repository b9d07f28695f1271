"""The real room at the real simulator: whatever dies or lies, each order arrives at most once."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from decimal import Decimal
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import pytest

from tests.integration.execution_world import (
    ExecutionWorld,
    Story,
    a_story,
    an_execution_world,
    replaced_while_asleep,
)
from tests.integration.room_process import wait_for
from trimtab_common.events import (
    CashAdjusted,
    OrderAccepted,
    OrderCancelled,
    OrderRejected,
    PositionAdjusted,
)
from trimtab_execution.adapters.crashing import Point

pytestmark = pytest.mark.redis

KILLED = -9
REPLACED = 76


@pytest.fixture
def world(tmp_path: Path, redis_url: str) -> Iterator[ExecutionWorld]:
    with an_execution_world(tmp_path, redis_url) as found:
        yield found


def check(world: ExecutionWorld, story: Story) -> None:
    """Everything that must hold in the end."""
    world.wait_for_the_end(story)
    assert world.fills() == story.expected()
    arrivals = world.arrivals()
    assert set(arrivals) <= story.intents, "an order that nobody approved"
    assert set(arrivals.values()) == {1}, "an order that arrived twice"
    opened = world.rows_opened()
    assert opened == sorted(set(opened)), "a row that was opened twice"
    assert world.health() == [], "the books differ"


def test_the_room_says_what_the_backtest_says(world):
    story = a_story(seed=1, rows=60, orders_per_row=6)
    world.tell(story)
    world.room.start()
    check(world, story)


def test_killed_at_every_point_it_goes_on_where_it_was(world, monkeypatch):
    story = a_story(seed=2, rows=60, orders_per_row=5)
    world.tell(story)
    chance = random.Random(2)
    for point in Point:
        monkeypatch.setenv("TRIMTAB_CRASH_AT", f"{point.value}:{chance.randint(1, 6)}")
        world.room.start()
        assert world.room.wait() == KILLED, f"it did not crash when {point.value}"
    monkeypatch.delenv("TRIMTAB_CRASH_AT")
    world.room.start()
    check(world, story)


def test_lies_and_losses_of_the_exchange_change_nothing(world):
    story = a_story(seed=3, rows=40, orders_per_row=5)
    world.misbehave(probability=0.03, seed=3)
    world.tell(story)
    world.room.start()
    check(world, story)


@pytest.mark.long
def test_killed_at_random_moments_with_an_exchange_that_dies_too(world):
    live_and_die(world, a_story(seed=4, rows=100, orders_per_row=6), seed=4, lives=5)


def live_and_die(world: ExecutionWorld, story: Story, *, seed: int, lives: int) -> None:
    """Kill the room, and now and then the exchange, at random moments; then look at the end."""
    chance = random.Random(seed)
    world.tell(story)
    for _ in range(lives):
        world.misbehave(probability=0.01, seed=chance.randint(1, 10_000))
        world.room.start()
        wait_for_news(world, story)
        time.sleep(chance.uniform(0, 0.25))
        if chance.random() < 0.4:
            world.simulator.kill()
            time.sleep(chance.uniform(0, 0.1))
            world.simulator.start()
        world.room.kill()
    world.simulator.delete("/control/faults")
    world.room.start()
    check(world, story)


def wait_for_news(world: ExecutionWorld, story: Story) -> None:
    """Until this life of the room has said something, or there is nothing left to say."""
    said = world.said()
    wait_for(lambda: world.said() > said or over(world, story), what="news")


def over(world: ExecutionWorld, story: Story) -> bool:
    return world.rows_closed() == story.rows


def test_while_the_halt_file_lies_there_nothing_is_sent_and_cancels_are(world):
    story = a_story(seed=5, rows=30, orders_per_row=4)
    halted_at = next(row for row in story.rows_before_a_cancel() if row > 9)
    first = [e for e in story.orders if e.at <= story.market.instant_of(halted_at - 1)]
    rest = story.orders[len(first) :]
    bars = list(story.bars)
    before = [e for e in bars if e.at <= story.market.instant_of(halted_at)]
    world.room.publish(*first, *before)
    world.room.start()
    wait_for_row(world, halted_at + 1)
    (world.room.home / "HALT").write_text("enough\n")
    said, arrived = len(world.fills()), set(world.arrivals())
    world.room.publish(*rest, *bars[len(before) :])
    world.wait_for_the_end(story)
    told = world.fills()[said:]
    assert not [event for event in told if isinstance(event, OrderAccepted)]
    refused = [event for event in told if isinstance(event, OrderRejected)]
    assert {event.reason for event in refused if event.client_order_id not in arrived} == {
        "not sent: enough"
    }
    taken_back = [e for e in told if isinstance(e, OrderCancelled) and e.client_order_id in arrived]
    assert taken_back, "what was at work before the halt is taken back when its time is over"
    assert set(world.arrivals()) == arrived, "nothing has reached the exchange since"


@pytest.mark.long
def test_a_process_that_was_replaced_while_it_slept_can_do_no_harm(world):
    story = a_story(seed=6, rows=60, orders_per_row=6)
    world.tell(story)
    world.room.start()
    wait_for_news(world, story)
    with replaced_while_asleep(world.room) as sleeper:
        wait_for_news(world, story)
    check(world, story)
    assert sleeper.wait(timeout=20) == REPLACED


def test_what_changes_without_an_order_is_told_and_the_books_agree(world):
    story = a_story(seed=7, rows=40, orders_per_row=3)
    bars = [list(row) for _, row in groupby(story.bars, key=lambda event: event.at)]
    world.room.publish(*story.orders, *chain(*bars[:20]))
    world.room.start()
    wait_for_row(world, 20)
    held = world.simulator.get("/v2/positions")[0]
    symbol = held["symbol"]
    world.simulator.post("/control/adjust", {"reason": "transfer", "amount": "-500.50"})
    adjustment = {"reason": "position", "symbol": symbol, "quantity": "3"}
    world.simulator.post("/control/adjust", adjustment)
    for row in bars[20:]:
        closed = world.rows_closed()
        world.room.publish(*row)
        wait_for_row(world, closed + 1)
        if len(adjusted(world, CashAdjusted, PositionAdjusted)) == 2:
            break
        time.sleep(0.1)
    (cash,), (position,) = adjusted(world, CashAdjusted), adjusted(world, PositionAdjusted)
    assert cash.amount == Decimal("-500.50")
    assert (position.symbol, position.quantity) == (symbol, 3)
    assert world.health() == []


def wait_for_row(world: ExecutionWorld, number: int) -> None:
    wait_for(lambda: world.rows_closed() >= number, what=f"the end of row {number}")


def adjusted(world: ExecutionWorld, *kinds: type) -> list[Any]:
    """What changed after the opening balance."""
    changed: list[Any] = [e for e in world.fills() if isinstance(e, kinds)]
    return [event for event in changed if event.reason != "opening balance"]


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(100, 110))
def test_a_long_campaign_of_kills_and_lies(world, seed):
    live_and_die(world, a_story(seed, rows=380, orders_per_row=8), seed=seed, lives=25)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("point", Point)
def test_a_long_campaign_at_every_point(world, point, monkeypatch):
    story = a_story(seed=200, rows=300, orders_per_row=8)
    world.tell(story)
    chance = random.Random(point.value)
    for life in range(40):
        world.misbehave(probability=0.02, seed=life)
        monkeypatch.setenv("TRIMTAB_CRASH_AT", f"{point.value}:{chance.randint(1, 12)}")
        world.room.start()
        wait_for(lambda: not world.room.is_running or over(world, story), what="a crash")
        if over(world, story):
            world.room.kill()
            break
        assert world.room.wait() == KILLED
    assert life > 10, "a few crashes prove little"
    monkeypatch.delenv("TRIMTAB_CRASH_AT")
    world.simulator.delete("/control/faults")
    world.room.start()
    check(world, story)
