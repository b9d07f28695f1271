"""What runs beside a room's life ends with it, and the life does not go on without it."""

from __future__ import annotations

import asyncio

import pytest

from trimtab_runtime.delivery.beside import live_beside
from trimtab_runtime.delivery.inbox import written_at


class Endless:
    """Goes on until it is cancelled, and knows whether it was."""

    def __init__(self) -> None:
        self.cancelled = False

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


async def soon(error: Exception | None = None) -> None:
    await asyncio.sleep(0.01)
    if error is not None:
        raise error


async def test_when_life_is_over_the_others_are_cancelled():
    other = Endless()
    await live_beside(soon(), other.run())
    assert other.cancelled


async def test_what_breaks_beside_a_life_ends_it_and_is_raised_as_it_is():
    life = Endless()
    with pytest.raises(ConnectionError, match="the disk"):
        await live_beside(life.run(), soon(ConnectionError("the disk")))
    assert life.cancelled


async def test_what_breaks_in_a_life_is_raised_as_it_is():
    with pytest.raises(ConnectionError, match="Redis"):
        await live_beside(soon(ConnectionError("Redis")), Endless().run())


async def test_what_should_go_on_may_not_end_quietly():
    life = Endless()
    with pytest.raises(RuntimeError, match="ended before"):
        await live_beside(life.run(), soon())
    assert life.cancelled


@pytest.mark.parametrize(
    ("entry", "year"),
    [("1700000000000-7", 2023), ("0-1", 1990), ("99999999999999999-0", 2099)],
)
def test_the_id_of_an_entry_is_a_sensible_time_whoever_chose_it(entry, year):
    assert written_at(entry).year == year
