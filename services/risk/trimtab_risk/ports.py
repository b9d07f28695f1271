"""What the risk room needs from outside: somebody who may say stop, and a memory of last resort."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from trimtab_common.events import Event


class Pulled(NamedTuple):
    """The kill switch is pulled."""

    reason: str
    """Printable text of one line."""
    stamp: int
    """Tells one pull from another."""


class KillSwitch(Protocol):
    """Halts trading by being there, whatever else is broken."""

    def pulled(self) -> Pulled | None:
        """Why and since when, None while trading may go on."""


class Past(Protocol):
    """What was before a start that finds no state."""

    def events(self) -> Sequence[Event]:
        """What `recovery.remember` takes; nothing at the very first start. Blocks."""
