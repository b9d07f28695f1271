"""The heart of ingest: bars come in from socket and history, rows and what is notable go out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from trimtab_common.events import BarClosed, Event, instant, mark
from trimtab_common.symbols import Symbol
from trimtab_ingest.core.candle import Candle, late, revised
from trimtab_ingest.core.closing import Rule, Wire
from trimtab_ingest.core.judge import Judge, Raw, Refusal, refused_event
from trimtab_ingest.core.memory import Key, Memory
from trimtab_ingest.core.plan import Line, Plan
from trimtab_ingest.core.rows import Arrival, Row, Rows

ROWS_PER_COMMIT = 10
TOLD_ONCE_A_DAY = frozenset({"session"})
"""Before and after the session a feed may send bars for hours: one refusal a day tells it all."""
REFUSALS_REMEMBERED = 10_000


@dataclass
class Tally:
    """What happened since it was last looked at."""

    received: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    again: int = 0
    late: int = 0
    missing: int = 0
    repaired: int = 0


@dataclass
class Batch:
    """What is to be committed in one piece."""

    events: list[Event]
    bars: list[BarClosed]
    """Those of the events that are bars, to be stored."""
    rows: list[Row]


class Desk:
    """Takes bars, answers with rows. Knows no clock: the time of day comes with each call.

    `now` is None in a replay, where time is the data's own.
    """

    def __init__(self, plan: Plan, rule: Rule, wires: Iterable[Wire], rows: Rows) -> None:
        self.plan = plan
        self.rows = rows
        self.memory = Memory()
        self.tally = Tally()
        self.wires = {wire.line: wire for wire in wires}
        self._rule = rule
        self._judges = {line: Judge(line) for line in plan.lines}
        self._events: list[Event] = []
        self._told: set[tuple[str, object, date]] = set()

    def subscribed(self, line: Line, moment: float) -> None:
        """The feed will send every bar of a line from now on; history is to be merged."""
        wire = self.wires[line]
        wire.subscribed(moment)
        if self._rule.starts_over:
            wire.complete_until = None
            self.rows.forget()

    def confirm(self, line: Line, row: datetime, symbols: Collection[Symbol]) -> None:
        """The venue says which symbols have a bar in a row, the newest there is."""
        pending = self.rows.first()
        if pending is None or pending.at != row:
            return
        if pending.candles.get(line, {}).keys() >= set(symbols).intersection(line.symbols):
            self.wires[line].complete(row)

    def streamed(self, line: Line, raw: Raw, moment: float, now: datetime | None) -> None:
        """A bar came through the socket."""
        candle = self._judged(line, raw, now)
        if candle is None:
            return
        arrival = self.rows.add(line, candle, moment)
        self.wires[line].came(candle.bar.at, streamed=True)
        if arrival is Arrival.CLOSED:
            self._came_too_late(candle)
        elif arrival is Arrival.CONFLICT:
            reason = "another bar with the same stamp came before; that one stays"
            self._refuse(line, raw, Refusal("duplicate", reason, candle.bar.at))
        elif arrival is Arrival.AGAIN:
            self.tally.again += 1

    def revised(self, line: Line, raw: Raw, moment: float, now: datetime | None) -> None:
        """The feed corrects a bar: in its row while that is open, afterwards as a late one."""
        candle = self._judged(line, raw, now)
        if candle is None:
            return
        if self.rows.add(line, candle, moment, replace=True) is not Arrival.CLOSED:
            return
        if not self._came_too_late(candle):
            number = self.memory.next_revision(_key(candle))
            self._say_late(revised(candle.bar, number))

    def fetched(self, line: Line, raws: Iterable[Raw], moment: float, now: datetime | None) -> int:
        """Bars came from the history; returns how many of them are used."""
        used = 0
        for raw in raws:
            candle = self._judged(line, raw, now)
            if candle is None:
                continue
            arrival = self.rows.add(line, candle, moment)
            if line in self.wires:
                self.wires[line].came(candle.bar.at, streamed=False)
            if arrival is Arrival.CLOSED:
                used += self._came_too_late(candle)
            else:
                used += arrival is Arrival.NEW
        return used

    def say(self, event: Event) -> None:
        """Publish something with the next commit."""
        self._events.append(event)

    def collect(self, moment: float, now: datetime | None) -> Batch:
        """All there is to publish: notable things first, then the rows that may be closed."""
        events, self._events = self._events, []
        rows: list[Row] = []
        while len(rows) < ROWS_PER_COMMIT and self.may_close(moment, now):
            row = self.rows.close()
            rows.append(row)
            self.memory.note_missing(row.missing, moment)
            self.tally.missing += len(row.missing)
            if self._rule.is_history(row, now):
                self.tally.late += len(row.bars)
                events.extend(late(bar) for bar in row.bars)
            else:
                events.extend(row.bars)
                events.append(mark(row.at, "bars", "ingest", row.due))
        bars = [event for event in events if isinstance(event, BarClosed)]
        return Batch(events=events, bars=bars, rows=rows)

    def may_close(self, moment: float, now: datetime | None) -> bool:
        """Whether there is a row to be closed now."""
        pending = self.rows.first()
        if pending is None:
            return False
        return self._rule.may_close(pending, self.rows.waiting_for(pending), moment, now)

    def still_pending(self, until: datetime) -> bool:
        """Whether a row up to an instant is not closed yet."""
        pending = self.rows.first()
        return pending is not None and pending.at <= until

    def snapshot(self) -> dict[str, Any]:
        """All that must outlive the process, as JSON values."""
        closed = self.rows.closed_until
        return {
            "source": self.plan.source,
            "closed_until": closed and instant(closed),
            "memory": self.memory.snapshot(),
        }

    def _judged(self, line: Line, raw: Raw, now: datetime | None) -> Candle | None:
        self.tally.received[line.feed] += 1
        verdict = self._judges[line].judge(raw, now)
        if isinstance(verdict, Candle):
            return verdict
        self._refuse(line, raw, verdict)
        return None

    def _refuse(self, line: Line, raw: Raw, refusal: Refusal) -> None:
        self.tally.refused[refusal.rule] += 1
        at = refusal.at or self.rows.closed_until or self.plan.begins_at
        if refusal.rule in TOLD_ONCE_A_DAY:
            if len(self._told) > REFUSALS_REMEMBERED:
                self._told.clear()
            key = (refusal.rule, raw.get("S"), at.date())
            if key in self._told:
                return
            self._told.add(key)
        self._events.append(refused_event(line, raw, refusal, at))

    def _came_too_late(self, candle: Candle) -> bool:
        """A bar of a closed row came: published if it was missing there, else known already."""
        if not self.memory.filled(_key(candle)):
            self.tally.again += 1
            return False
        self.tally.repaired += 1
        self._say_late(candle.bar)
        return True

    def _say_late(self, bar: BarClosed) -> None:
        self.tally.late += 1
        self._events.append(late(bar))


def _key(candle: Candle) -> Key:
    bar = candle.bar
    return Key(bar.symbol, bar.timeframe, bar.opened_at)
