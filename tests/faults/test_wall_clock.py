"""What is decided does not depend on the wall clock: it is read in these places and no other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READ_BY = {
    "libs/runtime/trimtab_runtime/service.py": "a report of health says when it was made",
    "libs/runtime/trimtab_runtime/delivery/metrics.py": "how old the last entry is, for people",
    "libs/runtime/trimtab_runtime/record.py": "the record is asked for what is known until now",
    "libs/runtime/trimtab_runtime/first_start.py": "a file says when a mode was first started",
    "libs/runtime/trimtab_runtime/logs.py": "a line of the log says when it was written",
    "services/ingest/trimtab_ingest/app.py": "at a broker; in a replay time is the data's own",
    "services/execution/trimtab_execution/app.py": "corrected by the broker's clock; never in a "
    "simulation, and nothing is sent while the two are 2 s apart",
    "services/execution/trimtab_execution/metrics.py": "how old the last answer is, for people",
}
"""File → what for."""
CLOCKS = frozenset({
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns",
})  # fmt: skip


def reads_a_clock(text: str) -> bool:
    """Whether a module calls the wall clock."""
    calls = (node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    return any(ast.unparse(call) in CLOCKS for call in calls)


def modules() -> list[Path]:
    folders = [ROOT / "libs", ROOT / "services"]
    found = (path for folder in folders for path in folder.rglob("*.py"))
    return [path for path in found if "simulator" not in path.parts[-3:-1]]


def test_nobody_else_reads_it() -> None:
    readers = {
        path.relative_to(ROOT).as_posix()
        for path in modules()
        if reads_a_clock(path.read_text(encoding="utf-8"))
    }
    assert readers - READ_BY.keys() == set(), "say what for, or take the time from the event"
    assert READ_BY.keys() - readers == set(), "strike what is no longer there"


@pytest.mark.parametrize("text", ["import time\ntime.time()", "at = datetime.now(UTC)"])
def test_a_reading_is_found(text: str) -> None:
    assert reads_a_clock(text)
    assert not reads_a_clock("time.monotonic()")
