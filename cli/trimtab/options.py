"""The options that many commands share, and how their values are read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

Json: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Answer with one JSON object on the last line.")
]
HomeFolder: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--home",
        help="Where Trimtab keeps what it writes (default: TRIMTAB_HOME, else ./var).",
        show_default=False,
    ),
]
ConfigFolder: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="The folder of *.yaml files (default: TRIMTAB_CONFIG_DIR, else ./config).",
        show_default=False,
    ),
]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; the answer is yes.")]
RunMode: TypeAlias = Annotated[
    Literal["sim", "paper", "live"] | None,
    typer.Option(
        "--mode",
        help="sim: simulated exchange; paper: Alpaca's paper account; live: real money. "
        "(default: TRIMTAB_MODE, else sim)",
        show_default=False,
    ),
]
