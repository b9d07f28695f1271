"""Alerting as a room: entries in, alerts kept on disk and published, deliveries beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from trimtab_alerting.core.noted import Noted
from trimtab_alerting.core.pipeline import Pipeline
from trimtab_alerting.delivery import Delivery
from trimtab_alerting.handlers import HANDLERS, on_dead_letter
from trimtab_common.events import AlertRaised, Event, RoomReported
from trimtab_runtime.delivery.beside import live_beside
from trimtab_runtime.delivery.follower import LINGER_SECONDS, FollowerRoom
from trimtab_runtime.delivery.inbox import Entry
from trimtab_runtime.delivery.keys import DEAD
from trimtab_runtime.delivery.life import Life
from trimtab_runtime.delivery.session import Session

NAME = "alerting"
FAMILIES = ("fills", "orders", "bars", "control", "health", DEAD)


class AlertingRoom:
    """Alerts are on disk before the commit that publishes them: a kill between loses none."""

    name = NAME
    families = FAMILIES
    wanted = frozenset(HANDLERS)
    linger_seconds = LINGER_SECONDS

    def __init__(self, pipeline: Pipeline, delivery: Delivery, *, now: Callable[[], float]) -> None:
        self._pipeline = pipeline
        self._delivery = delivery
        self._now = now
        self._follower = FollowerRoom(
            NAME,
            families=FAMILIES,
            wanted=self.wanted,
            take=self.take,
            remember=pipeline.snapshot,
            recall=pipeline.restore,
            idle=self.idle,
        )

    async def live(self, session: Session, life: Life) -> None:
        """Follow and deliver until told to stop; what waits then is delivered by the next life."""
        await live_beside(self._follow(session, life), *self._delivery.loops())

    async def _follow(self, session: Session, life: Life) -> None:
        await self._follower.live(session, life)
        await self._delivery.settle()

    async def take(self, entries: Sequence[Entry]) -> Sequence[Event]:
        """Decide what the owner is told because of these entries."""
        now = self._now()
        said = [alert for entry in entries for alert in self._alerts(entry, now)]
        return await self._kept([*said, *self._pipeline.tick(now)])

    async def idle(self) -> Sequence[Event]:
        """Decide what the owner is told because time has passed."""
        return await self._kept(self._pipeline.tick(self._now()))

    def info(self) -> dict[str, Any]:
        return {**self._pipeline.info(), **self._delivery.info()}

    async def _kept(self, alerts: list[AlertRaised]) -> list[AlertRaised]:
        await self._delivery.keep(alerts)
        return alerts

    def _alerts(self, entry: Entry, now: float) -> Iterable[AlertRaised]:
        said = _said(entry)
        if isinstance(said, RoomReported):
            return self._pipeline.hear(said, now)
        return self._pipeline.note([said], now) if said is not None else ()


def _said(entry: Entry) -> Noted | RoomReported | None:
    if entry.stream.endswith(f":{DEAD}"):
        return on_dead_letter(entry.id, entry.raw)
    handler = HANDLERS.get(type(entry.event)) if entry.event is not None else None
    return handler(entry.event) if handler is not None else None
