"""The update stream over the real socket: it tells, it breaks, it comes back, it says when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.simulator_process import KEY, SECRET, SimulatorProcess, running_simulator
from tests.simulator_streams import watching
from trimtab_execution.adapters.updates import AlpacaHints
from trimtab_execution.ports import Update

PATIENCE_SECONDS = 15.0


@pytest.fixture
def simulator(tmp_path: Path):
    with running_simulator(tmp_path, symbols="AAPL", sessions=1) as found:
        yield found


@dataclass
class Listener:
    """What a room would hear."""

    hints: AlpacaHints
    updates: list[Update] = field(default_factory=list)
    looks: int = 0

    def look_again(self) -> None:
        self.looks += 1

    async def until(self, looks: int = 0, updates: int = 0) -> None:
        await become(lambda: self.looks >= looks and len(self.updates) >= updates)


async def become(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.01)


@asynccontextmanager
async def listening(simulator: SimulatorProcess) -> AsyncIterator[Listener]:
    url = f"{simulator.socket_url}/stream"
    listener = Listener(AlpacaHints(url, key_id=KEY, secret_key=SECRET, simulated=True))
    task = asyncio.ensure_future(listener.hints.run(listener.updates.append, listener.look_again))
    try:
        await listener.until(looks=1)
        yield listener
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def submit(simulator: SimulatorProcess, client_order_id: str) -> None:
    order = {
        "symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day",
        "client_order_id": client_order_id,
    }  # fmt: skip
    await asyncio.to_thread(simulator.post, "/v2/orders", order)


async def test_what_happens_to_an_order_is_told(simulator):
    with watching(simulator, "AAPL", rows=1):
        async with listening(simulator) as heard:
            assert heard.hints.connected
            await submit(simulator, "tt-1")
            row = simulator.get("/control/state")["first_row"]
            await asyncio.to_thread(simulator.open, row)
            await heard.until(updates=2)
    new, fill = heard.updates
    assert (new.order.status, new.quantity) == ("new", None)
    assert (fill.order.status, fill.order.client_order_id) == ("filled", "tt-1")
    assert fill.quantity == 1


async def test_a_broken_stream_comes_back_and_asks_for_a_look(simulator):
    async with listening(simulator) as heard:
        await asyncio.to_thread(simulator.post, "/control/break/updates", {})
        await heard.until(looks=2)
        assert heard.hints.connected
        await submit(simulator, "tt-2")
        await heard.until(updates=1)


async def test_a_stream_that_is_gone_is_known_to_be_gone(simulator):
    async with listening(simulator) as heard:
        await asyncio.to_thread(simulator.stop)
        await become(lambda: not heard.hints.connected)


async def test_a_state_nobody_has_heard_of_is_told_like_any_other(simulator):
    switches = {"switches": {"wrong_enum": {"probability": 1.0}}}
    await asyncio.to_thread(simulator.post, "/control/faults", switches)
    async with listening(simulator) as heard:
        await submit(simulator, "tt-3")
        await heard.until(updates=1)
    assert heard.updates[0].order.status == "mystery_status"
