"""What the owner was told, what is only counted, and what is told at the end of a window.

A topic is one rule and one key. It is idle, gathers its first happenings, or is quiet because the
owner has just been told. The table NEXT says what each happening, good news and the end of a
span of time make of it; what is told is returned, with how many happenings it stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from trimtab_alerting.core.noted import Noted, clean
from trimtab_alerting.core.rules import Rule

TOPICS_MAX = 1000
LINES_MAX = 10
LINE_LENGTH_MAX = 160
OVERFLOW_KEY = "…"
"""Stands for every further key once there are too many topics to remember."""


class Phase(StrEnum):
    """What a topic does with the next happening."""

    IDLE = "idle"
    GATHERING = "gathering"
    QUIET = "quiet"


class Step(StrEnum):
    """What can befall a topic."""

    HAPPENED = "happened"
    RESOLVED = "resolved"
    EXPIRED = "expired"


class Manner(StrEnum):
    """Why the owner is told; the word stands in the id of the alert."""

    FIRST = "first"
    MORE = "more"
    RESOLVED = "resolved"
    FLAPPED = "flapped"


class Told(NamedTuple):
    """What the owner is to be told."""

    rule: Rule
    key: str
    manner: Manner
    cause: str
    at: str
    """Market time of the last happening, ISO."""
    words: Mapping[str, str]
    """Those of the last happening."""
    lines: tuple[str, ...]
    times: int


@dataclass
class Topic:
    """One rule and one key, and what is not told yet."""

    phase: Phase = Phase.IDLE
    until: float = 0.0
    """When gathering or quiet ends, in wall-clock seconds."""
    wrong: bool = False
    """It happened and was not resolved since."""
    told: bool = False
    """The owner believes that it is wrong."""
    count: int = 0
    cause: str = ""
    at: str = ""
    words: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def collect(self, rule: Rule, news: Noted) -> None:
        """Count a happening that is not told yet."""
        if not self.count:
            self.cause, self.lines = news.cause, []
        self.count += 1
        self._say(news)
        if len(self.lines) < LINES_MAX:
            self.lines.append(clean(rule.text.format_map(news.words), LINE_LENGTH_MAX))

    def _say(self, news: Noted) -> None:
        self.at, self.words = news.at.isoformat(), dict(news.words)

    def relieve(self, news: Noted) -> None:
        """Good news: nothing is counted, cause and words are those of the good news."""
        self.wrong, self.cause = False, news.cause
        self._say(news)

    def quiet(self, rule: Rule, now: float) -> None:
        """The owner has been told: nothing of this topic for a while."""
        self.phase, self.until = Phase.QUIET, now + rule.window_seconds
        self.count, self.cause, self.lines = 0, "", []

    @property
    def is_over(self) -> bool:
        return self.phase is Phase.IDLE and not self.told


Transition = Callable[[Topic, Rule, float], Manner | None]


def _begin(topic: Topic, rule: Rule, now: float) -> Manner | None:
    if topic.told:  # known and still wrong: counted, told at the end of a window
        topic.phase, topic.until = Phase.QUIET, now + rule.window_seconds
        return None
    if rule.gather_seconds:
        topic.phase, topic.until = Phase.GATHERING, now + rule.gather_seconds
        return None
    return Manner.FIRST


def _count(topic: Topic, rule: Rule, now: float) -> Manner | None:
    return None


def _tell(topic: Topic, rule: Rule, now: float) -> Manner | None:
    return Manner.FIRST


def _forget(topic: Topic, rule: Rule, now: float) -> Manner | None:
    """It was over before the owner was told: there is nothing to say."""
    topic.phase = Phase.IDLE
    return None


def _relieve(topic: Topic, rule: Rule, now: float) -> Manner | None:
    return Manner.RESOLVED if topic.told else None


def _end_window(topic: Topic, rule: Rule, now: float) -> Manner | None:
    if not topic.count:
        topic.phase = Phase.IDLE
        return None
    if rule.resolved_title is None or topic.told:
        return Manner.MORE
    return Manner.FIRST if topic.wrong else Manner.FLAPPED


NEXT: Mapping[tuple[Phase, Step], Transition] = {
    (Phase.IDLE, Step.HAPPENED): _begin,
    (Phase.IDLE, Step.RESOLVED): _relieve,
    (Phase.GATHERING, Step.HAPPENED): _count,
    (Phase.GATHERING, Step.RESOLVED): _forget,
    (Phase.GATHERING, Step.EXPIRED): _tell,
    (Phase.QUIET, Step.HAPPENED): _count,
    (Phase.QUIET, Step.RESOLVED): _relieve,
    (Phase.QUIET, Step.EXPIRED): _end_window,
}


class Memory:
    """All topics. Time comes from whoever calls, in wall-clock seconds."""

    def __init__(self) -> None:
        self._topics: dict[tuple[str, str], Topic] = {}

    def happened(self, rule: Rule, news: Noted, now: float) -> Iterator[Told]:
        """Take one happening into account; yields what the owner is to be told now."""
        key = self._key(rule, news)
        topic = self._topics.get((rule.name, key))
        if news.resolved:
            if topic is not None:
                topic.relieve(news)
                yield from self._step(rule, key, topic, Step.RESOLVED, now)
            return
        if topic is None:
            topic = self._topics[rule.name, key] = Topic()
        topic.wrong = True
        topic.collect(rule, news)
        yield from self._step(rule, key, topic, Step.HAPPENED, now)

    def expire(self, rules: Mapping[str, Rule], now: float) -> Iterator[Told]:
        """End the spans of time that are over; a rule that is gone takes its topics along."""
        for (name, key), topic in list(self._topics.items()):
            rule = rules.get(name)
            if rule is None:
                del self._topics[name, key]
            elif topic.phase is not Phase.IDLE and topic.until <= now:
                yield from self._step(rule, key, topic, Step.EXPIRED, now)

    def __len__(self) -> int:
        return len(self._topics)

    def snapshot(self) -> list[list[Any]]:
        return [[rule, key, asdict(topic)] for (rule, key), topic in self._topics.items()]

    def restore(self, state: list[list[Any]]) -> None:
        self._topics = {
            (rule, key): Topic(**{**topic, "phase": Phase(topic["phase"])})
            for rule, key, topic in state
        }

    def _key(self, rule: Rule, news: Noted) -> str:
        key = clean(rule.key.format_map(news.words), LINE_LENGTH_MAX)
        if (rule.name, key) in self._topics or len(self._topics) < TOPICS_MAX:
            return key
        return OVERFLOW_KEY

    def _step(self, rule: Rule, key: str, topic: Topic, step: Step, now: float) -> Iterator[Told]:
        manner = NEXT[topic.phase, step](topic, rule, now)
        if manner is not None:
            yield Told(
                rule, key, manner, topic.cause, topic.at, dict(topic.words),
                tuple(topic.lines), max(1, topic.count),
            )  # fmt: skip
            topic.told = topic.wrong and rule.resolved_title is not None
            topic.quiet(rule, now)
        if topic.is_over:
            self._topics.pop((rule.name, key), None)
