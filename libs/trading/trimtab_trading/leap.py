"""The exact engine over a whole market, leaping over the rows in which nobody has anything to say.

Most rows of a market change nothing: no order is open, no target moves, no holding drifts. Where
every stage can tell so in advance, such rows are taken in many at a time, without their events; in
the others, only the stages that have something to hear or to say take part. What is said and what
every stage remembers afterwards is the same as row by row, to the last bit. A chain with a stage
that cannot tell (a strategy with stops, a schedule of its own) is stepped by the plain engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from trimtab_common.events import Event
from trimtab_trading.engine import Engine, Sink
from trimtab_trading.market import Market, bars_between, replay, row_mark
from trimtab_trading.stage import Stage

ROWS_AT_ONCE = 4096


class Leap(NamedTuple):
    """So many rows were taken in; in the last of them this was said."""

    rows: int
    said: Sequence[Event] = ()


class Leaper(Protocol):
    """A stage's way over the rows of one market."""

    def quiet_rows(self, first: int, end: int) -> int:
        """How many rows from `first` on would hear nothing from this stage before its last input.

        Given that no other stage says anything in them either. Nothing is remembered yet.
        """

    def leap(self, first: int, end: int) -> Leap:
        """Take these rows in, up to and with the first in which the stage says something."""

    def take(self, row: int) -> None:
        """Take in a row's bars, as their events would have been; the row is not closed yet."""


@runtime_checkable
class Leaping(Protocol):
    """A stage that may be able to leap."""

    def leaper(self, market: Market) -> Leaper | None:
        """Its way over a market; None if it must be stepped."""


def run_market(
    market: Market, stages: Sequence[Stage], sink: Sink, *, tells_bars: bool = True
) -> None:
    """Run a market through a chain whose last stage hears all others.

    Without `tells_bars` the sink is told everything but the bars, which need not be made then.
    """
    walkers = _walkers(market, stages)
    if walkers:
        _Walk(market, walkers, sink, tells_bars=tells_bars).go()
        return
    engine = Engine(stages, sink if tells_bars else _without_bars(sink))
    for bars, closed in replay(market):
        engine.feed(bars, closed)


class _Walker:
    """A stage on its way; while it is quiet it may stay behind."""

    def __init__(self, stage: Stage, leaper: Leaper) -> None:
        self.stage = stage
        self.leaper = leaper
        self.row = 0  # the first that was not taken in yet
        self._quiet_until: int | None = None  # None: it has to be asked

    def quiet_until(self, end: int) -> int:
        """The first row in which the stage may say something before its last input."""
        if self._quiet_until is None:
            self._quiet_until = self.row + self.leaper.quiet_rows(self.row, end)
        return self._quiet_until

    def catch_up(self, row: int) -> None:
        """Take in the quiet rows before this one."""
        if self.row < row:
            self.leaper.leap(self.row, row)
            self.row = row

    def stand_at(self, row: int) -> None:
        """Everything before this row was taken in; something may have changed."""
        self.row, self._quiet_until = row, None


class _Walk:
    """A chain of stages on its way over a market."""

    def __init__(
        self, market: Market, walkers: Sequence[_Walker], sink: Sink, *, tells_bars: bool
    ) -> None:
        self._market = market
        self._walkers = walkers
        self._last = walkers[-1]
        self._sink = sink
        self._tells_bars = tells_bars
        self._early: dict[str, list[Event]] = {}
        """What was said in the present row before its bars came, by family."""

    def go(self) -> None:
        """From the first row to the last."""
        row, total = 0, self._market.rows_total
        while row < total:
            end = min(row + ROWS_AT_ONCE, *(each.quiet_until(total) for each in self._walkers))
            row = self._step(row) if self._early or end == row else self._leap(row, end)
        for walker in self._walkers:
            walker.catch_up(total)
            for event in self._early.get(walker.stage.inputs[0].family, ()):
                walker.stage.handle(event)

    def _leap(self, row: int, end: int) -> int:
        """Take in rows that stay quiet but for the last stage; the next row comes back."""
        rows, said = self._last.leaper.leap(row, end)
        self._last.stand_at(row + rows)
        self._tell_bars(row, row + rows)
        self._tell(self._last, said)
        self._end(row + rows, {self._last.stage.output: said})
        return row + rows

    def _step(self, row: int) -> int:
        """Take in one row, as the plain engine would; who neither hears nor speaks stays behind."""
        closed = row_mark(self._market, row)
        said, self._early = self._early, {}
        self._tell_bars(row, row + 1)
        for walker in self._walkers:
            stage = walker.stage
            hears = any(said.get(family) for family, lag in stage.inputs if not lag)
            if (
                walker is not self._last
                and not hears
                and walker.quiet_until(self._market.rows_total) > row
            ):
                continue
            walker.catch_up(row)
            out: list[Event] = []
            for family, lag in stage.inputs:
                if family == "bars":
                    walker.leaper.take(row)
                elif not lag:
                    for event in said.get(family, ()):
                        out.extend(stage.handle(event))
            out.extend(stage.close(closed))
            walker.stand_at(row + 1)
            self._tell(walker, out)
            said.setdefault(stage.output, []).extend(out)
        self._end(row + 1, said)
        return row + 1

    def _end(self, row: int, said: Mapping[str, Sequence[Event]]) -> None:
        """Who reads a stream one row late, and that first of all, hears it at once."""
        for walker in self._walkers:
            stage = walker.stage
            family, lag = stage.inputs[0]
            if lag and said.get(family):
                walker.catch_up(row)
                walker.stand_at(row)
                out = [answer for event in said[family] for answer in stage.handle(event)]
                if out:
                    self._tell(walker, out)
                    self._early.setdefault(stage.output, []).extend(out)

    def _tell(self, walker: _Walker, said: Iterable[Event]) -> None:
        for event in said:
            self._sink(walker.stage.output, event)

    def _tell_bars(self, first: int, end: int) -> None:
        if self._tells_bars:
            for bar in bars_between(self._market, first, end):
                self._sink("bars", bar)


def _walkers(market: Market, stages: Sequence[Stage]) -> list[_Walker]:
    """Every stage with its way; none at all if one of them has none, or a symbol repeats."""
    if market.repeats_symbols:
        return []
    walkers = []
    for stage in stages:
        leaper = stage.leaper(market) if isinstance(stage, Leaping) else None
        if leaper is None:
            return []
        walkers.append(_Walker(stage, leaper))
    return walkers


def _without_bars(sink: Sink) -> Sink:
    def tell(family: str, event: Event) -> None:
        if family != "bars":
            sink(family, event)

    return tell
