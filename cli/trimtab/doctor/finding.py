"""One line of the doctor's report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    WARN = "warn"
    """It runs, but not as it should for long."""
    FAIL = "fail"
    """It does not run, or must not."""


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was found, and what to do about it."""

    subject: str
    grade: Grade
    text: str
    advice: str = ""


def ok(subject: str, text: str) -> Finding:
    return Finding(subject, Grade.OK, text)


def warn(subject: str, text: str, advice: str) -> Finding:
    return Finding(subject, Grade.WARN, text, advice)


def fail(subject: str, text: str, advice: str) -> Finding:
    return Finding(subject, Grade.FAIL, text, advice)
