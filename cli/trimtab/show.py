"""How results are printed: for people on the terminal, or one JSON object as the last line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def result(content: Mapping[str, Any], *, as_json: bool, lines: Iterable[str] = ()) -> None:
    """The answer of a command: its JSON, or the lines for people."""
    if as_json:
        print(json.dumps(content, default=str))
        return
    for line in lines:
        print(line)


def aside(text: str) -> None:
    """What happens meanwhile; never part of the answer."""
    print(text, file=sys.stderr, flush=True)


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    right: Sequence[str] = (),
    long: str | None = None,
) -> None:
    """Rows under headings; the columns in `right` are numbers, `long` gets what space is left."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    grid = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="dim", expand=long is not None)
    for column in columns:
        grid.add_column(
            column,
            justify="right" if column in right else "left",
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if column == long else None,
        )
    for row in rows:
        grid.add_row(*(str(cell) for cell in row))
    Console(highlight=False).print(grid)
