"""What the owner and the guards order: halt, resume, flatten."""

from __future__ import annotations

from typing import ClassVar

from trimtab_common.events.base import Event, Name, Text


class TradingHalted(Event):
    """No new order leaves from here on; cancels always do."""

    stream: ClassVar[str] = "control"
    produced_by: ClassVar[str] = "owner, risk"

    by: Name
    reason: Text


class TradingResumed(Event):
    """A halt was lifted: by a person, or because the kill-switch file is gone."""

    stream: ClassVar[str] = "control"
    produced_by: ClassVar[str] = "owner, risk"

    by: Name
    reason: Text


class FlattenRequested(Event):
    """Every strategy's targets count as zero until trading is resumed."""

    stream: ClassVar[str] = "control"
    produced_by: ClassVar[str] = "owner"

    by: Name
    reason: Text
