"""What the rooms say about themselves, and what the owner is told."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from trimtab_common.events.base import Event, EventId, Name, Text, UtcTime


class Health(StrEnum):
    """How a room fares; a halted system is healthy."""

    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    UNHEALTHY = "UNHEALTHY"


class Severity(StrEnum):
    """How much an alert matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class RoomReported(Event):
    """A room's own view of its health, every few seconds and on each change."""

    stream: ClassVar[str] = "health"
    produced_by: ClassVar[str] = "every room"

    room: Name
    health: Health
    reasons: tuple[Text, ...]
    generation: int = Field(ge=0)
    release: Name
    row_at: UtcTime | None


class MismatchFound(Event):
    """The broker's books and ours disagree; the broker's are the truth."""

    stream: ClassVar[str] = "health"
    produced_by: ClassVar[str] = "execution"

    subject: Text
    ours: Text
    brokers: Text
    resolved: bool = False


class AlertRaised(Event):
    """Something the owner should know, once. `key` is what repeats are recognised by.

    With `resolved`, what an earlier alert of this rule and key said holds no longer.
    """

    stream: ClassVar[str] = "alerts"
    produced_by: ClassVar[str] = "alerting"

    rule: Name
    key: Text
    severity: Severity
    title: Text
    text: Text
    cause: EventId
    count: int = Field(ge=1)
    resolved: bool = False
