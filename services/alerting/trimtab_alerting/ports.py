"""What this room needs from outside: a place to keep alerts, and channels that carry them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from trimtab_alerting.core.wording import Message
from trimtab_common.events import AlertRaised


class Waiting(NamedTuple):
    """One alert in one queue."""

    number: int
    """Its place; lower ones go first."""
    alert: AlertRaised
    queued_at: float
    """Wall-clock seconds."""
    lost: int
    """How many older ones of this queue were given up and the owner was not told so."""


class Outcome(NamedTuple):
    """What became of one attempt to deliver."""

    sent: bool
    reason: str = ""
    """Why it was not sent; holds no secret."""


class Outbox(Protocol):
    """Alerts that outlive the process until they are delivered. Every method blocks."""

    def add(self, alerts: Sequence[tuple[AlertRaised, Sequence[str]]]) -> None:
        """Keep alerts for their queues; one that a queue has had already is not kept again."""

    def first(self, queue: str) -> Waiting | None:
        """The oldest alert that waits in a queue."""

    def delivered(self, queue: str, number: int) -> None:
        """The alert has arrived, and with it the word about those that were given up."""

    def give_up(self, queue: str, queued_before: float, reason: str) -> int:
        """Alerts that wait for longer are not tried again; returns how many there are."""

    def waiting(self) -> Mapping[str, int]:
        """How many alerts wait in each queue that has any."""


class Channel(Protocol):
    """Carries messages to one place."""

    @property
    def queue(self) -> str:
        """The queue it serves."""

    async def check(self) -> Outcome:
        """Whether it can carry anything at all, as far as that is known without sending."""

    async def send(self, alert: AlertRaised, message: Message) -> Outcome:
        """Try once. What is expected to go wrong is an outcome; anything else is raised."""

    async def rest(self) -> None:
        """Nothing is to be sent for a while: let go of what is held."""
