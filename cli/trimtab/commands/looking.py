"""Commands that show how things are, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from trimtab.options import HomeFolder, Json


def status(home: HomeFolder = None, json: Json = False) -> None:
    """Rooms, health, account, halted or not: at a glance."""
    from trimtab.status import show_status

    show_status(home=home, as_json=json)


def positions(home: HomeFolder = None, json: Json = False) -> None:
    """What is held, and what it is worth at the last close."""
    from trimtab.holdings import show_positions

    show_positions(home=home, as_json=json)


def orders(
    count: Annotated[int, typer.Option("--count", "-n", help="At most so many.", min=1)] = 20,
    home: HomeFolder = None,
    json: Json = False,
) -> None:
    """The latest orders and what became of them."""
    from trimtab.order_list import show_orders

    show_orders(count, home=home, as_json=json)


def why(
    symbol: Annotated[str, typer.Argument(help="Such as AAPL or BTC/USD.", metavar="SYMBOL")],
    at: Annotated[
        str | None,
        typer.Option("--at", help="Market time in UTC, such as 2024-01-02T14:32 (default: now)."),
    ] = None,
    home: HomeFolder = None,
    json: Json = False,
) -> None:
    """Why it was bought, sold or left alone, in plain sentences."""
    from trimtab.why import explain

    explain(symbol, at, home=home, as_json=json)


def logs(
    room: Annotated[str, typer.Argument(help="A room, or supervisor, or server.", metavar="ROOM")],
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many.", min=1)] = 40,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    home: HomeFolder = None,
    json: Json = False,
) -> None:
    """The last lines of a room's log.

    Readable; --json gives them as they were written.
    """
    from trimtab.log_lines import show_logs

    show_logs(room, lines, follow=follow, home=home, as_json=json)
