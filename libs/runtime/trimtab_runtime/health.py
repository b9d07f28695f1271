"""How a room fares: named checks, heartbeats, and what follows from them.

A check is a function that returns None, or the reason why something is not as it should be. It
answers from what the room knows already: it does no I/O, because it runs in the room's own loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from trimtab_common.events import Health

Check = Callable[[], str | None]
Clock = Callable[[], float]

LOOP_PATIENCE_SECONDS = 10.0
WORK_PATIENCE_SECONDS = 60.0


class Impact(StrEnum):
    """What a failing check makes of the room's health."""

    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True)
class Finding:
    """A check that fails, and why."""

    check: str
    impact: Impact
    reason: str
    affects_readiness: bool

    def as_json(self) -> dict[str, str]:
        return {"check": self.check, "impact": self.impact.value, "reason": self.reason}


@dataclass(frozen=True)
class Report:
    """The health of a room at one moment."""

    health: Health
    findings: tuple[Finding, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """One sentence each, as they stand in `RoomReported`."""
        return tuple(f"{finding.check}: {finding.reason}" for finding in self.findings)


@dataclass(frozen=True)
class _Registered:
    check: Check
    impact: Impact
    affects_readiness: bool


class Heartbeat:
    """A counter that a loop advances, also when it has nothing to do."""

    def __init__(self, name: str, patience_seconds: float, clock: Clock) -> None:
        self.name = name
        self.beats = 0
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._last = clock()

    def beat(self) -> None:
        """Say that the loop still goes round."""
        self.beats += 1
        self._last = self._clock()

    def complaint(self) -> str | None:
        """Why the loop looks stuck, None while it does not."""
        silent_seconds = self._clock() - self._last
        if silent_seconds <= self._patience_seconds:
            return None
        return f"no beat for {silent_seconds:.0f} s, {self._patience_seconds:.0f} s are allowed"


class HealthBoard:
    """Where a room registers what can be wrong with it.

    `room`, `release` and `mode` go into /info, and so does what `describe` tells. A new room is not
    ready until `started()` was called: what is still loading can do no work.
    """

    def __init__(
        self, room: str, *, release: str, mode: str, clock: Clock = time.monotonic
    ) -> None:
        self.room = room
        self.release = release
        self.mode = mode
        self.describe: Callable[[], dict[str, Any]] = dict
        """What /info tells beside who this is; asked anew each time."""
        self._clock = clock
        self._checks: dict[str, _Registered] = {}
        self._heartbeats: dict[str, Heartbeat] = {}
        self._born = clock()
        self._starting: str | None = "starting"
        self.register("start", lambda: self._starting, affects_readiness=True)

    def register(
        self,
        name: str,
        check: Check,
        *,
        impact: Impact = Impact.DEGRADED,
        affects_readiness: bool = False,
    ) -> None:
        """Add a check. While one that `affects_readiness` fails, the room cannot work."""
        if name in self._checks:
            raise ValueError(f"there is a check {name!r} already")
        self._checks[name] = _Registered(check, impact, affects_readiness)

    def heartbeat(self, name: str, patience_seconds: float = WORK_PATIENCE_SECONDS) -> Heartbeat:
        """Add a loop that must go round; when it is silent for longer, the process is restarted."""
        if name in self._heartbeats:
            raise ValueError(f"there is a heartbeat {name!r} already")
        heartbeat = Heartbeat(name, patience_seconds, self._clock)
        self._heartbeats[name] = heartbeat
        return heartbeat

    def starting(self, step: str) -> None:
        """Name the step of the start that is being done."""
        self._starting = step

    def started(self) -> None:
        """The start is over: from now on only checks decide about readiness."""
        self._starting = None

    def report(self) -> Report:
        """Run every check; the worst impact is the health."""
        findings = [*self._failing(), *self._stuck()]
        health = Health.HEALTHY
        if any(finding.impact is Impact.UNHEALTHY for finding in findings):
            health = Health.UNHEALTHY
        elif findings:
            health = Health.DEGRADED
        return Report(health, tuple(findings))

    def unready(self) -> list[Finding]:
        """Why the room cannot work; empty when it can."""
        return [finding for finding in self.report().findings if finding.affects_readiness]

    def dead(self) -> list[Finding]:
        """Why the process should be restarted; nothing outside the process counts here."""
        return self._stuck()

    def check_names(self) -> tuple[str, ...]:
        return tuple(self._checks)

    def info(self) -> dict[str, Any]:
        """Who this is and what it has done; no secrets, no positions."""
        return {
            "room": self.room,
            "release": self.release,
            "mode": self.mode,
            "uptime_seconds": round(self._clock() - self._born, 1),
            "beats": {name: heartbeat.beats for name, heartbeat in self._heartbeats.items()},
            **self.describe(),
        }

    def _failing(self) -> list[Finding]:
        findings = []
        for name, registered in self._checks.items():
            try:
                reason = registered.check()
            except Exception as error:  # noqa: BLE001 - a check that breaks is a fault to report
                reason = f"the check itself failed: {error!r}"
            if reason is not None:
                findings.append(
                    Finding(name, registered.impact, reason, registered.affects_readiness)
                )
        return findings

    def _stuck(self) -> list[Finding]:
        return [
            Finding(name, Impact.UNHEALTHY, complaint, affects_readiness=True)
            for name, heartbeat in self._heartbeats.items()
            if (complaint := heartbeat.complaint()) is not None
        ]
