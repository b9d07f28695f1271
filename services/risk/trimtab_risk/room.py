"""The life of the room: the desk in its loop, and beside it an eye on the kill switch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from trimtab_common.events import Event
from trimtab_risk.core import SwitchWatch
from trimtab_risk.ports import KillSwitch
from trimtab_runtime.delivery.beside import live_beside
from trimtab_runtime.delivery.life import Life
from trimtab_runtime.delivery.session import Session
from trimtab_runtime.delivery.stage_room import StageRoom
from trimtab_trading.risk.control import KILL_SWITCH
from trimtab_trading.risk.desk import RiskDesk


class RiskRoom:
    """A stage room that also says on `control` when the kill switch is pulled or let go."""

    def __init__(
        self, inner: StageRoom, desk: RiskDesk, switch: KillSwitch, *, poll_seconds: float
    ) -> None:
        self.name = inner.name
        self.families = inner.families
        self.wanted = inner.wanted
        self.linger_seconds = 0.0
        self._inner = inner
        self._desk = desk
        self._switch = switch
        self._poll_seconds = poll_seconds
        self._watch = SwitchWatch()

    def info(self) -> dict[str, Any]:
        return self._inner.info()

    async def live(self, session: Session, life: Life) -> None:
        """Recover first: what the desk knows of the switch is part of its state."""
        recovered = asyncio.Event()
        tell = life.ready

        def on_ready() -> None:
            recovered.set()
            tell()

        life.ready = on_ready
        await live_beside(self._inner.live(session, life), self._watch_switch(session, recovered))

    async def _watch_switch(self, session: Session, recovered: asyncio.Event) -> None:
        await recovered.wait()
        while True:
            await self.look(session.announce)
            await asyncio.sleep(self._poll_seconds)

    async def look(self, announce: Callable[[Event], Awaitable[None]]) -> None:
        """Compare the switch with what the desk knows, and announce the difference."""
        state = self._desk.state
        event = self._watch.look(
            self._switch.pulled(), state.control.halts.get(KILL_SWITCH), state.row_at
        )
        if event is not None:
            await announce(event)
