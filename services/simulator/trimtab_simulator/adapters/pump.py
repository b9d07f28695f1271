"""Releases row after row: the one place where the market's time meets the clock on the wall."""

from __future__ import annotations

import asyncio

from trimtab_common.events import instant
from trimtab_runtime.health import Heartbeat
from trimtab_simulator.adapters.sockets import Sockets
from trimtab_simulator.core.occurrences import Asked
from trimtab_simulator.core.simulator import Simulator
from trimtab_simulator.metrics import SimulatorMetrics

BEAT_SECONDS = 1.0
BACKLOG_MAX = 256
PAUSE_SECONDS = 0.005


class Pump:
    """Makes rows public as `Release` says, and shows them to whoever watches."""

    def __init__(
        self,
        simulator: Simulator,
        sockets: Sockets,
        metrics: SimulatorMetrics,
        heartbeat: Heartbeat,
    ) -> None:
        self._simulator = simulator
        self._sockets = sockets
        self._metrics = metrics
        self._heartbeat = heartbeat

    async def run(self) -> None:
        """Go on until cancelled."""
        if self._simulator.release.speed is None:
            await self._as_fast_as_used()
        else:
            await self._by_the_clock()
        while True:
            await self._wait(BEAT_SECONDS)

    async def _as_fast_as_used(self) -> None:
        release, exchange = self._simulator.release, self._simulator.exchange
        while not release.over:
            if release.may_release(opened=exchange.rows_opened, listeners=self._sockets.watchers):
                self._release()
                # Not faster than the quickest client reads; who is slower must keep up or go.
                behind = self._sockets.backlog >= BACKLOG_MAX
                await asyncio.sleep(PAUSE_SECONDS if behind else 0)
            else:
                await self._changed()

    async def _by_the_clock(self) -> None:
        """The clock starts when somebody watches, and then waits for nobody."""
        release = self._simulator.release
        while not self._sockets.watchers:
            await self._changed()
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += release.wait_seconds()
            while (rest := due - loop.time()) > 0:
                await self._wait(min(rest, BEAT_SECONDS))
            if release.over:
                return
            self._release()
            await asyncio.sleep(0)

    def _release(self) -> None:
        simulator = self._simulator
        row_index = simulator.release.next_row()
        simulator.occurrences.note(
            Asked.RELEASE,
            simulator.wall_clock(),
            True,
            row=instant(simulator.exchange.market.instant_of(row_index)),
        )
        self._sockets.show(simulator.tape.messages(row_index))
        self._metrics.rows_released.inc()
        self._heartbeat.beat()

    async def _changed(self) -> None:
        self._sockets.changed.clear()
        try:
            async with asyncio.timeout(BEAT_SECONDS):
                await self._sockets.changed.wait()
        except TimeoutError:
            pass
        self._heartbeat.beat()

    async def _wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._heartbeat.beat()
