"""What is remembered of closed rows: bars that were missing, and how often one was revised."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from trimtab_common.events import instant
from trimtab_common.symbols import Symbol
from trimtab_common.timeframes import Timeframe

REMEMBERED_MAX = 256
ASK_AFTER_SECONDS = (45.0, 600.0)
"""A missing bar is asked for once it can be there, and once more for what is printed late."""


class Key(NamedTuple):
    """Which bar."""

    symbol: Symbol
    timeframe: Timeframe
    opened_at: datetime


class _Gap:
    """A missing bar: since when, by a monotonic clock, and how often it was asked for."""

    __slots__ = ("asked", "since")

    def __init__(self, since: float) -> None:
        self.since = since
        self.asked = 0

    def due(self, moment: float) -> bool:
        """Whether it is time to ask."""
        times = len(ASK_AFTER_SECONDS)
        return self.asked < times and moment - self.since >= ASK_AFTER_SECONDS[self.asked]


class Memory:
    """The newest gaps and revisions; older ones are forgotten."""

    def __init__(self) -> None:
        self._gaps: dict[Key, _Gap] = {}
        self._revisions: dict[Key, int] = {}

    def note_missing(self, keys: Iterable[Key], moment: float) -> None:
        """These bars were due and did not come."""
        for key in keys:
            self._gaps[key] = _Gap(moment)
        _shorten(self._gaps)

    def filled(self, key: Key) -> bool:
        """A bar of a closed row came; whether it had been missing there."""
        return self._gaps.pop(key, None) is not None

    def next_revision(self, key: Key) -> int:
        """The number of the next word on a bar that was published."""
        number = self._revisions[key] = self._revisions.pop(key, 0) + 1
        _shorten(self._revisions)
        return number

    def to_ask(self, moment: float) -> list[Key]:
        """The missing bars that should be asked for now; they count as asked."""
        due = [key for key, gap in self._gaps.items() if gap.due(moment)]
        for key in due:
            self._gaps[key].asked += 1
        return due

    def snapshot(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "gaps": [_plain(key) for key in self._gaps],
            "revisions": [[*_plain(key), number] for key, number in self._revisions.items()],
        }

    def restore(self, state: dict[str, Any], moment: float) -> None:
        """Become what the snapshot was of; gaps count from now."""
        self._gaps = {_key(*parts): _Gap(moment) for parts in state["gaps"]}
        self._revisions = {_key(*parts): number for *parts, number in state["revisions"]}


def _plain(key: Key) -> list[str]:
    return [key.symbol, key.timeframe.value, instant(key.opened_at)]


def _key(symbol: str, timeframe: str, opened_at: str) -> Key:
    return Key(symbol, Timeframe(timeframe), datetime.fromisoformat(opened_at))


def _shorten(remembered: dict[Key, Any]) -> None:
    while len(remembered) > REMEMBERED_MAX:
        del remembered[next(iter(remembered))]
