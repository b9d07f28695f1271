"""How the exchange misbehaves when it is told to: each hazard of a real broker is a switch."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trimtab_simulator.core.refusals import (
    INTERNAL,
    TIMED_OUT,
    TOO_MANY,
    Refusal,
    invalid,
)


class Fault(StrEnum):
    """What can go wrong."""

    TIMEOUT_BEFORE = "timeout_before"
    """The request is not taken in, and nothing is answered for `seconds`."""
    TIMEOUT_AFTER = "timeout_after"
    """The request is taken in, and nothing is answered for `seconds`."""
    RESET_BEFORE = "reset_before"
    """The connection breaks before the request is taken in."""
    RESET_AFTER = "reset_after"
    TOO_MANY_REQUESTS = "too_many_requests"
    SERVER_ERROR_BEFORE = "server_error_before"
    SERVER_ERROR_AFTER = "server_error_after"
    GATEWAY_TIMEOUT_BEFORE = "gateway_timeout_before"
    GATEWAY_TIMEOUT_AFTER = "gateway_timeout_after"
    WRONG_ENUM = "wrong_enum"
    """Orders carry a status that nobody has heard of, in answers and in updates."""
    POSITIONS_EMPTY = "positions_empty"
    POSITIONS_ERROR = "positions_error"
    UPDATES_DROPPED = "updates_dropped"
    UPDATES_DUPLICATED = "updates_duplicated"
    UPDATES_REORDERED = "updates_reordered"
    """An update comes after others that were sent later, at most `seconds` late."""
    UPDATES_DELAYED = "updates_delayed"
    UPDATES_MUTE = "updates_mute"
    """The socket stays open and says nothing, until it is made anew."""
    UPDATES_CLOSED = "updates_closed"
    """The socket breaks where a message should come."""
    DATA_MUTE = "data_mute"
    DATA_CLOSED = "data_closed"
    CONNECTION_LIMIT = "connection_limit"
    """A new socket is refused with 406."""


BEFORE = (
    Fault.TIMEOUT_BEFORE,
    Fault.RESET_BEFORE,
    Fault.TOO_MANY_REQUESTS,
    Fault.SERVER_ERROR_BEFORE,
    Fault.GATEWAY_TIMEOUT_BEFORE,
)
AFTER = (
    Fault.TIMEOUT_AFTER,
    Fault.RESET_AFTER,
    Fault.SERVER_ERROR_AFTER,
    Fault.GATEWAY_TIMEOUT_AFTER,
)
ANSWERS = {
    Fault.TOO_MANY_REQUESTS: Refusal(429, TOO_MANY, "too many requests."),
    Fault.SERVER_ERROR_BEFORE: Refusal(500, INTERNAL, "internal server error"),
    Fault.SERVER_ERROR_AFTER: Refusal(500, INTERNAL, "internal server error"),
    Fault.GATEWAY_TIMEOUT_BEFORE: Refusal(504, TIMED_OUT, "gateway timeout"),
    Fault.GATEWAY_TIMEOUT_AFTER: Refusal(504, TIMED_OUT, "gateway timeout"),
}
RESETS = (Fault.RESET_BEFORE, Fault.RESET_AFTER)
UNHEARD_OF = "mystery_status"
SECONDS_DEFAULT = {Fault.UPDATES_DELAYED: 0.2, Fault.UPDATES_REORDERED: 0.05}
TIMEOUT_SECONDS_DEFAULT = 30.0


class SwitchSettings(BaseModel):
    """How often a fault happens: with a probability, or at the next N occasions."""

    model_config = ConfigDict(extra="forbid")

    probability: float = Field(default=0.0, ge=0, le=1)
    next: int = Field(default=0, ge=0)
    seconds: float | None = Field(default=None, ge=0)
    method: str | None = None
    """Only requests of this method; the default means all."""
    path: str | None = None
    """Only requests whose path begins so."""


class FaultSettings(BaseModel):
    """The body of `POST /control/faults`: fault → how often. The seed makes chance repeatable."""

    model_config = ConfigDict(extra="forbid")

    seed: int | None = None
    switches: dict[Fault, SwitchSettings]


@dataclass
class Switch:
    """A fault that is switched on, and how often it has happened."""

    settings: SwitchSettings
    left: int
    happened: int = 0


class Happening(NamedTuple):
    """A fault that happens now."""

    fault: Fault
    seconds: float

    @property
    def answer(self) -> Refusal | None:
        """What is answered instead; None where nothing is."""
        return ANSWERS.get(self.fault)

    @property
    def breaks(self) -> bool:
        return self.fault in RESETS


class Faults:
    """Every switch. Without any, the exchange behaves."""

    def __init__(self) -> None:
        self._switches: dict[Fault, Switch] = {}
        self._dice = random.Random(0)

    def set(self, body: bytes) -> Refusal | None:
        """Switch faults on (or off, with neither probability nor next); others stay."""
        try:
            wanted = FaultSettings.model_validate_json(body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            return invalid(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
        if wanted.seed is not None:
            self._dice = random.Random(wanted.seed)
        for fault, settings in wanted.switches.items():
            self._switches[fault] = Switch(settings, settings.next)
        return None

    def clear(self) -> None:
        """Behave again."""
        self._switches.clear()

    def shown(self) -> Mapping[str, Any]:
        """Every switch, what is left of it, and how often it has happened."""
        return {
            fault.value: {
                **switch.settings.model_dump(exclude_none=True),
                "next": switch.left,
                "happened": switch.happened,
            }
            for fault, switch in self._switches.items()
        }

    def happens(self, fault: Fault, method: str = "", path: str = "") -> Happening | None:
        """Whether a fault happens at this occasion."""
        switch = self._switches.get(fault)
        if switch is None or not _meant(switch.settings, method, path):
            return None
        if switch.left:
            switch.left -= 1
        elif self._dice.random() >= switch.settings.probability:
            return None
        switch.happened += 1
        seconds = switch.settings.seconds
        if seconds is None:
            seconds = SECONDS_DEFAULT.get(fault, TIMEOUT_SECONDS_DEFAULT)
        return Happening(fault, seconds)

    def first(self, faults: tuple[Fault, ...], method: str, path: str) -> Happening | None:
        """The first of several faults that happens to a request."""
        if not self._switches:
            return None
        for fault in faults:
            happening = self.happens(fault, method, path)
            if happening is not None:
                return happening
        return None

    def deliveries(self, updates: list[dict[str, Any]]) -> list[tuple[float, dict[str, Any]]]:
        """What becomes of updates on their way: each with the seconds by which it comes late."""
        if not self._switches:
            return [(0.0, update) for update in updates]
        return [
            (self._delay(), self._distorted(update))
            for update in updates
            if not self.happens(Fault.UPDATES_DROPPED)
            for _ in range(2 if self.happens(Fault.UPDATES_DUPLICATED) else 1)
        ]

    def _delay(self) -> float:
        late = self.happens(Fault.UPDATES_DELAYED) or self.happens(Fault.UPDATES_REORDERED)
        return late.seconds if late else 0.0

    def _distorted(self, update: dict[str, Any]) -> dict[str, Any]:
        return update | {"order": self.distorted(update["order"])}

    def distorted(self, answer: Any) -> Any:
        """An answer, with an unheard-of status in every order if that fault happens."""
        if isinstance(answer, list):
            return [self.distorted(part) for part in answer]
        if isinstance(answer, dict) and "client_order_id" in answer:
            return answer | {"status": UNHEARD_OF} if self.happens(Fault.WRONG_ENUM) else answer
        return answer


def _meant(settings: SwitchSettings, method: str, path: str) -> bool:
    if settings.method is not None and settings.method.upper() != method:
        return False
    return settings.path is None or path.startswith(settings.path)
