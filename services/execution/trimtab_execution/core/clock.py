"""Our clock, put right by what the broker's own said last."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

SKEW_MAX = timedelta(seconds=2)


class BrokerClock:
    """What time it is for the broker, whose time rules an order's life."""

    def __init__(self, wall: Callable[[], datetime]) -> None:
        self._wall = wall
        self._ahead = timedelta(0)
        """How far the broker's clock is ahead of ours."""

    def __call__(self) -> datetime:
        return self._wall() + self._ahead

    def learn(self, asked: datetime, said: datetime, answered: datetime) -> None:
        """Take in what the broker's clock said between two instants of ours."""
        self._ahead = said - (asked + (answered - asked) / 2)

    def wall(self) -> datetime:
        """Our own clock, as it is."""
        return self._wall()

    @property
    def complaint(self) -> str | None:
        """Why this machine's clock cannot be trusted to trade by."""
        if abs(self._ahead) <= SKEW_MAX:
            return None
        seconds = self._ahead.total_seconds()
        return f"this machine's clock is {-seconds:+.1f} s off the broker's; set it right (NTP)"
