"""The past out of the bar store, read by a short-lived process that takes its memory with it.

Reading Parquet costs 100 MB that a process never gives back; the room needs the past once.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from trimtab_common.timeframes import Timeframe
from trimtab_runtime.barstore import BarStore
from trimtab_runtime.home import Home
from trimtab_strategy.adapters.stored_history import StoredHistory
from trimtab_trading.strategy_desk import Need, PastBar

READING_SECONDS_MAX = 300


class HistoryProcess:
    """A `StoredHistory` in a process of its own; blocks, so call it from a thread."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def bars(self, needs: Sequence[Need], extra_rows: int) -> list[PastBar]:
        """The bars needed and `extra_rows` rows before them, oldest first, each once.

        Raises:
            subprocess.SubprocessError: where the bar store cannot be read; the child has said why.
        """
        question = json.dumps([str(self._home), list(needs), extra_rows])
        child = subprocess.run(
            [sys.executable, "-m", __name__],
            input=question,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=READING_SECONDS_MAX,
        )
        return [
            PastBar(datetime.fromisoformat(at), symbol, Timeframe(timeframe), tuple(bar))
            for at, symbol, timeframe, bar in json.loads(child.stdout)
        ]


def answer(question: str) -> str:
    """What the child process does: both texts are JSON."""
    home, needs, extra_rows = json.loads(question)
    asked = [Need(Timeframe(timeframe), tuple(symbols), rows) for timeframe, symbols, rows in needs]
    found = StoredHistory(BarStore(Home(Path(home)))).bars(asked, extra_rows)
    return json.dumps([[past.available_at.isoformat(), *past[1:]] for past in found])


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):  # the answer alone goes to the parent
        text = answer(sys.stdin.read())
    sys.stdout.write(text)
