"""What the strategy room needs from outside: bars of the time before its first row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from trimtab_trading.strategy_desk import Need, PastBar


class History(Protocol):
    """Where the past is kept."""

    def bars(self, needs: Sequence[Need], extra_rows: int) -> list[PastBar]:
        """The bars needed and `extra_rows` rows before them, oldest first; what is there of it."""
