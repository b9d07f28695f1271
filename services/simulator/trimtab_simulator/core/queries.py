"""Reads the query of a request; the first thing wrong with it becomes the refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from trimtab_simulator.core.refusals import Refusal, invalid


class Query:
    """A request's query. A bad value reads as its default, and `refusal` then says what is bad."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self.refusal: Refusal | None = None

    def text(self, name: str) -> str | None:
        """A value as it was given; None where it is missing or empty."""
        return self._given.get(name) or None

    def names(self, name: str) -> tuple[str, ...]:
        """A list written with commas."""
        return tuple(part.strip() for part in self._given.get(name, "").split(",") if part.strip())

    def choice(self, name: str, choices: Sequence[str], default: str) -> str:
        """One of a few words."""
        value = self.text(name)
        if value is None or value in choices:
            return value or default
        self._refuse(f"{name} must be one of {', '.join(choices)}")
        return default

    def whole_number(self, name: str, default: int, most: int) -> int:
        """A number from 1 to `most`."""
        value = self.text(name)
        if value is None:
            return default
        if value.isascii() and value.isdigit() and 1 <= int(value) <= most:
            return int(value)
        self._refuse(f"{name} must be a whole number from 1 to {most}")
        return default

    def moment(self, name: str) -> datetime | None:
        """An instant in ISO 8601; without a zone it is meant in UTC."""
        value = self.text(name)
        if value is None:
            return None
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            self._refuse(f"{name} is not a time such as 2024-01-02T14:30:00Z: {value[:40]}")
            return None
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)

    def day(self, name: str) -> date | None:
        """A date, or the date of an instant."""
        found = self.moment(name)
        return None if found is None else found.date()

    def is_date(self, name: str) -> bool:
        """Whether a value names a day and no time of it."""
        value = self.text(name)
        return value is not None and len(value) == len("2024-01-02")

    def _refuse(self, message: str) -> None:
        self.refusal = self.refusal or invalid(message)
