"""Something that happened, in words: what the rules match and the templates are filled with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

TEXT_LENGTH_MAX = 1000

DEAD_LETTER = "DeadLetter"
"""Not an event but an entry of `dead`: something that a room could not process."""
ROOM_DOWN = "RoomDown"
"""Not an event but a conclusion: a room is silent or calls itself UNHEALTHY."""

WORDS: Mapping[str, frozenset[str]] = {
    kind: frozenset(f"at {words}".split())
    for kind, words in {
        "FeedStale": "feed symbols last_bar age",
        "FlattenRequested": "by reason",
        "MismatchFound": "subject ours brokers",
        "OrderFilled": "symbol side done quantity price fee filled ordered order",
        "OrderRefused": "account symbol side quantity rule reason value limit refusals",
        "OrderRejected": "symbol order reason",
        "TradingHalted": "by reason",
        "TradingResumed": "by reason",
        DEAD_LETTER: "stream entry type room reason",
        ROOM_DOWN: "room reason",
    }.items()
}
"""What a rule can be about, and the words that its templates may use."""


@dataclass(frozen=True, kw_only=True)
class Noted:
    """One happening. `cause` is the id of the event, `at` its market time."""

    kind: str
    cause: str
    at: datetime
    words: Mapping[str, str]
    resolved: bool = False
    """What was wrong is wrong no longer."""


def noted(kind: str, *, cause: str, at: datetime, resolved: bool = False, **words: object) -> Noted:
    """Put a happening into words: every value becomes text that is safe in an event."""
    said = {name: clean(str(value)) for name, value in words.items()}
    said["at"] = minute(at)
    return Noted(kind=kind, cause=cause, at=at, words=said, resolved=resolved)


def clean(text: str, length_max: int = TEXT_LENGTH_MAX) -> str:
    r"""Text without control characters and broken letters, cut where it is too long.

    >>> clean("one\ntwo\x00"), clean("abcdef", 4)
    ('one two ', 'abc…')
    """
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return plain if len(plain) <= length_max else f"{plain[: length_max - 1]}…"


def minute(at: datetime) -> str:
    """An instant as the owner reads it.

    >>> from datetime import UTC
    >>> minute(datetime(2019, 12, 2, 14, 31, 5, tzinfo=UTC))
    '2019-12-02 14:31 UTC'
    """
    return at.strftime("%Y-%m-%d %H:%M UTC")


def duration(seconds: float) -> str:
    """A time span in its largest fitting unit.

    >>> duration(42), duration(600), duration(5400), duration(172800)
    ('42 s', '10 min', '90 min', '48 h')
    """
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{seconds:.0f} s"
    if seconds < 7200:  # noqa: PLR2004 - two hours
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def listed(names: tuple[str, ...], shown_max: int = 5) -> str:
    """A few names, and how many more there are.

    >>> listed(("A", "B", "C"), 2)
    'A, B and 1 more'
    """
    if len(names) <= shown_max:
        return ", ".join(names)
    return f"{', '.join(names[:shown_max])} and {len(names) - shown_max} more"
