"""The fault table of docs/reliability.md: made of runs that happened, never typed by hand.

With TRIMTAB_WRITE_TABLE=1 every fault that a test lives through is added to a file of runs, and
the table between the two markers is written anew from all of them. To begin anew, delete the file.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "reliability.md"
RUNS = ROOT / "var" / "fault-runs.jsonl"
BEGIN = "<!-- fault table: begin, written by tests/faults -->"
END = "<!-- fault table: end -->"
HEAD = (
    "| fault | runs | lost | doubled | recovery p50 | recovery max |\n"
    "|---|---:|---:|---:|---:|---:|"
)
WANTED = os.environ.get("TRIMTAB_WRITE_TABLE") == "1"
"""Read before the tests hide the settings of whoever runs them."""


class Run(NamedTuple):
    """One fault that was lived through."""

    fault: str
    seconds: float
    lost: int
    doubled: int


class Marks(ValueError):
    """The document has not exactly one place for the table."""


def note(runs: Iterable[Run]) -> None:
    """Add runs to the file and write the table anew, if that is wanted."""
    if not WANTED:
        return
    RUNS.parent.mkdir(mode=0o700, exist_ok=True)
    with RUNS.open("a", encoding="utf-8") as file:
        for run in runs:
            file.write(json.dumps(run._asdict()) + "\n")
    everything = [Run(**json.loads(line)) for line in RUNS.read_text("utf-8").splitlines()]
    DOCUMENT.write_text(inserted(DOCUMENT.read_text("utf-8"), rendered(everything)), "utf-8")


def rendered(runs: Sequence[Run]) -> str:
    """The table, one line a fault, by name."""
    by_fault: dict[str, list[Run]] = {}
    for run in runs:
        by_fault.setdefault(run.fault, []).append(run)
    lines = [line(fault, by_fault[fault]) for fault in sorted(by_fault)]
    total = f"\n{len(runs)} runs of {len(by_fault)} faults."
    return "\n".join([HEAD, *lines, total])


def line(fault: str, runs: Sequence[Run]) -> str:
    """One fault.

    >>> line("a fault", [Run("a fault", 1.0, 0, 0), Run("a fault", 2.0, 1, 0)])
    '| a fault | 2 | 1 | 0 | 1.5 s | 2.0 s |'
    """
    seconds = [run.seconds for run in runs]
    lost, doubled = sum(run.lost for run in runs), sum(run.doubled for run in runs)
    return (
        f"| {fault} | {len(runs)} | {lost} | {doubled} "
        f"| {statistics.median(seconds):.1f} s | {max(seconds):.1f} s |"
    )


def inserted(document: str, table: str) -> str:
    """The document with the table between the markers."""
    before, after = _around(document)
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def present(document: str) -> str:
    """What stands between the markers."""
    before, after = _around(document)
    return document[len(before) + len(BEGIN) : len(document) - len(after) - len(END)].strip()


def _around(document: str) -> tuple[str, str]:
    if document.count(BEGIN) != 1 or document.count(END) != 1:
        raise Marks(f"expected once each:\n{BEGIN}\n{END}")
    before, _, rest = document.partition(BEGIN)
    inside, mark, after = rest.partition(END)
    if not mark:
        raise Marks(f"{END} stands before {BEGIN}")
    del inside
    return before, after
