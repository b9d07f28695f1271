"""The live screen of the demo: one calm page that fits 80 columns and 24 lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from trimtab.demo.view import RoomView, View
from trimtab.money_words import amount, change, number, quantity
from trimtab.words import brief
from trimtab_common.events import Event

NEW_YORK = ZoneInfo("America/New_York")
LINES_USUAL = 24
MIDDLE_LINES = 8
"""Seven rooms and a heading."""
OTHER_LINES = 9
"""Everything but positions, rooms, decisions and fills."""
_COLORS = {"HEALTHY": "green", "DEGRADED": "yellow", "STARTING": "dim"}
_COUNTED = {
    "signals": "SignalRaised",
    "approved": "OrderApproved",
    "refused": "OrderRefused",
    "fills": "OrderFilled",
    "alerts": "AlertRaised",
    "dead": "dead",
}


class Screen:
    """Renders a view into whatever space the terminal has."""

    def __init__(self, view: View, note: str | None = None) -> None:
        self._view = view
        self._note = note

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = options.height or console.height
        middle = MIDDLE_LINES + max(0, (height - LINES_USUAL) // 3)
        lists = max(2, height - OTHER_LINES - middle)
        view = self._view
        yield Group(
            _headline(view),
            _account(view),
            Text(""),
            _side_by_side(_positions(view, middle - 2), _rooms(view.rooms), ratios=(3, 2)),
            Text(""),
            Text("latest decisions", style="dim"),
            _events(view, view.decisions, lists - lists // 2),
            Text("latest fills", style="dim"),
            _events(view, view.fills, lists // 2),
            Text(""),
            _counts(view),
            _foot(self._note or view.phase),
        )


def local(view: View, at: datetime) -> datetime:
    """Market time on the market's own clock."""
    return at.astimezone(UTC if view.never_closes else NEW_YORK)


def _headline(view: View) -> RenderableType:
    left = Text.assemble(("Trimtab demo", "bold"), "  ", (" SIMULATED ", "black on yellow"))
    if view.market_time is None:
        return _side_by_side(left, Text("waiting for the first bar", justify="right"))
    zone = "UTC" if view.never_closes else "New York"
    when = f"{local(view, view.market_time):%a %Y-%m-%d %H:%M} {zone}"
    return _side_by_side(left, Text(when, style="bold", justify="right"))


def _account(view: View) -> RenderableType:
    gain = (number(view.equity) or Decimal(0)) - (number(view.start_equity) or Decimal(0))
    left = Text.assemble(
        ("equity ", "dim"),
        (amount(view.equity), "bold"),
        "  ",
        (change(view.equity, view.start_equity), _color(gain)),
        ("  cash ", "dim"),
        amount(view.cash),
    )
    pace = f"row {view.rows:,}/{view.rows_total:,}  {view.rows_per_second:.1f}/s"
    return _side_by_side(left, Text(pace, style="dim", justify="right"), ratios=(5, 2))


def _positions(view: View, shown: int) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="dim", expand=False)
    table.add_column("position", min_width=8)
    for column in ("quantity", "value", "gain"):
        table.add_column(column, justify="right", min_width=10)
    held = sorted(view.positions, key=lambda each: -(number(each["market_value"]) or 0))
    for each in held[:shown]:
        gain = number(each.get("unrealized_pl")) or Decimal(0)
        table.add_row(
            str(each.get("symbol")),
            quantity(each.get("qty")),
            amount(each.get("market_value")),
            Text(f"{gain:+,.2f}", style=_color(gain)),
        )
    rest = f"and {len(held) - shown} more" if len(held) > shown else "" if held else "none yet"
    table.add_row(Text(rest, style="dim"))
    return table


def _rooms(rooms: Sequence[RoomView]) -> RenderableType:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=1)
    table.add_column(width=max((len(room.name) for room in rooms), default=0))
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_row("", Text("room", style="dim"), "")
    for room in rooms:
        reason = "" if room.health == "HEALTHY" else room.reason
        dot = Text("●", style=_COLORS.get(room.health, "red"))
        table.add_row(dot, room.name, Text(reason, style="dim"))
    return table


def _events(view: View, events: Sequence[Event], shown: int) -> RenderableType:
    """The newest events, oldest first, and empty lines where there are fewer."""
    newest = list(events)[-shown:] if shown else []
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(style="dim", width=5)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for event in newest:
        table.add_row(f"{local(view, event.at):%H:%M}", Text(brief(event)))
    for _ in range(shown - len(newest)):
        table.add_row("", "")
    return table


def _counts(view: View) -> RenderableType:
    said = Text()
    for name, kind in _COUNTED.items():
        count = view.counts.get(kind, 0)
        said.append(f"{name} ", style="dim")
        said.append(f"{count:,}   ", style="bold red" if name == "dead" and count else "")
    return said


def _foot(sentence: str) -> RenderableType:
    return Text(sentence, style="dim", no_wrap=True, overflow="ellipsis")


def _side_by_side(
    left: RenderableType, right: RenderableType, ratios: tuple[int, int] = (1, 1)
) -> RenderableType:
    table = Table.grid(expand=True)
    for ratio in ratios:
        table.add_column(ratio=ratio, no_wrap=True, overflow="ellipsis")
    table.add_row(left, right)
    return table


def _color(gain: Decimal) -> str:
    return "green" if gain > 0 else "red" if gain < 0 else "dim"
