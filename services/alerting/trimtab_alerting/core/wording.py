"""How an alert reads: the event that is published, and the message that a channel carries."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from trimtab_alerting.core.memory import Manner, Told
from trimtab_alerting.core.noted import clean, duration, minute
from trimtab_common.events import AlertRaised, Severity

ID_LENGTH_MAX = 240
TITLE_LENGTH_MAX = 200

Title = Callable[[Told], str]


def alert(told: Told) -> AlertRaised:
    """The event for what is told; the same causes give the same event."""
    resolved = told.manner in (Manner.RESOLVED, Manner.FLAPPED)
    return AlertRaised(
        id=_id(told),
        at=datetime.fromisoformat(told.at),
        rule=told.rule.name,
        key=clean(told.key),
        severity=Severity.INFO if resolved else told.rule.severity,
        title=clean(_TITLES[told.manner](told), TITLE_LENGTH_MAX),
        text=clean(_text(told, resolved)),
        cause=told.cause,
        count=told.times,
        resolved=resolved,
    )


def _id(told: Told) -> str:
    full = f"alert:{told.rule.name}:{told.manner}:{told.cause}"
    if len(full) <= ID_LENGTH_MAX:
        return full
    digest = hashlib.sha256(told.cause.encode()).hexdigest()
    return f"alert:{told.rule.name}:{told.manner}:{digest}"


def _filled(template: str, told: Told) -> str:
    return template.format_map({**told.words, "count": str(told.times)})


def _first(told: Told) -> str:
    rule = told.rule
    if told.times == 1 or rule.group_title is None:
        times = "" if told.times == 1 else f" ({told.times} times)"
        return _filled(rule.title, told) + times
    return _filled(rule.group_title, told)


def _more(told: Told) -> str:
    window = duration(told.rule.window_seconds)
    if told.rule.group_title is not None:
        return f"{_filled(told.rule.group_title, told)}, in {window}"
    return f"{_filled(told.rule.title, told)} ({told.times} more in {window})"


def _resolved(told: Told) -> str:
    return _filled(told.rule.resolved_title or told.rule.title, told)


def _flapped(told: Told) -> str:
    return f"{_resolved(told)} (came and went {told.times} times)"


_TITLES: Mapping[Manner, Title] = {
    Manner.FIRST: _first,
    Manner.MORE: _more,
    Manner.RESOLVED: _resolved,
    Manner.FLAPPED: _flapped,
}


def _text(told: Told, resolved: bool) -> str:
    if resolved or not told.lines:
        return _filled(told.rule.text, told)
    unsaid = told.times - len(told.lines)
    return " · ".join([*told.lines, *([f"and {unsaid} more"] if unsaid > 0 else [])])


class Message(NamedTuple):
    """What a channel shows: harmless text, whatever the event brought along."""

    title: str
    body: str
    severity: Severity


def message(raised: AlertRaised, mode: str) -> Message:
    """The message for an alert; `mode` (sim, paper, live) says whose money it is about."""
    mark = "✓ " if raised.resolved else ""
    body = f"{raised.text}\n{raised.rule} · {raised.severity} · {minute(raised.at)}"
    return Message(harmless(f"[{mode}] {mark}{raised.title}"), harmless(body), raised.severity)


def harmless(text: str) -> str:
    """Text that mentions nobody and hides no link: a zero-width space breaks what would.

    >>> harmless("@everyone") == "@\\u200beveryone", harmless("a < b")
    (True, 'a < b')
    """
    for opening in ("@", "](", "<@", "<!", "<#", "<h", "`"):
        text = text.replace(opening, f"{opening[0]}\u200b{opening[1:]}")
    return text
