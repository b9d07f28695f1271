"""Why the exchange says no, in the words, codes and statuses of Alpaca."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, NamedTuple

BAD_BODY = 40010000
INVALID = 40010001
UNAUTHORIZED = 40110000
FORBIDDEN = 40310000
NOT_FOUND = 40410000
RULE_BROKEN = 42210000
TOO_MANY = 42910000
INTERNAL = 50010000
TIMED_OUT = 50410000


class Refusal(NamedTuple):
    """An answer that is no: an HTTP status and a body with code and message."""

    status: int
    code: int
    message: str
    details: tuple[tuple[str, Any], ...] = ()

    @property
    def body(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, **dict(self.details)}


def malformed(message: str) -> Refusal:
    """The request cannot be read at all."""
    return Refusal(HTTPStatus.BAD_REQUEST, BAD_BODY, message)


def invalid(message: str) -> Refusal:
    """A field has a value that it cannot have."""
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, INVALID, message)


def against_rules(message: str) -> Refusal:
    """Every field is well-formed, but a rule of trading forbids their combination."""
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, RULE_BROKEN, message)


def forbidden(message: str, **details: Any) -> Refusal:
    """The account may not, or cannot afford it."""
    return Refusal(HTTPStatus.FORBIDDEN, FORBIDDEN, message, tuple(details.items()))


def not_found(message: str) -> Refusal:
    """There is no such thing."""
    return Refusal(HTTPStatus.NOT_FOUND, NOT_FOUND, message)


def unauthorized(message: str = "request is not authorized") -> Refusal:
    """The keys are missing or malformed."""
    return Refusal(HTTPStatus.UNAUTHORIZED, UNAUTHORIZED, message)


def out_of_turn(message: str) -> Refusal:
    """A row cannot open now; only the simulator's own control endpoints say this."""
    return Refusal(HTTPStatus.CONFLICT, RULE_BROKEN, message)
