"""What the strategy room can be told from outside."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from trimtab_runtime.settings import RoomSettings


class StrategySettings(RoomSettings):
    """Which strategies run stands in the configuration files, not here."""

    room: ClassVar[str] = "strategy"

    patience_seconds: float = Field(default=0.25, gt=0)
    """How long a missing input is waited for while others have entries; never in a replay."""
    rebuild_rows: int = Field(default=1000, ge=0)
    """Rows of the bar store, beyond the warm-up, that a start without any state lives through, so
    that strategies that remember stand again where they stood."""
