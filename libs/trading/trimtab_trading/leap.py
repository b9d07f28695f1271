"""The exact engine over a whole market, leaping over the rows in which nobody has anything to say.

Most rows of a market change nothing: no order is open, no target moves, no holding drifts. Where
every stage can tell so in advance, such rows are taken in many at a time, without their events.
What is said and what every stage remembers afterwards is the same as row by row, to the last bit;
a stage that cannot tell (a strategy with stops, a schedule of its own) is simply stepped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from trimtab_common.events import Event
from trimtab_trading.engine import Engine, Sink
from trimtab_trading.market import Market, bars_between, bars_of_row, row_mark
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


@runtime_checkable
class Leaping(Protocol):
    """A stage that may be able to leap."""

    def leaper(self, market: Market) -> Leaper | None:
        """Its way over a market; None if it must be stepped."""


def run_market(
    market: Market, stages: Sequence[Stage], sink: Sink, *, tells_bars: bool = True
) -> Engine:
    """Run a market through a chain whose last stage hears all others.

    Without `tells_bars` the sink is told everything but the bars, which are never made then.
    """
    engine = Engine(stages, sink if tells_bars else _without_bars(sink))
    leapers = _leapers(market, stages)
    row = 0
    while row < market.rows_total:
        leapt = _leap(engine, market, leapers, row) if leapers and engine.is_at_rest else 0
        if leapt and tells_bars:
            for bar in bars_between(market, row, row + leapt):
                sink("bars", bar)
        if not leapt:
            engine.feed(bars_of_row(market, row), row_mark(market, row))
        row += leapt or 1
    return engine


def _leapers(market: Market, stages: Sequence[Stage]) -> list[Leaper]:
    """Every stage's way; none at all if one of them has none, or a symbol two bars in a row."""
    if market.repeats_symbols:
        return []
    found = [each.leaper(market) if isinstance(each, Leaping) else None for each in stages]
    leapers = [each for each in found if each is not None]
    return leapers if len(leapers) == len(stages) else []


def _leap(engine: Engine, market: Market, leapers: Sequence[Leaper], row: int) -> int:
    """Take in the rows that stay quiet from here on; their number comes back, it may be 0."""
    end = min(row + ROWS_AT_ONCE, market.rows_total)
    for leaper in leapers:
        end = row + leaper.quiet_rows(row, end)
        if end == row:
            return 0
    *others, last = leapers
    rows, said = last.leap(row, end)
    for leaper in others:
        leaper.leap(row, row + rows)
    engine.leap(row_mark(market, row + rows - 1), rows, said)
    return rows


def _without_bars(sink: Sink) -> Sink:
    def tell(family: str, event: Event) -> None:
        if family != "bars":
            sink(family, event)

    return tell
