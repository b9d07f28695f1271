"""Whether a process that has ended is started again, and when."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from trimtab.exit_codes import GONE, REPLACED

CRASHES_MAX = 5
CRASH_WINDOW_SECONDS = 600.0
PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
CALM_WINDOW_SECONDS = 60.0
CALM_PAUSE_SECONDS_MAX = 4.0


@dataclass(frozen=True)
class Again:
    """Start it again after a pause."""

    pause_seconds: float
    why: str


@dataclass(frozen=True)
class Crashing:
    """It crashed too often: starting it again would only repeat the harm."""

    why: str


@dataclass(frozen=True)
class TakenOver:
    """Another process is this room now; starting it again would fight with that one."""

    why: str


Decision = Again | Crashing | TakenOver


class Restarts:
    """The history of one process's endings. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._crashes: deque[float] = deque()
        self._endings: deque[float] = deque()

    def forget(self) -> None:
        """The owner has put it right: count anew."""
        self._crashes.clear()
        self._endings.clear()

    @property
    def crashes(self) -> int:
        """Crashes that still count."""
        return len(self._crashes)

    def ended(self, code: int, now: float) -> Decision:
        """What follows from an ending that nobody asked for."""
        if code == REPLACED:
            return TakenOver("another process has taken this room over")
        if code in (0, GONE):
            why = (
                "Redis or another thing it needs was gone" if code == GONE else "somebody ended it"
            )
            _forget_before(self._endings, now - CALM_WINDOW_SECONDS)
            self._endings.append(now)
            return Again(min(_pause(len(self._endings)), CALM_PAUSE_SECONDS_MAX), why)
        _forget_before(self._crashes, now - CRASH_WINDOW_SECONDS)
        self._crashes.append(now)
        if len(self._crashes) >= CRASHES_MAX:
            minutes = CRASH_WINDOW_SECONDS / 60
            return Crashing(f"{len(self._crashes)} crashes within {minutes:.0f} minutes")
        return Again(_pause(len(self._crashes)), ended_how(code))


def ended_how(code: int) -> str:
    """An exit code in words.

    >>> ended_how(-9), ended_how(1)
    ('killed by signal 9', 'crashed with exit code 1')
    """
    return f"killed by signal {-code}" if code < 0 else f"crashed with exit code {code}"


def _pause(times: int) -> float:
    return PAUSES_SECONDS[min(times, len(PAUSES_SECONDS)) - 1]


def _forget_before(times: deque[float], earliest: float) -> None:
    while times and times[0] < earliest:
        times.popleft()
