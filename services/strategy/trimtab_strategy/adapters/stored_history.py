"""The past out of the bar store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from trimtab_common.events.base import EARLIEST
from trimtab_runtime.barstore import BarStore
from trimtab_runtime.bartable import StoredBars
from trimtab_trading.strategy_desk import Need, PastBar

_CALENDAR_TO_OPEN = 6
"""New York is open for about a sixth of the week."""
_DAYS_MIN = timedelta(days=7)


class StoredHistory:
    """Reads the newest rows of each need from a bar store; file work, call it from a thread."""

    def __init__(self, store: BarStore) -> None:
        self._store = store

    def bars(self, needs: Sequence[Need], extra_rows: int) -> list[PastBar]:
        """The bars needed and `extra_rows` rows before them, oldest first, each once."""
        found: dict[tuple[datetime, str, str], PastBar] = {}
        for need in needs:
            rows = None if need.rows is None else need.rows + extra_rows
            for bar in _newest(self._read(need, rows), rows):
                found[bar.available_at, bar.timeframe.value, bar.symbol] = bar
        return [found[key] for key in sorted(found)]

    def _read(self, need: Need, rows: int | None) -> StoredBars:
        """At least the newest `rows` rows, without reading years for a few days."""
        newest = [self._store.latest(symbol, need.timeframe) for symbol in need.symbols]
        end = max((at for at in newest if at is not None), default=None)
        if end is None or rows is None:
            return self._store.read(need.symbols, need.timeframe)
        span = _DAYS_MIN + rows * need.timeframe.duration * _CALENDAR_TO_OPEN
        while span < end - EARLIEST:
            stored = self._store.read(need.symbols, need.timeframe, end - span)
            if len(np.unique(stored.available_at)) >= rows:
                return stored
            span *= 4
        return self._store.read(need.symbols, need.timeframe)


def _newest(stored: StoredBars, rows: int | None) -> Iterator[PastBar]:
    """The bars of the newest `rows` instants; all if None."""
    first = 0
    if rows is not None:
        instants = np.unique(stored.available_at)
        if len(instants) > rows:
            first = int(stored.available_at.searchsorted(instants[-rows] if rows else instants[-1]))
    for index, at, *bar in zip(
        stored.symbol_index[first:].tolist(),
        stored.available_at[first:].tolist(),
        *(amounts[first:].tolist() for amounts in stored.amounts),
        strict=True,
    ):
        yield PastBar(
            at.replace(tzinfo=UTC),
            stored.symbols[index],
            stored.timeframe,
            (bar[0], bar[1], bar[2], bar[3], bar[4]),
        )
