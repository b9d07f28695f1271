"""Carries alerts from the outbox to the channels: in order, and no channel holds up another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from trimtab_alerting.core.noted import duration
from trimtab_alerting.core.routes import Routes
from trimtab_alerting.core.wording import Message, message
from trimtab_alerting.metrics import AlertingMetrics
from trimtab_alerting.ports import Channel, Outbox, Waiting
from trimtab_common.events import AlertRaised
from trimtab_runtime.logs import logger

BACKOFF_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0)
"""The pause after the first, second, … failure in a row; the last one from then on."""
GIVEN_UP_SECONDS = 86_400.0
"""An alert that could not be delivered for so long would only surprise its reader."""
SETTLE_SECONDS = 3.0


class Delivery:
    """One loop a channel. `keep` writes alerts down; the loops deliver them at least once."""

    def __init__(
        self,
        outbox: Outbox,
        channels: Iterable[Channel],
        routes: Routes,
        *,
        mode: str,
        metrics: AlertingMetrics,
        now: Callable[[], float],
        backoff_seconds: Sequence[float] = BACKOFF_SECONDS,
    ) -> None:
        self._outbox = outbox
        self._channels = tuple(channels)
        self._routes = routes
        self._mode = mode
        self._metrics = metrics
        self._now = now
        self._backoff_seconds = backoff_seconds
        self._log = logger("alerting")
        self._woken = {channel.queue: asyncio.Event() for channel in self._channels}
        self._moved = asyncio.Event()
        self._failures: dict[str, str] = {}
        self._waiting: Mapping[str, int] = {}

    async def keep(self, alerts: Sequence[AlertRaised]) -> None:
        """Write alerts down for their queues; when this returns, they survive anything."""
        if not alerts:
            return
        routed = [(raised, self._routes.queues(raised)) for raised in alerts]
        await asyncio.to_thread(self._outbox.add, routed)
        for raised, queues in routed:
            self._metrics.raised.labels(raised.rule, raised.severity.value).inc()
            for queue in queues:
                self._woken[queue].set()

    def loops(self) -> list[Any]:
        """A coroutine for each channel; none of them ever returns."""
        return [self._deliver(channel) for channel in self._channels]

    async def settle(self) -> None:
        """Let what can be delivered at once go out, for a few seconds at most."""
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                while await self._is_busy():
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            self._log.info("alerts stay in the outbox", **self._waiting)

    def complaint(self) -> str | None:
        """Which channels fail, and why; None while all work."""
        failing = [f"{queue}: {reason}" for queue, reason in sorted(self._failures.items())]
        return "; ".join(failing) or None

    def info(self) -> dict[str, Any]:
        """What /info shows."""
        return {
            "channels": [channel.queue for channel in self._channels],
            "waiting_alerts": dict(self._waiting),
            "failing_channels": dict(self._failures),
        }

    async def _is_busy(self) -> bool:
        self._waiting = await asyncio.to_thread(self._outbox.waiting)
        return bool(self._waiting.keys() - self._failures.keys())

    async def _deliver(self, channel: Channel) -> NoReturn:
        failures = 0
        able = await channel.check()
        if not able.sent:
            self._complain(channel.queue, able.reason)
        while True:
            woken = self._woken[channel.queue]
            woken.clear()
            waiting = await asyncio.to_thread(self._outbox.first, channel.queue)
            if waiting is None:
                await channel.rest()
                await woken.wait()
            elif await self._attempt(channel, waiting):
                failures = 0
            else:
                await channel.rest()
                pause = self._backoff_seconds[min(failures, len(self._backoff_seconds) - 1)]
                failures += 1
                await asyncio.sleep(pause)

    async def _attempt(self, channel: Channel, waiting: Waiting) -> bool:
        outcome = await channel.send(waiting.alert, self._message(waiting))
        result = "delivered" if outcome.sent else "failed"
        self._metrics.deliveries.labels(channel.queue, result).inc()
        if outcome.sent:
            self._failures.pop(channel.queue, None)
            await asyncio.to_thread(self._outbox.delivered, channel.queue, waiting.number)
        else:
            await self._failed(channel.queue, waiting, outcome.reason)
        self._waiting = await asyncio.to_thread(self._outbox.waiting)
        self._moved.set()
        for queue in self._woken:
            self._metrics.waiting.labels(queue).set(self._waiting.get(queue, 0))
        return outcome.sent

    async def _failed(self, queue: str, waiting: Waiting, reason: str) -> None:
        self._complain(queue, reason)
        oldest = self._now() - GIVEN_UP_SECONDS
        if waiting.queued_at < oldest:
            count = await asyncio.to_thread(self._outbox.give_up, queue, oldest, reason)
            self._log.error("alerts are given up", channel=queue, count=count, reason=reason)

    def _complain(self, queue: str, reason: str) -> None:
        if queue not in self._failures:
            self._log.warning("a channel fails", channel=queue, reason=reason)
        self._failures[queue] = reason

    def _message(self, waiting: Waiting) -> Message:
        said = message(waiting.alert, self._mode)
        if not waiting.lost:
            return said
        after = duration(GIVEN_UP_SECONDS)
        lost = f"{waiting.lost} older alerts were given up after {after}; they are in alerts.log"
        return said._replace(body=f"{said.body}\n{lost}")
