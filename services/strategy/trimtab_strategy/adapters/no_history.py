"""No past: what a simulation begins with."""

from __future__ import annotations

from collections.abc import Sequence

from trimtab_trading.strategy_desk import Need, PastBar


class NoHistory:
    """Knows nothing of the time before the first row.

    A replay starts somewhere in the past; the bar store may hold the very days that are to come.
    """

    def bars(self, needs: Sequence[Need], extra_rows: int) -> list[PastBar]:
        """Nothing."""
        return []
