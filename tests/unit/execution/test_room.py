"""The room's own life: what ends it, what it tells of itself, and that it can always be stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.unit.execution.examples import a_bar, a_row, an_order, orders_end
from tests.unit.execution.worlds import World, a_world
from trimtab_execution.ports import OutcomeUnknown, Update


class DiskFull(Exception):
    """What a database says when it cannot write."""


def a_simulated_world(rows: int = 2) -> World:
    bars = [event for row in range(1, rows + 1) for event in (a_bar(row), a_row(row))]
    orders = [an_order(), an_order(symbol="SPY", wait=5), orders_end(1)]
    return a_world(orders, bars)


async def test_without_a_journal_nothing_is_sent_and_the_room_ends():
    world = a_simulated_world()

    def trouble(method: str, moment: str) -> None:
        raise DiskFull

    world.journal.trouble = trouble
    with pytest.raises(DiskFull):
        await world.live(lambda: False)
    assert world.broker.submissions == []
    assert len(world.streams.outputs) == 2, "the opening balance and the first row's end"


async def test_a_room_whose_broker_never_answers_can_be_stopped():
    world = a_simulated_world()

    def trouble(method: str, moment: str) -> None:
        raise OutcomeUnknown("connection refused")

    world.broker.trouble = trouble
    await asyncio.wait_for(world.live(lambda: world.desk.trouble is not None), timeout=5)
    assert world.streams.outputs == []
    world.broker.trouble = lambda method, moment: None
    world.begin()
    await world.live(lambda: world.streams.taken == {"orders": 3, "bars": 4})
    assert len(world.broker.submissions) == 1, "it went on where it had been"


async def test_a_room_stopped_while_an_order_is_in_doubt_commits_nothing_of_it():
    world = a_simulated_world()

    def trouble(method: str, moment: str) -> None:
        if method in ("submit", "find"):
            raise OutcomeUnknown("connection refused")

    world.broker.trouble = trouble
    await asyncio.wait_for(world.live(lambda: bool(world.desk.in_doubt)), timeout=5)
    assert [type(event).__name__ for event in world.told()] == ["CashAdjusted"]


async def test_a_dead_listener_ends_the_room():
    world = a_simulated_world()

    async def run(on_update: Callable[[Update], None], look_again: Callable[[], None]) -> None:
        raise RuntimeError("the listener broke")

    vars(world.hints)["run"] = run
    with pytest.raises(RuntimeError, match="the listener broke"):
        await world.live(lambda: False)


async def test_it_tells_where_it_stands():
    world = a_simulated_world()
    await world.live(lambda: world.streams.taken == {"orders": 3, "bars": 4})
    assert world.room.info() == {
        "row": "2024-03-04T14:32:00+00:00",
        "account": "main",
        "orders": 1,
        "cash": "99000",
        "positions": {"AAPL": "10"},
        "in_doubt": [],
    }
