"""Commands that turn the system on and off."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trimtab.options import ConfigFolder, HomeFolder, Json, RunMode


def demo(
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Bars to replay, Parquet or CSV. Without: a generated market."),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option("--for", help="Stop after so many seconds from all rooms ready.", min=0.1),
    ] = None,
    speed: Annotated[
        str | None,
        typer.Option(
            "--speed", help="So many times as fast as the market, or max. [default: a bar a second]"
        ),
    ] = None,
    symbols: Annotated[
        str | None, typer.Option("--symbols", help="Only these, separated by commas.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the generated market.", min=0)] = 7,
    home: Annotated[
        Path | None,
        typer.Option("--home", help="An empty folder to run in (default: a new one, var/demo/…)."),
    ] = None,
    config: ConfigFolder = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the folder and everything recorded in it.")
    ] = False,
    json: Json = False,
) -> None:
    """Watch the whole system trade on SIMULATED money. Needs no keys and touches nothing real.

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
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Run in the background.")] = False,
    home: HomeFolder = None,
    config: ConfigFolder = None,
    json: Json = False,
) -> None:
    """Turn the system on, in the mode that --mode or TRIMTAB_MODE says.

    The first start with a broker begins HALTED; `trimtab resume` lets it trade.
    """
    from trimtab.end_system import run_detached
    from trimtab.run_system import run_here

    run = run_detached if detach else run_here
    raise typer.Exit(run(mode=mode, home=home, config=config, as_json=json))


def down(home: HomeFolder = None, json: Json = False) -> None:
    """Turn the system off: every process ends, in order. Positions and orders stay as they are."""
    from trimtab.end_system import end_system

    end_system(home=home, as_json=json)


def restart(
    room: Annotated[str, typer.Argument(help="The room, such as risk.", metavar="ROOM")],
    home: HomeFolder = None,
    json: Json = False,
) -> None:
    """Start one room again, also one that crashed too often to be started again by itself."""
    from trimtab.end_system import restart_room

    restart_room(room, home=home, as_json=json)
