"""A feed, its history and a process that is killed at will, without sockets or time."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tests.unit.ingest.lines import messages
from trimtab_common.events import Event, RowClosed
from trimtab_ingest.core.closing import ReplayRule, Wire
from trimtab_ingest.core.desk import Desk
from trimtab_ingest.core.plan import Origin, Plan
from trimtab_ingest.core.rows import Rows
from trimtab_ingest.core.stretches import stretches
from trimtab_trading.market import Market


class Replay:
    """Releases a market's rows and delivers them the way a simulator and a socket do.

    Rows that were public before the subscription are in the history, which comes symbol by symbol
    and in stretches; later ones come over the socket, in order, some of them twice.
    """

    def __init__(self, market: Market, plan: Plan, chance: random.Random) -> None:
        self.committed: list[Event] = []
        self._chance = chance
        self._plan = plan
        self._rows = messages(market)
        self._instants = [market.instant_of(row) for row in range(market.rows_total)]
        self._released = 0
        self._state: Any = None
        self._start_process()

    def step(self) -> None:
        """Something happens."""
        acts = [
            self._release, self._deliver, self._deliver, self._deliver, self._commit,
            self._commit, self._fetch, self._fetch, self._ask, self._ask,
        ]  # fmt: skip
        rare = [self._connect, self._connect, self._start_process, self._restart_venue]
        self._chance.choice(rare if self._chance.random() < 0.03 else acts)()

    def finish(self) -> None:
        """Nothing goes wrong any more, until all is said."""
        self._released = len(self._rows)
        self._connect()
        while self._merging is not None:
            self._fetch()
        while self._commit():
            self._ask()

    def _start_process(self) -> None:
        """Begin with what the last commit has stored."""
        (line,) = self._plan.of(Origin.STREAMED)
        self._wire = Wire(line, since=0.0)
        state = None if self._state is None else json.loads(self._state)
        closed = state["closed_until"] if state else None
        rows = Rows(
            self._plan,
            closed_until=datetime.fromisoformat(closed) if closed else None,
            by_calendar=False,
        )
        self._desk = Desk(self._plan, ReplayRule(self._wire), [self._wire], rows)
        if state:
            self._desk.memory.restore(state["memory"], 0.0)
        self._socket: Iterator[dict[str, Any]] | None = None
        self._merging: Iterator[None] | None = None
        self._merged_once = False

    def _restart_venue(self) -> None:
        """Sockets break, and only what was used before is public at first."""
        self._socket = self._merging = None
        said = sum(isinstance(event, RowClosed) for event in self.committed)
        self._released = min(self._released, self._chance.randint(said // 2, said))

    def _release(self) -> None:
        self._released = min(len(self._rows), self._released + self._chance.randint(1, 2))

    def _connect(self) -> None:
        self._desk.subscribed(self._wire.line, 0.0)
        self._socket = self._stream(self._released)
        self._merging = self._merge()

    def _stream(self, first: int) -> Iterator[dict[str, Any]]:
        """The rows that become public after the subscription."""
        row = first
        while True:
            while row >= self._released:
                yield {}
            for bar in self._rows[row]:
                yield bar
                if self._chance.random() < 0.1:
                    yield bar
            row += 1

    def _merge(self) -> Iterator[None]:
        """What `Connection` does: all that is public now, in stretches."""
        line = self._wire.line
        start = self._desk.rows.back_to(line, windows_too=not self._merged_once)
        if self._released:
            until = self._instants[self._released - 1]
            for first, last in stretches(line, start, until, bars_max=7):
                self._desk.fetched(line, self._history(first, last), 0.0, None)
                self._wire.complete(last)
                yield
        self._wire.merged()
        self._merged_once = True

    def _history(self, first: datetime, last: datetime) -> list[dict[str, Any]]:
        """Symbol by symbol; rows may become public between two pages."""
        found: list[dict[str, Any]] = []
        for symbol in self._wire.line.symbols:
            if self._chance.random() < 0.3:
                self._release()
            public = (bar for row in self._rows[: self._released] for bar in row)
            found += (bar for bar in public if bar["S"] == symbol and first <= bar["t"] <= last)
        return found

    def _fetch(self) -> None:
        if self._merging is not None and next(self._merging, self) is self:
            self._merging = None

    def _deliver(self) -> None:
        for _ in range(self._chance.randint(1, 6)):
            bar = next(self._socket) if self._socket is not None else None
            if not bar:
                break
            self._desk.streamed(self._wire.line, bar, 0.0, None)

    def _ask(self) -> None:
        """What the attendant does when nothing comes."""
        if self._socket is None or self._merging is not None or not self._released:
            return
        symbols = {str(bar["S"]) for bar in self._rows[self._released - 1]}
        self._desk.confirm(self._wire.line, self._instants[self._released - 1], symbols)

    def _commit(self) -> bool:
        batch = self._desk.collect(0.0, None)
        self.committed.extend(batch.events)
        if batch.events:
            self._state = json.dumps(self._desk.snapshot())
        return bool(batch.events)
