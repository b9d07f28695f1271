"""What a room's process is told while it lives."""

import asyncio

import pytest

from trimtab_runtime.delivery.life import Life


class Hasty(Life):
    tick_seconds = 0.001


def a_life(on_progress=lambda: None):
    return Hasty(on_progress=on_progress, on_ready=lambda: None, on_commit=lambda *_: None)


async def test_what_takes_long_does_not_look_stuck():
    beats, enough = [], asyncio.Event()

    def beat():
        beats.append(1)
        if len(beats) > 2:
            enough.set()

    async def work():
        await enough.wait()
        return "done"

    assert await a_life(beat).during(work()) == "done"


async def test_what_breaks_meanwhile_breaks_the_life():
    async def work():
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await a_life().during(work())


async def test_what_is_under_way_ends_with_the_life():
    ended = asyncio.Event()

    async def work():
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    living = asyncio.ensure_future(a_life().during(work()))
    await asyncio.sleep(0.01)
    living.cancel()
    with pytest.raises(asyncio.CancelledError):
        await living
    await asyncio.wait_for(ended.wait(), 1)
