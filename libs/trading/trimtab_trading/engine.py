"""The exact engine: the live rooms' own stages, joined by queues in one process.

Every event of the live system except health and alerts comes out, with the same ids, because the
stages and their order are the same. Gates, reports and the parity check run on it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from trimtab_common.events import BarClosed, Event, RowClosed
from trimtab_trading.merge import Merge
from trimtab_trading.stage import Stage

Row = tuple[Sequence[BarClosed], RowClosed]
Sink = Callable[[str, Event], None]
FAMILIES = ("bars", "signals", "orders", "fills", "control", "models")


class Engine:
    """Steps a chain of stages row by row; `sink(family, event)` is told everything they say."""

    def __init__(self, stages: Sequence[Stage], sink: Sink) -> None:
        self._merges = [Merge(stage) for stage in stages]
        self._sink = sink
        self._stirred = [True for _ in stages]  # by stage: something may be there to take
        self._readers: dict[str, list[tuple[int, deque[tuple[Any, Event | None]]]]] = {
            family: [
                (number, merge.queues[family])
                for number, merge in enumerate(self._merges)
                if family in merge.queues
            ]
            for family in FAMILIES
        }

    def feed(self, bars: Iterable[BarClosed], closed: RowClosed) -> None:
        """One row: its bars and its mark. On return every consequence has been drawn."""
        for bar in bars:
            self.put("bars", bar)
        self.put("bars", closed)
        self.settle()

    def put(self, family: str, event: Event) -> None:
        """Hand an event to the sink and to every stage that reads its family."""
        if type(event) is not RowClosed:
            self._sink(family, event)
        for number, queue in self._readers[family]:
            queue.append((None, event))
            self._stirred[number] = True

    def settle(self) -> None:
        """Step every stage until none has an entry left that it may take."""
        stirred = self._stirred
        while True in stirred:
            for number, merge in enumerate(self._merges):
                if stirred[number]:
                    stirred[number] = False
                    self._drain(merge)

    def _drain(self, merge: Merge) -> None:
        output = merge.stage.output
        while (step := merge.step()) is not None:
            for event in step.outputs:
                self.put(output, event)


class Log:
    """A sink that keeps every event by family, in order."""

    def __init__(self) -> None:
        self.events: dict[str, list[Event]] = {"bars": [], "signals": [], "orders": [], "fills": []}

    def __call__(self, family: str, event: Event) -> None:
        self.events[family].append(event)


def run(rows: Iterable[Row], stages: Sequence[Stage]) -> dict[str, list[Event]]:
    """Run a whole market through the stages and keep every event."""
    log = Log()
    engine = Engine(stages, log)
    for bars, closed in rows:
        engine.feed(bars, closed)
    return log.events
