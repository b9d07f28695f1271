"""A measured figure, its target, and the table of all of them."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One line of the table. `holds` is None for figures that are only shown."""

    name: str
    value: float
    unit: str
    target: str = ""
    holds: bool | None = None
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def at_least(name: str, value: float, limit: float, unit: str, note: str = "") -> Figure:
    """More is better."""
    return Figure(name, value, unit, f">= {limit:g}", value >= limit, note)


def at_most(name: str, value: float, limit: float, unit: str, note: str = "") -> Figure:
    """Less is better."""
    return Figure(name, value, unit, f"<= {limit:g}", value <= limit, note)


def shown(name: str, value: float, unit: str, note: str = "") -> Figure:
    """No target, but worth knowing."""
    return Figure(name, value, unit, note=note)


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def table(figures: Sequence[Figure]) -> str:
    """The figures as aligned text."""
    marks = {True: "holds", False: "FAILS", None: ""}
    lines = [("figure", "value", "unit", "target", "", "note")]
    lines += [
        (f.name, f"{f.value:,.4g}", f.unit, f.target, marks[f.holds], f.note) for f in figures
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    return "\n".join(
        "  ".join([*(line[column].ljust(widths[column]) for column in range(5)), line[5]]).rstrip()
        for line in lines
    )


def as_json(figures: Sequence[Figure]) -> str:
    """One JSON list, the last line of `make bench ARGS="--json"`."""
    return json.dumps([figure.as_json() for figure in figures])
