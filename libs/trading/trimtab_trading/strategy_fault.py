"""What went wrong inside a strategy, in one line."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

_LENGTH_MAX = 300


class Fault(NamedTuple):
    """A strategy gave no usable answer at a row; its targets stand."""

    strategy: str
    at: datetime
    text: str


def ignore(fault: Fault) -> None:
    """Do nothing about a fault."""


def one_line(text: str) -> str:
    """Text without control characters, short enough for an event."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return text[:_LENGTH_MAX]
