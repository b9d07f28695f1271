"""What can be configured about the recorder from outside: how much the streams keep."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from trimtab_runtime.settings import RoomSettings


class Settings(RoomSettings):
    """The recorder's settings."""

    room: ClassVar[str] = "recorder"

    keep_hours: float = Field(default=120.0, ge=0, le=24 * 366)
    """Market time that the streams keep in any case. The default covers the last two sessions
    even over a long weekend."""
    trim_interval_seconds: float = Field(default=60.0, ge=0.05, le=86_400)

    database_busy_seconds: float = Field(default=5.0, gt=0, le=8)
    """One of five waits for a locked database, before the process ends and begins anew."""

    @property
    def keep(self) -> timedelta:
        return timedelta(hours=self.keep_hours)
