"""A pipeline with rules and a clock of the test's own."""

from __future__ import annotations

import json
from typing import Any

from trimtab_alerting.core.noted import Noted
from trimtab_alerting.core.pipeline import Pipeline
from trimtab_alerting.core.rules import AlertRules
from trimtab_alerting.handlers import HANDLERS
from trimtab_common.events import AlertRaised, Event, RoomReported

SILENCE = {"seconds": 30.0, "rooms": []}


def rule(on: str, **fields: Any) -> dict[str, Any]:
    """A rule without gathering and with a window of a minute."""
    return {
        "name": f"rule-{on.lower()}", "on": on, "severity": "warning", "key": "all",
        "window_seconds": 60.0, "title": f"{on} {{at}}", "text": "at {at}", "channels": ["log"],
    } | fields  # fmt: skip


def rules(*some: dict[str, Any], silence: dict[str, Any] = SILENCE) -> AlertRules:
    return AlertRules.model_validate_json(json.dumps({"silence": silence, "rules": some}))


class Desk:
    """The pipeline, asked at a time that the test sets; what it says is kept."""

    def __init__(self, file: AlertRules) -> None:
        self.pipeline = Pipeline(file)
        self.now = 1_700_000_000.0
        self.said: list[AlertRaised] = []
        self._file = file

    def take(self, *events: Event) -> list[AlertRaised]:
        """Events arrive now; returns what is said at once."""
        said: list[AlertRaised] = []
        for event in events:
            words = HANDLERS[type(event)](event)
            if isinstance(words, RoomReported):
                said += self.pipeline.hear(words, self.now)
            else:
                said += self.note(words)
        self.said += said
        return said

    def note(self, *words: Noted) -> list[AlertRaised]:
        return self.pipeline.note(words, self.now)

    def wait(self, seconds: float) -> list[AlertRaised]:
        """Time passes; returns what is said because of it."""
        self.now += seconds
        said = self.pipeline.tick(self.now)
        self.said += said
        return said

    def restart(self) -> None:
        """Another process goes on from the stored state."""
        state = json.loads(json.dumps(self.pipeline.snapshot()))
        self.pipeline = Pipeline(self._file)
        self.pipeline.restore(state)
