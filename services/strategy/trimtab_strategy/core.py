"""What only the live room decides: which strategies it may run, and what it says of their state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from trimtab_trading.strategy_slot import Slot

_SHOWN_MAX = 5


def unfit(slots: Iterable[Slot]) -> list[str]:
    """Why strategies cannot run live, one sentence each: without `warmup` nobody knows when."""
    return [
        f"strategy {slot.name} does not say its warmup, so it runs in backtests only: give it "
        "`warmup`, the rows of history that it needs"
        for slot in slots
        if slot.rows is None
    ]


def cold_reason(strategies: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Which strategies still wait for history, or None; takes what the desk's info says.

    >>> cold_reason({"momentum": {"warm": False, "rows": 12, "rows_needed": 253}})
    'momentum has 12 of 253 rows of history'
    """
    return _some(
        f"{name} has {each['rows']} of {each['rows_needed']} rows of history"
        for name, each in strategies.items()
        if not each["warm"]
    )


def fault_reason(strategies: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Which strategies gave no usable answer when last asked, or None.

    >>> fault_reason({"mine": {"failing": True, "last_fault": "2024-01-02T14:31:00Z KeyError: 1"}})
    'mine at 2024-01-02T14:31:00Z KeyError: 1; its targets stand'
    """
    return _some(
        f"{name} at {each['last_fault']}; its targets stand"
        for name, each in strategies.items()
        if each["failing"]
    )


def _some(sentences: Iterable[str]) -> str | None:
    texts = list(sentences)
    more = len(texts) - _SHOWN_MAX
    shown = "; ".join(texts[:_SHOWN_MAX])
    return (f"{shown}; and {more} more" if more > 0 else shown) or None
