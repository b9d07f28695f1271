"""What is collected: lines of bars, each of one calendar, timeframe and feed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from trimtab_common.calendars import BarSpan, Calendar, bar_span, calendar
from trimtab_common.symbols import Symbol
from trimtab_common.timeframes import Timeframe
from trimtab_trading.config import Feed, SymbolGroup, Universe
from trimtab_trading.generated import midnight_of

SMALLEST = timedelta(microseconds=1)
STREAMED_TIMEFRAME = Timeframe.ONE_MINUTE
"""What Alpaca streams; everything coarser within a session is made of it."""


class Origin(StrEnum):
    """How the bars of a line come about."""

    STREAMED = "streamed"
    FETCHED = "fetched"
    """Asked for once they are final: daily bars, after the close."""
    DERIVED = "derived"
    """Made of the streamed bars of the same calendar and feed."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Line:
    """Bars of one calendar, timeframe and feed. Compared by identity: a plan makes each once."""

    calendar: Calendar
    timeframe: Timeframe
    feed: str
    symbols: tuple[Symbol, ...]
    """In alphabetical order."""
    origin: Origin

    def opened_at(self, at: datetime) -> datetime | None:
        """When the bar opened that is due at an instant; None where none is, by the calendar."""
        span = window_of(self.calendar, self.timeframe, at - SMALLEST)
        return span.opened_at if span is not None and span.available_at == at else None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Every line, in the order in which a row holds them."""

    lines: tuple[Line, ...]
    source: str
    """The market that the bars are of: `alpaca`, or what a simulator replays."""
    begins_at: datetime
    """Market time before the first row was ever closed."""
    opened_until: datetime | None = None
    """The last row that a simulated exchange has opened, in whatever life of this system: where
    nothing is remembered of it, what follows must begin behind it."""
    notes: tuple[str, ...] = field(default=())
    """What was wished for and cannot be had."""

    def of(self, origin: Origin) -> tuple[Line, ...]:
        """The lines that come about in this way."""
        return tuple(line for line in self.lines if line.origin is origin)

    def made_of(self, streamed: Line) -> tuple[Line, ...]:
        """The lines that can be made of a streamed one."""
        return tuple(
            line
            for line in self.lines
            if line.calendar is streamed.calendar
            and line.feed == streamed.feed
            and line.timeframe.duration > streamed.timeframe.duration
        )

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Every symbol once, sorted."""
        return tuple(sorted({symbol for line in self.lines for symbol in line.symbols}))


@lru_cache(maxsize=4096)
def window_of(its_calendar: Calendar, timeframe: Timeframe, instant: datetime) -> BarSpan | None:
    """The window that holds an instant, cut to the session; windows begin at midnight.

    None on days without a session, and where the window lies outside of it.
    """
    if not its_calendar.is_session(instant.date()):
        return None
    midnight = midnight_of(its_calendar, instant.date())
    length = timeframe.duration
    if timeframe.is_daily:
        return bar_span(its_calendar, timeframe, midnight)
    return bar_span(its_calendar, timeframe, midnight + (instant - midnight) // length * length)


def plan_of_universe(universe: Universe, *, begins_at: datetime) -> Plan:
    """What is collected from Alpaca: minutes by stream, daily bars by request, the rest made."""
    lines: list[Line] = []
    for (name, feed), wanted in _wanted(universe.groups).items():
        intraday = _union(
            symbols for timeframe, symbols in wanted.items() if not timeframe.is_daily
        )
        if intraday:
            lines.append(_line(name, STREAMED_TIMEFRAME, feed, intraday, Origin.STREAMED))
        for timeframe, symbols in wanted.items():
            if timeframe is not STREAMED_TIMEFRAME:
                origin = Origin.FETCHED if timeframe.is_daily else Origin.DERIVED
                lines.append(_line(name, timeframe, feed, symbols, origin))
    return Plan(lines=_ordered(lines), source="alpaca", begins_at=begins_at)


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What a simulator offers: a market of one calendar and timeframe."""

    source: str
    calendar: str
    timeframe: Timeframe
    feed: str
    symbols: tuple[Symbol, ...]
    first_row: datetime
    last_row: datetime
    opened: datetime | None = None
    """The row that traded last; None before the first."""


def plan_of_replay(replay: Replay, universe: Universe | None, *, everything: bool) -> Plan | str:
    """What is collected from a simulator, or why there is nothing to collect.

    Its own bars are streamed; coarser ones that the universe wishes for are made of them. With
    `everything` all its symbols are collected, whether or not they stand in the universe.
    """
    groups = [
        group
        for group in (universe.groups if universe else ())
        if group.calendar.value == replay.calendar
    ]
    listed = {symbol for group in groups for symbol in group.symbols}
    symbols = set(replay.symbols) if everything else set(replay.symbols) & listed
    if not symbols:
        return (
            f"the simulator replays {', '.join(replay.symbols[:5])} … ({replay.calendar}), and "
            "none of them stands in config/universe.yaml: list them there, or set "
            "TRIMTAB_INGEST_SYMBOLS=all"
        )
    native = replay.timeframe
    lines = [_line(replay.calendar, native, replay.feed, symbols, Origin.STREAMED)]
    notes = []
    wanted = _union_by_timeframe(groups, symbols, everything=everything)
    for timeframe, wishing in wanted.items():
        if timeframe.duration > native.duration:
            lines.append(_line(replay.calendar, timeframe, replay.feed, wishing, Origin.DERIVED))
        elif timeframe is not native:
            notes.append(f"no {timeframe.value} bars: the simulator has only {native.value} ones")
    return Plan(
        lines=_ordered(lines),
        source=replay.source,
        begins_at=replay.first_row,
        opened_until=replay.opened,
        notes=tuple(notes),
    )


def complaints(universe: Universe, *, symbols_max: int | None) -> list[str]:
    """Why the universe cannot be collected from Alpaca, one sentence each."""
    found = [
        f"group {group.name} has the feed {group.feed.value}; {_expected(group)}"
        for group in universe.groups
        if group.feed not in _possible(group)
    ]
    stocks = [group for group in universe.groups if not calendar(group.calendar).never_closes]
    feeds = sorted({group.feed.value for group in stocks})
    if len(feeds) > 1:
        found.append(
            f"the groups of stocks have the feeds {' and '.join(feeds)}; a key streams one of "
            "them, so give all groups of stocks the same feed"
        )
    streamed = {
        symbol
        for group in stocks
        if any(not timeframe.is_daily for timeframe in group.timeframes)
        for symbol in group.symbols
    }
    if symbols_max is not None and len(streamed) > symbols_max:
        found.append(
            f"{len(streamed)} stocks are to be streamed and the data plan allows {symbols_max} "
            "(TRIMTAB_INGEST_SYMBOLS_MAX): collect fewer, or only their daily bars"
        )
    return found


def _possible(group: SymbolGroup) -> tuple[Feed, ...]:
    never_closes = calendar(group.calendar).never_closes
    return (Feed.CRYPTO,) if never_closes else (Feed.IEX, Feed.SIP, Feed.DELAYED_SIP)


def _expected(group: SymbolGroup) -> str:
    return (
        f"outside the simulator it must be {' or '.join(feed.value for feed in _possible(group))}"
    )


def _wanted(
    groups: Sequence[SymbolGroup],
) -> Mapping[tuple[str, str], dict[Timeframe, set[Symbol]]]:
    """(calendar, feed) → timeframe → who wants it."""
    found: dict[tuple[str, str], dict[Timeframe, set[Symbol]]] = {}
    for group in groups:
        by_timeframe = found.setdefault((group.calendar.value, group.feed.value), {})
        for timeframe in group.timeframes:
            by_timeframe.setdefault(timeframe, set()).update(group.symbols)
    return found


def _union_by_timeframe(
    groups: Sequence[SymbolGroup], symbols: set[Symbol], *, everything: bool
) -> dict[Timeframe, set[Symbol]]:
    found: dict[Timeframe, set[Symbol]] = {}
    for group in groups:
        for timeframe in group.timeframes:
            wishing = symbols if everything else symbols.intersection(group.symbols)
            if wishing:
                found.setdefault(timeframe, set()).update(wishing)
    return found


def _union(sets: Iterable[set[Symbol]]) -> set[Symbol]:
    return set().union(*sets)


def _line(
    name: str, timeframe: Timeframe, feed: str, symbols: Iterable[Symbol], origin: Origin
) -> Line:
    return Line(
        calendar=calendar(name),
        timeframe=timeframe,
        feed=feed,
        symbols=tuple(sorted(symbols)),
        origin=origin,
    )


def _ordered(lines: Iterable[Line]) -> tuple[Line, ...]:
    return tuple(sorted(lines, key=lambda line: (line.timeframe.duration, line.calendar.name)))
