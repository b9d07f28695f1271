"""Keeps a real broker's limit on requests: who may wait, waits; the rest is held in reserve."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

PER_MINUTE = 200
"""What Alpaca allows; beyond it every request is answered with 429."""
RESERVE = 50
"""Kept for cancels, look-ups and reconciliation."""
SECONDS = 60.0


class RequestBudget:
    """A bucket that holds a minute's requests and fills at their rate. Thread-safe."""

    def __init__(
        self,
        *,
        per_minute: int = PER_MINUTE,
        reserve: int = RESERVE,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._per_second = per_minute / SECONDS
        self._full = float(per_minute)
        self._reserve = float(reserve)
        self._left = self._full
        self._filled_at = monotonic()
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait until a request would leave the reserve untouched."""
        while (missing := self._reserve + 1 - self._now_left()) > 0:
            self._sleep(missing / self._per_second)

    def take(self) -> None:
        """Count one request."""
        with self._lock:
            self._fill()
            self._left = max(self._left - 1, 0.0)

    def _now_left(self) -> float:
        with self._lock:
            self._fill()
            return self._left

    def _fill(self) -> None:
        now = self._monotonic()
        self._left = min(self._full, self._left + (now - self._filled_at) * self._per_second)
        self._filled_at = now
