"""Commands that turn the system on and off."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from trimtab.options import ConfigFolder, HomeFolder, Json, RunMode

DataFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--data", help="Bars to replay, Parquet or CSV. Without: a generated market."),
]
Seconds: TypeAlias = Annotated[
    float | None,
    typer.Option("--for", help="Stop after so many seconds from all rooms ready.", min=0.1),
]
Speed: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--speed", help="So many times as fast as the market, or max. [default: a bar a second]"
    ),
]
Symbols: TypeAlias = Annotated[
    str | None, typer.Option("--symbols", help="Only these, separated by commas.")
]
Seed: TypeAlias = Annotated[int, typer.Option("--seed", help="Of the generated market.", min=0)]
EmptyFolder: TypeAlias = Annotated[
    Path | None,
    typer.Option("--home", help="An empty folder to run in (default: a new one, var/demo/…)."),
]
Keep: TypeAlias = Annotated[
    bool, typer.Option("--keep", help="Keep the folder and everything recorded in it.")
]
Detach: TypeAlias = Annotated[bool, typer.Option("--detach", "-d", help="Run in the background.")]


def demo(
    data: DataFile = None,
    seconds: Seconds = None,
    speed: Speed = None,
    symbols: Symbols = None,
    seed: Seed = 7,
    home: EmptyFolder = None,
    config: ConfigFolder = None,
    keep: Keep = False,
    json: Json = False,
) -> None:
    """Watch the whole system trade SIMULATED money; no keys, nothing real.

    Ends with Ctrl-C, after --for seconds, or with the data; then everything is counted and the
    account is compared with the exchange's. Answers 1 if anything is not as it should be.
    """
    from trimtab.demo.run import run_demo
    from trimtab.demo.wishes import Wishes

    wishes = Wishes(
        data=data,
        seconds=seconds,
        speed=speed,
        symbols=symbols,
        seed=seed,
        home=home,
        config=config,
        keep=keep,
        as_json=json,
    )
    raise typer.Exit(run_demo(wishes))


def up(
    mode: RunMode = None,
    detach: Detach = False,
    home: HomeFolder = None,
    config: ConfigFolder = None,
    json: Json = False,
) -> None:
    """Turn the system on: sim, paper or live.

    The first start with a broker begins HALTED; `trimtab resume` lets it trade.
    """
    from trimtab.end_system import run_detached
    from trimtab.run_system import run_here

    run = run_detached if detach else run_here
    raise typer.Exit(run(mode=mode, home=home, config=config, as_json=json))


def down(home: HomeFolder = None, json: Json = False) -> None:
    """Turn the system off, in order.

    Positions stay as they are, and so do orders that the broker holds.
    """
    from trimtab.end_system import end_system

    end_system(home=home, as_json=json)


def restart(
    room: Annotated[str, typer.Argument(help="The room, such as risk.", metavar="ROOM")],
    home: HomeFolder = None,
    json: Json = False,
) -> None:
    """Start one room again, also one that was given up."""
    from trimtab.end_system import restart_room

    restart_room(room, home=home, as_json=json)
