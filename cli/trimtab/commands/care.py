"""Commands that set the system up and look after it."""

from __future__ import annotations

from typing import Annotated

import typer

from trimtab.options import ConfigFolder, HomeFolder, Json, RunMode, Yes


def init(
    yes: Yes = False,
    home: HomeFolder = None,
    config: ConfigFolder = None,
    json: Json = False,
) -> None:
    """Write what is missing of the configuration; ask for keys.

    Nothing that exists is changed. The keys are those of Alpaca's paper account; they are tried.
    """
    from trimtab.setup import set_up

    set_up(yes=yes, home=home, config=config, as_json=json)


def doctor(
    mode: RunMode = None,
    home: HomeFolder = None,
    config: ConfigFolder = None,
    json: Json = False,
) -> None:
    """Look for what stands in the way, and say what to do."""
    from trimtab.doctor.examine import examine

    raise typer.Exit(examine(mode=mode, home=home, config=config, as_json=json))


def check_config(config: ConfigFolder = None, json: Json = False) -> None:
    """Read the configuration as the rooms do; name what is wrong."""
    from trimtab.configuration import check

    check(config=config, as_json=json)


def show_config(
    home: HomeFolder = None,
    config: ConfigFolder = None,
    json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Show what is in force.

    Files, environment and defaults together; secrets are not shown.
    """
    from trimtab.configuration import show

    show(home=home, config=config, as_json=json)
