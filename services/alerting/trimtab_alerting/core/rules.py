"""What the owner writes in config/alerts.yaml: rules, and the rooms that must report."""

from __future__ import annotations

from collections import Counter
from string import Formatter
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.types import StringConstraints

from trimtab_alerting.core.noted import ROOM_DOWN, WORDS
from trimtab_common.events import Severity

DAY_SECONDS = 86_400.0

RuleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
ChannelName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,29}$")]
RoomName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]


def words_of(template: str) -> set[str]:
    """The words in braces; raises ValueError for anything but plain words.

    >>> sorted(words_of("{side} {symbol}"))
    ['side', 'symbol']
    """
    found = set()
    for _, name, form, conversion in Formatter().parse(template):
        if name is None:
            continue
        if not name.isidentifier() or form or conversion:
            raise ValueError(f"braces hold one word such as {{symbol}}; found {template!r:.80}")
        found.add(name)
    return found


def _template(text: str) -> str:
    try:
        words_of(text)
    except ValueError as error:
        complaint = str(error)
        if "braces" not in complaint:  # Python's own words about an unmatched brace
            complaint = f"a brace is not closed or not opened in {text!r:.80}"
        raise ValueError(complaint) from None
    return text


Template = Annotated[
    str, StringConstraints(min_length=1, max_length=400), AfterValidator(_template)
]
"""Text with words in braces, such as `{symbol}`; which words there are depends on `on`."""


class Part(BaseModel):
    """A part of the file: frozen, and with no key that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Rule(Part):
    """When to tell the owner what, and how often at most."""

    name: RuleName
    on: str
    """A type of event, or `DeadLetter` or `RoomDown`."""
    severity: Severity
    key: Template
    """Happenings with the same key are one matter: they are counted, not told one by one."""
    gather_seconds: float = Field(default=0.0, ge=0, le=3600)
    """Wait so long after the first one, and tell all that came meanwhile as one alert."""
    window_seconds: float = Field(gt=0, le=DAY_SECONDS)
    """After an alert, its like is only counted for so long; then the count is told."""
    title: Template
    text: Template
    group_title: Template | None = None
    """The title when one alert stands for several happenings; it may also say `{count}`."""
    resolved_title: Template | None = None
    """The title when all is well again; without it the rule never speaks of the end."""
    channels: tuple[ChannelName, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _says_what_it_can(self) -> Self:
        if self.on not in WORDS:
            raise ValueError(f"on: {self.on!r:.60} is none of {', '.join(sorted(WORDS))}")
        known = WORDS[self.on]
        for field, template, more in (
            ("key", self.key, frozenset[str]()),
            ("title", self.title, frozenset[str]()),
            ("text", self.text, frozenset[str]()),
            ("group_title", self.group_title, frozenset({"count"})),
            ("resolved_title", self.resolved_title, frozenset[str]()),
        ):
            unknown = words_of(template or "") - known - more
            if unknown:
                words = ", ".join(sorted(known | more))
                raise ValueError(
                    f"{field}: {self.on} has no word {min(unknown)!r}; there are {words}"
                )
        return self


class Silence(Part):
    """When a room that says nothing counts as down."""

    seconds: float = Field(gt=5, le=DAY_SECONDS)
    """Wall-clock time without a report; rooms report every 5 s."""
    rooms: tuple[RoomName, ...]
    """These must report from the start; any other counts once it has reported."""


class AlertRules(Part):
    """The whole file."""

    silence: Silence
    rules: tuple[Rule, ...]

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        twice = [name for name, count in Counter(r.name for r in self.rules).items() if count > 1]
        if twice:
            raise ValueError(f"rules: the name {twice[0]!r} stands twice")
        return self

    def about(self, kind: str) -> tuple[Rule, ...]:
        """The rules for one kind of happening."""
        return tuple(rule for rule in self.rules if rule.on == kind)

    @property
    def watches_rooms(self) -> bool:
        return bool(self.about(ROOM_DOWN))
