"""Whether trading goes on: trading, halted or flattening, and by whom and why.

The kill-switch file is a halt of its own: only its removal lifts it; and so is a recovery, which
only the account's balance lifts. Every other halt, and a flattening, is lifted by whoever resumes.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from trimtab_common.events import FlattenRequested, TradingHalted, TradingResumed, instant

KILL_SWITCH = "halt-file"
"""The name under which the kill-switch file halts and resumes."""
RECOVERY = "recovery"
"""The name under which trading is halted until it is known again what the account holds."""
OF_THEIR_OWN = (KILL_SWITCH, RECOVERY)


class TradingState(StrEnum):
    """What orders may do."""

    TRADING = "TRADING"
    """Everything the rules allow."""
    HALTED = "HALTED"
    """Nothing; cancels go on."""
    FLATTENING = "FLATTENING"
    """Only sell: every target counts as zero."""


class Command(NamedTuple):
    """Who ordered it, why and when."""

    by: str
    reason: str
    at: datetime

    @property
    def text(self) -> str:
        return f"{self.by}: {self.reason}" if self.reason else self.by

    def snapshot(self) -> list[str]:
        return [self.by, self.reason, instant(self.at)]


def restored(state: list[str]) -> Command:
    """The command whose `snapshot()` this was."""
    by, reason, at = state
    return Command(by, reason, datetime.fromisoformat(at))


class Control:
    """The halts in force and the flattening, if any."""

    def __init__(self) -> None:
        self.halts: dict[str, Command] = {}
        self.flatten: Command | None = None

    @property
    def state(self) -> TradingState:
        if self.halts:
            return TradingState.HALTED
        return TradingState.FLATTENING if self.flatten else TradingState.TRADING

    @property
    def why(self) -> str:
        """Who stopped trading and why; empty while it goes on."""
        if self.halts:
            return "; ".join(self.halts[by].text for by in sorted(self.halts))
        return self.flatten.text if self.flatten else ""

    def on_halted(self, event: TradingHalted) -> bool:
        """A halt stands beside those of others; a second one by the same hand changes nothing.

        Nor does a recovery: who reads of it has begun it, and may have ended it already.
        """
        is_news = event.by not in (*self.halts, RECOVERY)
        if is_news:
            self.halts[event.by] = Command(event.by, event.reason, event.at)
        return is_news

    def recover(self, reason: str, at: datetime) -> None:
        """Halt until the account is told."""
        self.halts[RECOVERY] = Command(RECOVERY, reason, at)

    def on_resumed(self, event: TradingResumed) -> None:
        """Lift one of the halts of their own if its cause is gone, else all the others."""
        if event.by in OF_THEIR_OWN:
            self.halts.pop(event.by, None)
            return
        self.flatten = None
        self._lift_the_others()

    def on_flatten(self, event: FlattenRequested) -> None:
        """To sell everything takes the place of a halt, except of those of their own."""
        self.flatten = Command(event.by, event.reason, event.at)
        self._lift_the_others()

    def _lift_the_others(self) -> None:
        self.halts = {by: halt for by, halt in self.halts.items() if by in OF_THEIR_OWN}

    def snapshot(self) -> dict[str, Any]:
        return {
            "halts": [halt.snapshot() for halt in self.halts.values()],
            "flatten": self.flatten and self.flatten.snapshot(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.halts = {by: restored([by, *rest]) for by, *rest in state["halts"]}
        self.flatten = restored(state["flatten"]) if state["flatten"] else None
