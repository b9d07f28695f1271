"""Commands by which the owner takes the wheel."""

from __future__ import annotations

from typing import Annotated

import typer

from trimtab.options import HomeFolder, Json, Yes

Reason = Annotated[str, typer.Option("--reason", help="Why; it goes on record.")]


def halt(
    reason: Reason = "halted by the owner", home: HomeFolder = None, json: Json = False
) -> None:
    """Stop trading NOW; works when everything else is broken.

    Writes the file HALT into the home, which every room respects, then tells the rooms. Positions
    stay: `trimtab flatten` sells them.
    """
    from trimtab.control import halt_trading

    halt_trading(reason, home=home, as_json=json)


def resume(
    reason: Reason = "resumed by the owner", home: HomeFolder = None, json: Json = False
) -> None:
    """Let it trade again: removes the file HALT and tells the rooms."""
    from trimtab.control import resume_trading

    resume_trading(reason, home=home, as_json=json)


def flatten(
    reason: Reason = "flattened by the owner",
    yes: Yes = False,
    home: HomeFolder = None,
    json: Json = False,
) -> None:
    """Sell everything; buy nothing until `trimtab resume`."""
    from trimtab.control import flatten_everything

    flatten_everything(reason, yes=yes, home=home, as_json=json)
