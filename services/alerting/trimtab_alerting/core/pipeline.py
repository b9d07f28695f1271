"""The way from what happened to what the owner is told: match, count, word."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable
from typing import Any

from trimtab_alerting.core.memory import Memory, Told
from trimtab_alerting.core.noted import Noted
from trimtab_alerting.core.rules import AlertRules
from trimtab_alerting.core.watch import RoomWatch
from trimtab_alerting.core.wording import alert
from trimtab_common.events import AlertRaised, RoomReported

CAUSES_KEPT = 256
DIGEST_LENGTH = 12


class Pipeline:
    """Holds what was told and counted. Time comes from whoever calls, in wall-clock seconds."""

    def __init__(self, rules: AlertRules) -> None:
        self._file = rules
        self._by_name = {rule.name: rule for rule in rules.rules}
        self._memory = Memory()
        self._watch = RoomWatch(rules.silence)
        self._seen: deque[str] = deque(maxlen=CAUSES_KEPT)
        self.repeats = 0
        """How many happenings came twice, by their ids, and were not counted."""

    def note(self, happenings: Iterable[Noted], now: float) -> list[AlertRaised]:
        """Take happenings into account, in their order."""
        return [
            alert(told)
            for news in happenings
            if not self._is_known(news)
            for told in self._tell(news, now)
        ]

    def hear(self, report: RoomReported, now: float) -> list[AlertRaised]:
        """Take a room's report into account."""
        return self.note(self._watch.hear(report, now), now)

    def tick(self, now: float) -> list[AlertRaised]:
        """What time alone brings: silent rooms, and windows that are over."""
        said = self.note(self._watch.silent(now), now) if self._file.watches_rooms else []
        return said + [alert(told) for told in self._memory.expire(self._by_name, now)]

    def info(self) -> dict[str, Any]:
        """What /info shows."""
        return {"topics": len(self._memory), "rooms_down": list(self._watch.down)}

    def snapshot(self) -> dict[str, Any]:
        """All that must outlive the process, as JSON values."""
        return {
            "topics": self._memory.snapshot(),
            "rooms": self._watch.snapshot(),
            "seen": list(self._seen),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._memory.restore(state["topics"])
        self._watch.restore(state["rooms"])
        self._seen = deque(state["seen"], maxlen=CAUSES_KEPT)

    def _tell(self, news: Noted, now: float) -> list[Told]:
        return [
            told
            for rule in self._file.about(news.kind)
            for told in self._memory.happened(rule, news, now)
        ]

    def _is_known(self, news: Noted) -> bool:
        """Whether this very happening was counted already: events may be delivered twice."""
        text = f"{news.kind} {news.cause}"
        digest = hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]
        if digest in self._seen:
            self.repeats += 1
            return True
        self._seen.append(digest)
        return False
