"""What the risk room can be told from outside."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from trimtab_runtime.settings import RoomSettings


class RiskSettings(RoomSettings):
    """The limits stand in `config/risk.yaml`, not here."""

    room: ClassVar[str] = "risk"

    account: str = Field(default="main", pattern=r"^[a-z][a-z0-9_-]{0,39}$")
    """The account's name here; part of every order's id, so it never changes."""
    patience_seconds: float = Field(default=0.25, gt=0)
    """How long a missing input is waited for while others have entries; never in a replay."""
    halt_poll_seconds: float = Field(default=0.25, gt=0, le=1)
    """How often the kill-switch file is looked for."""
