"""Which queues an alert goes into: the channels of its rule, and what the owner calls them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from trimtab_alerting.core.rules import Rule
from trimtab_common.events import AlertRaised

OWNER = "owner"
"""Stands for every address without a name."""
ALWAYS_THERE = ("log", "file")

_BETWEEN = re.compile(r"[\s,]+(?=(?:[a-z][a-z0-9-]*=)?[A-Za-z][A-Za-z0-9+.-]*://)")
_ADDRESS = re.compile(r"(?:([a-z][a-z0-9-]{0,29})=)?([A-Za-z][A-Za-z0-9+.-]*://\S+)")


class Address(NamedTuple):
    """One Apprise URL and the queue that belongs to it."""

    channel: str
    """What rules call it."""
    queue: str
    url: str


def addresses(text: str) -> list[Address]:
    """Read `phone=ntfys://… mailtos://…`; raises ValueError, without a word of the secrets.

    An address without a name is one of `owner`. Its queue is named after its digest, so that what
    waits for one address is never sent to another.
    """
    found = []
    for number, part in enumerate(filter(None, _BETWEEN.split(text.strip())), 1):
        match = _ADDRESS.fullmatch(part)
        if match is None:
            raise ValueError(
                f"addresses such as mailtos://… or phone=ntfys://…, separated by spaces; number "
                f"{number} is none"
            )
        name, url = match[1], match[2]
        if name in ALWAYS_THERE:
            raise ValueError(f"another name than {name!r} for number {number}: that one is taken")
        digest = hashlib.sha256(url.encode()).hexdigest()[:8]
        found.append(Address(name or OWNER, name or f"{OWNER}-{digest}", url))
    queues = [address.queue for address in found]
    if len(set(queues)) < len(queues):
        raise ValueError("every name and every address once; one stands twice")
    return found


class Routes:
    """From a rule's channels to queues."""

    def __init__(self, rules: Iterable[Rule], known: Sequence[Address]) -> None:
        self._channels = {rule.name: rule.channels for rule in rules}
        self._queues: dict[str, list[str]] = {name: [name] for name in ALWAYS_THERE}
        self._queues[OWNER] = []
        for address in known:
            self._queues.setdefault(address.channel, []).append(address.queue)

    def unknown(self) -> Mapping[str, str]:
        """Rule → a channel it names that is not there."""
        return {
            rule: channel
            for rule, channels in self._channels.items()
            for channel in channels
            if channel not in self._queues
        }

    def queues(self, raised: AlertRaised) -> list[str]:
        """The queues for an alert, each once; an alert of an unknown rule goes everywhere."""
        channels = self._channels.get(raised.rule, (*self._queues,))
        return list(dict.fromkeys(queue for name in channels for queue in self._queues[name]))
