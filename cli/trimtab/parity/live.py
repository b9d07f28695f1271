"""What the real rooms say of a market: real processes, a real server, and some of them killed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from trimtab.demo.drain import drain
from trimtab.demo.exchange import Exchange, ExchangeSilent
from trimtab.demo.scene import Scene
from trimtab.failure import answer_is_no
from trimtab.parity.compare import FAMILIES
from trimtab.run_system import Asked, begin
from trimtab.streams import Streams
from trimtab.supervisor.child import State
from trimtab.supervisor.plan import EXCHANGE, SystemPlan
from trimtab.supervisor.supervisor import POLL_SECONDS, Supervisor
from trimtab_common.events import Event, RowClosed, parse_entry

PREFIX = "trimtab:"
VICTIMS = ("ingest", "strategy", "risk", "execution", EXCHANGE)
BATCH_MAX = 200
STALL_SECONDS_MAX = 120.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Lived:
    """What happened in the rooms."""

    events: dict[str, list[Event]]
    killed: list[str]
    seconds: float
    left_over: str | None


def shaken(plan: SystemPlan, chance: random.Random) -> SystemPlan:
    """The same plan with another batch size for every room."""
    rooms = []
    for room in plan.rooms:
        size = str(chance.randint(1, BATCH_MAX))
        name = f"TRIMTAB_{room.name.upper()}_ENTRIES_PER_COMMIT"
        rooms.append(replace(room, environment={**room.environment, name: size}))
    return replace(plan, rooms=tuple(rooms))


def live_through(scene: Scene, *, kills: int, chance: random.Random, say: Say) -> Lived:
    """Run every row through the rooms; whatever happens, every process has ended on return."""
    supervisor = Supervisor(shaken(scene.plan, chance), lambda room, text: say(f"{room}: {text}"))
    asked = Asked()
    begin(supervisor)
    try:
        return _Run(scene, supervisor, asked, kills, chance, say).live()
    finally:
        supervisor.stop(hurry=lambda: asked.times > 1)
        scene.claim.release()


class _Run:
    """One run of all rows."""

    def __init__(
        self,
        scene: Scene,
        supervisor: Supervisor,
        asked: Asked,
        kills: int,
        chance: random.Random,
        say: Say,
    ) -> None:
        self._supervisor = supervisor
        self._asked = asked
        self._say = say
        self._chance = chance
        self._exchange = Exchange(scene.plan.ports[EXCHANGE])
        self._home = scene.plan.home
        self._shares = sorted(chance.uniform(0.05, 0.9) for _ in range(kills))
        self._killed: list[str] = []

    def live(self) -> Lived:
        self._until(lambda: not self._supervisor.waiting_for(), "the rooms are not ready")
        started = time.monotonic()
        self._until(self._all_rows_are_open, "no row was opened for too long")
        url = self._home.redis_url.read_text(encoding="utf-8").strip()
        streams = Streams(url, PREFIX)
        try:
            left = drain(streams, self._exchange, self._look_after)
            events = {family: _events(streams, family) for family in FAMILIES}
        finally:
            streams.close()
        return Lived(events, self._killed, time.monotonic() - started, left)

    def _look_after(self) -> bool:
        self._supervisor.step()
        if any(child.state is State.GIVEN_UP for child in self._supervisor.children.values()):
            raise answer_is_no("A room was given up; its log says why.")
        return self._asked.times > 0

    def _until(self, done: Callable[[], bool], complaint: str) -> None:
        deadline, before = time.monotonic() + STALL_SECONDS_MAX, -1
        while not done():
            if self._look_after():
                raise answer_is_no("Ended before all rows had gone through.")
            rows = self._rows()[0]
            if rows != before:
                deadline, before = time.monotonic() + STALL_SECONDS_MAX, rows
            if time.monotonic() > deadline:
                raise answer_is_no(f"Given up after {STALL_SECONDS_MAX:.0f} s: {complaint}.")
            time.sleep(POLL_SECONDS)

    def _rows(self) -> tuple[int, int]:
        """(rows opened, rows there are); (0, 1) while the exchange is away."""
        try:
            state = self._exchange.state()
        except ExchangeSilent:
            return 0, 1
        return int(state["rows_opened"]), int(state["rows_total"])

    def _all_rows_are_open(self) -> bool:
        opened, total = self._rows()
        while self._shares and opened >= self._shares[0] * total:
            self._shares.pop(0)
            victim = self._chance.choice(VICTIMS)
            self._killed.append(victim)
            self._say(f"killing {victim} after {opened} of {total} rows")
            self._supervisor.children[victim].kill()
        return opened >= total


def _events(streams: Streams, family: str) -> list[Event]:
    events = (parse_entry(fields) for _, fields in streams.oldest_first(family))
    return [event for event in events if not isinstance(event, RowClosed)]
