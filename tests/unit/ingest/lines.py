"""Small plans, raw bars and expected rows for the tests of ingest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from trimtab_common.calendars import calendar
from trimtab_common.events import BarClosed, Due, Event, instant, mark
from trimtab_common.timeframes import Timeframe
from trimtab_ingest.core.closing import Rule, Wire
from trimtab_ingest.core.desk import Desk
from trimtab_ingest.core.plan import Line, Origin, Plan
from trimtab_ingest.core.rows import Rows
from trimtab_trading.aggregate import aggregate, stamps
from trimtab_trading.market import Market, aware, bars_of_row

MINUTE = timedelta(minutes=1)
OPEN = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
"""When the session of the tests opens."""


def minute(number: int) -> datetime:
    """The end of the session's minute of this number, counted from 1."""
    return OPEN + number * MINUTE


def line(
    timeframe: Timeframe = Timeframe.ONE_MINUTE,
    symbols: Sequence[str] = ("AAPL", "MSFT"),
    origin: Origin = Origin.STREAMED,
    *,
    name: str = "XNYS",
    feed: str = "simulated",
) -> Line:
    """A line of two stocks' minutes."""
    return Line(
        calendar=calendar(name),
        timeframe=timeframe,
        feed=feed,
        symbols=tuple(symbols),
        origin=origin,
    )


def plan(*lines: Line, begins_at: datetime = OPEN) -> Plan:
    """A plan of these lines; of a line of minutes, if none is given."""
    return Plan(lines=lines or (line(),), source="a test", begins_at=begins_at)


def raw(symbol: str = "AAPL", row: int = 1, **fields: Any) -> dict[str, Any]:
    """A bar as it comes over the wire; it becomes available at `minute(row)`."""
    values = {
        "T": "b", "S": symbol, "t": minute(row) - MINUTE, "o": 100.0, "h": 102.0, "l": 99.0,
        "c": 101.0, "v": 1000, "n": 10, "vw": 100.5,
    }  # fmt: skip
    return values | fields


def desk(
    its_plan: Plan,
    rule: Rule,
    wires: Sequence[Wire],
    *,
    closed_until: datetime | None = None,
    by_calendar: bool = False,
) -> Desk:
    """A desk with nothing on it."""
    rows = Rows(its_plan, closed_until=closed_until, by_calendar=by_calendar)
    return Desk(its_plan, rule, wires, rows)


def messages(market: Market) -> list[list[dict[str, Any]]]:
    """A market's rows as a feed would send them."""
    sent = stamps(market).tolist()
    return [
        [
            {
                "T": "b", "S": market.symbols[market.symbol_index[place]],
                "t": aware(sent[place]), "o": market.open[place].item(),
                "h": market.high[place].item(), "l": market.low[place].item(),
                "c": market.close[place].item(), "v": market.volume[place].item(),
            }
            for place in range(*market.slice_of(row).indices(len(market)))
        ]
        for row in range(market.rows_total)
    ]  # fmt: skip


def expected(market: Market, *coarser: Timeframe) -> list[Event]:
    """What is to be said of a market, by the exact engine's own functions, up to its last row."""
    parts = [market, *(aggregate(market, timeframe) for timeframe in coarser)]
    last = market.instant_of(market.rows_total - 1)
    rows: dict[datetime, list[tuple[Market, list[BarClosed]]]] = {}
    for part in parts:
        for row in range(part.rows_total):
            at = part.instant_of(row)
            if at <= last:
                rows.setdefault(at, []).append((part, bars_of_row(part, row)))
    events: list[Event] = []
    for at in sorted(rows):
        events.extend(bar for _, bars in rows[at] for bar in bars)
        due = tuple(_due(part, bars) for part, bars in rows[at])
        events.append(mark(at, "bars", "ingest", due))
    return events


def _due(market: Market, bars: list[BarClosed]) -> Due:
    present = tuple(bar.symbol for bar in bars)
    return Due(
        calendar=market.calendar,
        timeframe=market.timeframe,
        opened_at=max(bar.opened_at for bar in bars),
        present=present,
        missing=tuple(symbol for symbol in market.symbols if symbol not in present),
    )


def said(events: Sequence[Event]) -> list[str]:
    """Events in short: what, when, and for a mark who was missing."""
    return [
        f"{event.symbol} {instant(event.opened_at)[11:16]}{' late' if event.late else ''}"
        if isinstance(event, BarClosed)
        else f"{type(event).__name__} {instant(event.at)[11:16]}"
        for event in events
    ]
