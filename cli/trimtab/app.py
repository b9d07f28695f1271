"""The table of contents of the command: every subcommand, grouped as `--help` shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

import typer

from trimtab.commands import care, dead, looking, research, running, trading
from trimtab.group import OwnersGroup

COMMANDS: dict[str, dict[str, Callable[..., Any]]] = {
    "Run it": {
        "demo": running.demo,
        "up": running.up,
        "down": running.down,
        "restart": running.restart,
    },
    "Hands on": {
        "halt": trading.halt,
        "resume": trading.resume,
        "flatten": trading.flatten,
    },
    "Look": {
        "status": looking.status,
        "positions": looking.positions,
        "orders": looking.orders,
        "why": looking.why,
        "logs": looking.logs,
    },
    "Set up and care": {
        "init": care.init,
        "doctor": care.doctor,
        "check-config": care.check_config,
        "show-config": care.show_config,
    },
    "Check and research": {
        "lookahead": research.lookahead,
        "parity": research.parity,
        "docs": research.docs,
    },
}
READ_THEIR_OWN_ARGUMENTS = ("parity",)
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
DEAD_LETTERS: dict[str, Callable[..., Any]] = {
    "list": dead.list_letters,
    "show": dead.show_letter,
    "requeue": dead.requeue_letter,
}


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"trimtab {version('trimtab-cli')}")
        raise typer.Exit


Version: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--version", help="Show which release this is.", callback=_show_version, is_eager=True
    ),
]


def _options(version: Version = False) -> None:
    """Options of the command itself; the help comes from the group."""


def build() -> typer.Typer:
    """The command with all its subcommands; what they need is imported when they run."""
    app = typer.Typer(
        cls=OwnersGroup,
        help="Trimtab trades while you live your life, and tells you why. "
        "First look: `trimtab demo`.",
        epilog="Exit codes: 0 ok, 1 the answer is no, 2 wrong use, 3 not running.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for panel, commands in COMMANDS.items():
        for name, command in commands.items():
            context = PASS_ON if name in READ_THEIR_OWN_ARGUMENTS else None
            app.command(name, rich_help_panel=panel, context_settings=context)(command)
    letters = typer.Typer(
        help="Events that a room could not process, and why.", no_args_is_help=True
    )
    for name, command in DEAD_LETTERS.items():
        letters.command(name)(command)
    app.add_typer(letters, name="dead", rich_help_panel="Set up and care")
    return app
