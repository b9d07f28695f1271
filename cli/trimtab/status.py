"""`status`: everything at a glance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from trimtab.containers import state_of
from trimtab.exit_codes import NO
from trimtab.failure import not_running
from trimtab.halt import read_halt
from trimtab.money_words import amount, number
from trimtab.place import read_settings
from trimtab.rooms_http import LOOPBACK, ask
from trimtab.supervisor.presence import status_age_seconds
from trimtab_common.events import Health

STATUS_AGE_SECONDS_MAX = 30.0
_MARKS = {"HEALTHY": "[green]●[/]", "DEGRADED": "[yellow]●[/]", "UNHEALTHY": "[red]●[/]"}


def show_status(*, home: Path | None, as_json: bool) -> None:
    """Exit 0 where every room is healthy, 1 where one is not, 3 where nothing runs."""
    settings = read_settings(home)
    place = settings.at_home
    status = state_of(settings)
    if status is None:
        halt = read_halt(place)
        raise not_running(
            f"Nothing runs in {place.root}." + (f" Trading is HALTED: {halt}." if halt else "")
        )
    status["age_seconds"] = round(status_age_seconds(place) or 0.0, 1)
    status["health"] = overall(status)
    status["account"] = account_of(status)
    if as_json:
        import json

        print(json.dumps(status))
    else:
        _print(status)
    if status["health"] != Health.HEALTHY:
        raise typer.Exit(NO)


def overall(status: dict[str, Any]) -> str:
    """The worst of all rooms; a supervisor that is silent is worse still."""
    if status.get("age_seconds", 0.0) > STATUS_AGE_SECONDS_MAX:
        return Health.UNHEALTHY.value
    found = {str(room["health"]) for room in status["rooms"].values()}
    for health in (Health.UNHEALTHY.value, "UNKNOWN", Health.DEGRADED.value):
        if health in found:
            return health
    return Health.HEALTHY.value


def account_of(status: dict[str, Any]) -> dict[str, Any] | None:
    """What risk says about the account, if it answers."""
    room = status["rooms"].get("risk")
    reply = (
        ask(room["port"], "/info", host=room.get("host", LOOPBACK)) if room is not None else None
    )
    if reply is None or "equity" not in reply.content:
        return None
    content: dict[str, Any] = reply.content
    return content


def _print(status: dict[str, Any]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    label = {"sim": "SIMULATED", "paper": "PAPER", "live": "[bold red]LIVE[/]"}[status["mode"]]
    console.print(f"[bold]Trimtab[/]  {label}  {status['state']}, {status['health']}")
    if status["halted"]:
        halted = status["halted"]
        console.print(f"[bold red]HALTED[/] {halted['reason']} ({halted['by']}, {halted['since']})")
    if account := status["account"]:
        held = sum(bool(number(each["quantity"])) for each in account["positions"].values())
        console.print(
            f"{account.get('state')}  equity {amount(account.get('equity'))}  "
            f"cash {amount(account.get('cash'))}  {held} held"
        )
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for column in ("", "room", "health", "market time", "port", "started"):
        table.add_column(column)
    for name, room in status["rooms"].items():
        starts = room["starts"]
        table.add_row(
            _MARKS.get(room["health"], "[red]●[/]"),
            name,
            room["health"] if room["ready"] else f"{room['health']}, not ready",
            str(room["row"] or "")[:16].replace("T", " "),
            str(room["port"]),
            "once" if starts == 1 else f"{starts} times; {room['last_ending'] or 'restarted'}",
        )
    console.print(table)
    for name, room in status["rooms"].items():
        for reason in room["reasons"]:
            console.print(f"{name}: {reason}", markup=False)
