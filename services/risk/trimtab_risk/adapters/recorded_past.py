"""The life before, out of the record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trimtab_common.events import Event
from trimtab_runtime.delivery.endings import Unavailable
from trimtab_runtime.past import PastUnknown, past

SQLITE = "sqlite:///"


class RecordedPast:
    """Asks the record, once, at a start without any memory.

    `with_targets` is for a real market: the strategies rebuild theirs from the bar store then. In
    a simulation they begin cold, and a target that nobody looks after must not stand.
    """

    def __init__(self, database: str, *, with_targets: bool) -> None:
        self._database = database
        self._with_targets = with_targets

    def events(self) -> Sequence[Event]:
        """Nothing where there is no record yet; raises Unavailable where it does not answer."""
        file = self._database.removeprefix(SQLITE)
        if file != self._database and not Path(file).exists():
            return ()
        try:
            return past(self._database, with_targets=self._with_targets)
        except PastUnknown as reason:
            raise Unavailable(str(reason)) from None
