"""Ingest's loop: collect what may be published, commit it, and look after what does not come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from trimtab_ingest.asking import Asking
from trimtab_ingest.attendants import Attendant
from trimtab_ingest.connection import Connection
from trimtab_ingest.core.closing import Rule, Wire
from trimtab_ingest.core.desk import Batch, Desk, Tally
from trimtab_ingest.core.plan import Origin, Plan
from trimtab_ingest.core.rows import Rows
from trimtab_ingest.handlers import HANDLERS
from trimtab_ingest.metrics import IngestMetrics
from trimtab_ingest.ports import Source
from trimtab_ingest.storing import Storing
from trimtab_runtime.delivery.commit import Commit
from trimtab_runtime.delivery.life import Life
from trimtab_runtime.delivery.session import Session
from trimtab_runtime.ending import end
from trimtab_runtime.logs import logger

PLAN_RETRY_SECONDS = 0.5

MakeRule = Callable[[list[Wire]], Rule]
MakeAttendant = Callable[[Desk, list[Connection]], Attendant]


class IngestRoom:
    """One source of bars; what differs between a replay and a broker is made in `build`."""

    name = "ingest"
    families: tuple[str, ...] = ()
    wanted = frozenset(HANDLERS)
    linger_seconds = 0.0

    def __init__(
        self,
        source: Source,
        storing: Storing,
        asking: Asking,
        metrics: IngestMetrics,
        *,
        make_rule: MakeRule,
        make_attendant: MakeAttendant,
        now: Callable[[], datetime | None],
    ) -> None:
        """`now` answers None in a replay, where time is the data's own."""
        self.waiting_for: str | None = "not asked yet"
        """Why it is not known what to collect; None once it is."""
        self._source = source
        self._storing = storing
        self._asking = asking
        self._metrics = metrics
        self._make_rule = make_rule
        self._make_attendant = make_attendant
        self._now = now
        self._desk: Desk | None = None
        self._attendant: Attendant | None = None
        self._connections: list[Connection] = []
        self._ready = False

    def info(self) -> dict[str, Any]:
        desk = self._desk
        if desk is None:
            return {"row": None}
        closed = desk.rows.closed_until
        return {
            "row": closed and closed.isoformat(),
            "source": desk.plan.source,
            "symbols": list(desk.plan.symbols),
            "lines": [
                f"{line.calendar.name.value} {line.timeframe.value} {line.feed} {line.origin.value}"
                for line in desk.plan.lines
            ],
            "rows_waiting": len(desk.rows),
            "stored_until": self._storing.stored_until,
        }

    def feed_complaint(self) -> str | None:
        """What is wrong with the feeds."""
        return self._attendant.complaint() if self._attendant is not None else None

    def history_complaint(self) -> str | None:
        """What is wrong with the history or the simulator."""
        return self._asking.trouble

    def store_complaint(self) -> str | None:
        """What is wrong with the store."""
        return self._storing.trouble

    async def live(self, session: Session, life: Life) -> None:
        """Agree on what to collect, then collect it."""
        plan = await self._agree_on_plan(session, life)
        if plan is None:
            return
        desk, attendant = self._set_up(plan, session.state or {}, life)
        tasks = [asyncio.ensure_future(connection.run()) for connection in self._connections]
        tasks.append(asyncio.ensure_future(attendant.run()))
        stored_until = (session.state or {}).get("stored_until")
        tasks.append(asyncio.ensure_future(self._storing.run(session, stored_until)))
        try:
            while not life.stopping:
                life.progress()
                life.wake.clear()
                _raise_failure(tasks)
                if not await self._step(desk, session, life):
                    self._say_ready(life)
                    await attendant.idle(life)
        finally:
            await end(tasks)
        await self._storing.flush(session)

    async def _agree_on_plan(self, session: Session, life: Life) -> Plan | None:
        """Wait until it is known what to collect, and that it goes on where the stream ends."""
        while not life.stopping:
            life.progress()
            plan = await self._asking.once(self._source.plan)
            if plan is None:
                self.waiting_for = self._asking.trouble
            elif isinstance(plan, str):
                self.waiting_for = plan
            else:
                self.waiting_for = _other_market(plan, session.state)
                if self.waiting_for is None:
                    return plan
            await asyncio.sleep(PLAN_RETRY_SECONDS)
        return None

    def _set_up(self, plan: Plan, state: dict[str, Any], life: Life) -> tuple[Desk, Attendant]:
        log = logger("ingest")
        for note in plan.notes:
            log.warning("not collected", reason=note)
        wires = [Wire(line, since=time.monotonic()) for line in plan.of(Origin.STREAMED)]
        is_replay = self._source.venue is not None
        closed_until = state.get("closed_until")
        rows = Rows(
            plan,
            closed_until=datetime.fromisoformat(closed_until)
            if closed_until
            else (plan.opened_until if is_replay else plan.begins_at),
            by_calendar=not is_replay,
        )
        desk = self._desk = Desk(plan, self._make_rule(wires), wires, rows)
        if "memory" in state:
            desk.memory.restore(state["memory"], time.monotonic())
        self._connections = [
            Connection(
                feed,
                desk.wires[feed.line],
                desk,
                history=self._source.history,
                venue=self._source.venue,
                asking=self._asking,
                now=self._now,
                wake=life.wake.set,
            )
            for feed in self._source.feeds(plan)
        ]
        self._attendant = self._make_attendant(desk, self._connections)
        return desk, self._attendant

    def _say_ready(self, life: Life) -> None:
        if not self._ready and all(connection.merged_once for connection in self._connections):
            self._ready = True
            life.ready()

    async def _step(self, desk: Desk, session: Session, life: Life) -> bool:
        """Commit what may be published; False when that was nothing."""
        if self._storing.is_full:
            return False
        batch = desk.collect(time.monotonic(), self._now())
        self._metrics.count(desk.tally)
        desk.tally = Tally()
        if not batch.events and not batch.rows:
            return False
        self._storing.add(batch.bars)
        await self._commit(batch, desk, session, life)
        return True

    async def _commit(self, batch: Batch, desk: Desk, session: Session, life: Life) -> None:
        commit = Commit(outputs=batch.events)
        state = {**desk.snapshot(), "stored_until": self._storing.stored_until}
        started = time.perf_counter()
        await session.commit(commit, state=state)
        life.committed(commit, time.perf_counter() - started)
        self._metrics.closed(batch.rows, time.monotonic(), self._now())
        for connection in self._connections:
            connection.rows_closed.set()


def _other_market(plan: Plan, state: dict[str, Any] | None) -> str | None:
    """Why what is to be collected cannot follow what was published before."""
    if state is None or state["source"] == plan.source:
        return None
    return (
        f"the stream holds bars of {state['source']} and the source is {plan.source} now: rows of "
        "two markets cannot follow one another. Start the former again, or begin anew with "
        "another TRIMTAB_HOME"
    )


def _raise_failure(tasks: Sequence[asyncio.Future[None]]) -> None:
    for task in tasks:
        if task.done():
            task.result()
