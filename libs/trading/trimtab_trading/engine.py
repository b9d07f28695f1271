"""The exact engine: the live rooms' own stages, joined by queues in one process.

Every event of the live system except health and alerts comes out, with the same ids, because the
stages and their order are the same. Gates, reports and the parity check run on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from trimtab_common.events import BarClosed, Event, RowClosed, family_of
from trimtab_trading.merge import Merge
from trimtab_trading.stage import Stage

Row = tuple[Sequence[BarClosed], RowClosed]
Sink = Callable[[str, Event], None]


class Engine:
    """Steps a chain of stages row by row; `sink(family, event)` is told everything they say."""

    def __init__(self, stages: Sequence[Stage], sink: Sink) -> None:
        self._merges = [Merge(stage) for stage in stages]
        self._sink = sink
        self._readers = {
            family: [m for m in self._merges if family in m.queues]
            for family in ("bars", "signals", "orders", "fills", "control", "models")
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
        for merge in self._readers[family]:
            merge.put(family, None, event)

    def settle(self) -> None:
        """Step every stage until none has an entry left that it may take."""
        busy = True
        while busy:
            busy = False
            for merge in self._merges:
                while (step := merge.step()) is not None:
                    busy = True
                    for event in step.outputs:
                        self.put(family_of(event), event)


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
