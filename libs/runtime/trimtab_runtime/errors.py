"""What is wrong with something the owner wrote, said so that the owner can put it right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong: where it is, what was expected there and what was found."""

    place: str
    """The file (with line, if known) or the environment variable."""
    key: str
    """The path of the key, such as `strategies[2].share`; empty for the whole place."""
    expected: str
    found: str
    """Empty where `expected` tells the whole story."""

    def __str__(self) -> str:
        where = f"{self.place}: {self.key}" if self.key else self.place
        if not self.found:
            return f"{where}: {self.expected}"
        return f"{where}: expected {self.expected}; found {self.found}"


class ConfigError(Exception):
    """The configuration cannot be used. Its text has one line for each problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def shown(value: object, length_max: int = 60) -> str:
    """A value as it may stand in an error: quoted, and cut where it is long.

    >>> shown("x" * 10, length_max=8)
    "'xxxxxxx…"
    """
    text = repr(value)
    return text if len(text) <= length_max else f"{text[:length_max]}…"
