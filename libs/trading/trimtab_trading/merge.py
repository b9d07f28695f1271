"""One fixed order for the entries of several streams, whatever the order of their arrival.

For every row a stage drains its first input up to that row's mark, then the next, and after the
last it closes the row and emits its own mark. The order is a function of the entries alone, so a
replay, a restart and a backtest see the same one. Every loop of streams contains an input with a
lag, so nobody waits for himself.

`LiveMerge` is the same while everybody is in time; a room that has waited long enough may `force`
the missing mark and takes what comes late as it comes. Whoever drives it records the force.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

from trimtab_common.events import Event, RowClosed, mark
from trimtab_trading.stage import Stage

FORCED = "!"
"""Stands where a stream's name would, in the order record, for a mark that was forced."""


class OutOfOrder(RuntimeError):
    """A mark came for another row than the one being drained: the streams contradict each other."""


class Step(NamedTuple):
    """One entry taken in order, and what the stage made of it."""

    family: str
    tag: Any
    outputs: Iterable[Event]


_step: Callable[[tuple[str, Any, Iterable[Event]]], Step] = partial(tuple.__new__, Step)
"""`Step(...)` without a detour; rows are made of many."""


class Merge:
    """Feeds a stage the entries of its inputs in the one deterministic order."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.queues: dict[str, deque[tuple[Any, Event | None]]] = {
            family: deque() for family in (*(i.family for i in stage.inputs), *stage.asides)
        }
        self._inputs = tuple((i.family, i.lag, self.queues[i.family]) for i in stage.inputs)
        self._asides = tuple((family, self.queues[family]) for family in stage.asides)
        self.taking: Any = None
        """The tag of the entry that is being handled; None while a row is being closed."""
        self._phase = 0
        self._started = False  # something of the present row was taken
        self._rows_closed = 0
        self._row: RowClosed | None = None  # the present row, once a mark without lag was seen
        self._previous: RowClosed | None = None

    def put(self, family: str, tag: Any, event: Event | None) -> None:
        """Queue an entry. `None` is an entry to step over: it keeps its place in the order."""
        self.queues[family].append((tag, event))

    def step(self) -> Step | None:
        """Take the next entry in order; None while it has not arrived."""
        if not self._started:
            for family, queue in self._asides:
                if queue:
                    return self._take(family)
        family, lag, queue = self._inputs[self._phase]
        if lag and not self._rows_closed:
            return _step((family, None, self._turn()))
        if not queue:
            return None
        tag, event = queue.popleft()
        self._started = True
        if type(event) is RowClosed:
            self.taking = None
            self._expect(event, lag)
            return _step((family, tag, self._turn()))
        return self._handle(family, tag, event)

    def _take(self, family: str) -> Step:
        """Take the next entry of a stream outside the order of marks."""
        tag, event = self.queues[family].popleft()
        return self._handle(family, tag, None if isinstance(event, RowClosed) else event)

    def _handle(self, family: str, tag: Any, event: Event | None) -> Step:
        if event is None:
            return _step((family, tag, ()))
        self.taking = tag
        return _step((family, tag, self.stage.handle(event)))

    def _expect(self, closed: RowClosed, lag: int) -> None:
        """Check that a mark belongs to this row, and keep the one that says what is due."""
        expected = self._previous if lag else self._row
        if expected is not None and closed.at != expected.at:
            raise OutOfOrder(
                f"{self.stage.name}: {closed.id} while row {expected.at} is drained (lag {lag})"
            )
        if not lag and (self._row is None or closed.due):
            self._row = closed

    def _turn(self) -> Iterable[Event]:
        """The present input is drained: go on to the next, or close the row."""
        self._phase += 1
        if self._phase < len(self._inputs):
            return ()
        row = self._row
        if row is None:
            raise OutOfOrder(f"{self.stage.name}: a row ended without any mark of its own")
        outputs = [*self.stage.close(row), mark(row.at, self.stage.output, self.stage.name)]
        self._previous, self._row = row, None
        self._phase, self._started = 0, False
        self._rows_closed += 1
        return outputs

    @property
    def row(self) -> RowClosed | None:
        """The last row that was closed."""
        return self._previous

    def snapshot(self) -> dict[str, Any]:
        """Where the merge stands, with the stage's own state, as JSON values."""
        return {
            "phase": self._phase,
            "started": self._started,
            "rows_closed": self._rows_closed,
            "row": self._row and self._row.model_dump_json(),
            "previous": self._previous and self._previous.model_dump_json(),
            "stage": self.stage.snapshot(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Stand where `snapshot()` stood; queued entries are not part of it."""
        self._phase = state["phase"]
        self._started = state["started"]
        self._rows_closed = state["rows_closed"]
        self._row = state["row"] and RowClosed.model_validate_json(state["row"])
        self._previous = state["previous"] and RowClosed.model_validate_json(state["previous"])
        self.stage.restore(state["stage"])


class LiveMerge(Merge):
    """The same order while all are in time; otherwise forced marks, and late entries at once."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._owed: dict[str, int] = {i.family: 0 for i in stage.inputs}

    def step(self) -> Step | None:
        for family, owed in self._owed.items():
            if owed and self.queues[family]:
                if isinstance(self.queues[family][0][1], RowClosed):
                    self._owed[family] -= 1
                return self._take(family)
        return super().step()

    @property
    def blocked_on(self) -> str | None:
        """The input whose next entry is missing while another one has entries waiting.

        A row without any mark of its own cannot be closed, so the last such hope is never forced.
        """
        family, lag = self.stage.inputs[self._phase]
        if self.queues[family] or not any(self.queues[i.family] for i in self.stage.inputs):
            return None
        last = self._phase == len(self.stage.inputs) - 1
        return None if last and self._row is None and not lag else family

    def force(self) -> Step:
        """Go on without the missing mark; it is owed from here on."""
        family = self.stage.inputs[self._phase].family
        self._owed[family] += 1
        self._started = True
        return Step(FORCED, None, self._turn())

    def snapshot(self) -> dict[str, Any]:
        return {**super().snapshot(), "owed": dict(self._owed)}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._owed = dict(state["owed"])
