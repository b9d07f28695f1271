"""Small markets for tests: made by a seed, or written out bar by bar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from trimtab_common.timeframes import Timeframe
from trimtab_trading.generated import generated
from trimtab_trading.market import Market

FIRST_OPEN = np.datetime64("2024-01-02T14:30", "us")
A_MINUTE = np.timedelta64(1, "m")

Line = tuple[Any, ...]
"""Symbol, number of the row from 1 on, open, high, low, close, volume."""


def minute_market(
    *,
    symbols: Sequence[str] = ("AAPL", "MSFT"),
    sessions: int = 1,
    seed: int = 1,
    start: date = date(2024, 1, 2),
    missing: float = 0.0,
    timeframe: Timeframe = Timeframe.ONE_MINUTE,
    calendar: str = "XNYS",
) -> Market:
    """A generated market of bars of a minute in New York, unless told otherwise."""
    return generated(
        seed=seed,
        symbols=symbols,
        calendar_name=calendar,
        timeframe=timeframe,
        start=start,
        sessions=sessions,
        missing=missing,
    )


def a_market(lines: Sequence[Line], *, in_order: bool = True, calendar: str = "XNYS") -> Market:
    """A market of bars of a minute on 2 January 2024; row 1 opens with the session."""
    symbols = tuple(sorted({line[0] for line in lines}))
    given = sorted(lines, key=lambda line: (line[1], line[0])) if in_order else list(lines)
    opened: Any = np.array([FIRST_OPEN + (line[1] - 1) * A_MINUTE for line in given])
    columns: dict[str, Any] = {
        name: np.array([line[place] for line in given], dtype=np.float64)
        for place, name in enumerate(("open", "high", "low", "close", "volume"), start=2)
    }
    return Market(
        symbols=symbols,
        timeframe=Timeframe.ONE_MINUTE,
        calendar=calendar,
        feed="simulated",
        source="a test",
        symbol_index=np.array([symbols.index(line[0]) for line in given], dtype=np.int32),
        opened_at=opened,
        available_at=opened + A_MINUTE,
        **columns,
    )
