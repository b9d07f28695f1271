"""What the risk room needs from outside: somebody who may say stop."""

from __future__ import annotations

from typing import NamedTuple, Protocol


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
