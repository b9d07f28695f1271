"""Commands for dead letters: what a room could not process."""

from __future__ import annotations

from typing import Annotated

import typer

from trimtab.options import HomeFolder, Json

LetterId = Annotated[str, typer.Argument(help="As `trimtab dead list` shows it.", metavar="ID")]


def list_letters(
    count: Annotated[int, typer.Option("--count", "-n", help="At most so many.", min=1)] = 20,
    home: HomeFolder = None,
    json: Json = False,
) -> None:
    """The newest dead letters, newest first."""
    from trimtab.dead_letters import list_all

    list_all(count, home=home, as_json=json)


def show_letter(letter: LetterId, home: HomeFolder = None, json: Json = False) -> None:
    """One dead letter in full."""
    from trimtab.dead_letters import show_one

    show_one(letter, home=home, as_json=json)


def requeue_letter(letter: LetterId, home: HomeFolder = None, json: Json = False) -> None:
    """Put an entry back at the end of its stream, after its cause was removed."""
    from trimtab.dead_letters import requeue_one

    requeue_one(letter, home=home, as_json=json)
