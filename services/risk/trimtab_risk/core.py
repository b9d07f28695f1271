"""What only the live room decides: whether the kill switch has to be told to the desk."""

from __future__ import annotations

from datetime import datetime

from trimtab_common.events import TradingHalted, TradingResumed, instant
from trimtab_common.events.base import EARLIEST
from trimtab_risk.ports import Pulled
from trimtab_trading.risk.control import KILL_SWITCH, Command

REMOVED = "the HALT file was removed"


class SwitchWatch:
    """Compares the switch with what the desk knows, and says each change once.

    The desk learns of it from the stream `control` like everybody else, at a place in the order
    of events that a replay finds again; until then the same thing is not said twice.
    """

    def __init__(self) -> None:
        self._said: bool | None = None

    def look(
        self, switch: Pulled | None, known: Command | None, row: datetime | None
    ) -> TradingHalted | TradingResumed | None:
        """The event that is due; `known` is the file's halt as the desk has it."""
        is_pulled = switch is not None
        if is_pulled == (known is not None):
            self._said = None
            return None
        if is_pulled == self._said:
            return None
        self._said = is_pulled
        at = row or EARLIEST
        if switch is not None:
            return TradingHalted(
                id=f"halted:file:{switch.stamp}", at=at, by=KILL_SWITCH, reason=switch.reason
            )
        halted_at = known.at if known else EARLIEST
        return TradingResumed(
            id=f"resumed:file:{instant(halted_at)}:{instant(at)}",
            at=at,
            by=KILL_SWITCH,
            reason=REMOVED,
        )


def oddity_reason(count: int, last: list[str]) -> str | None:
    """What happened in the account that should not have, or None.

    >>> oddity_reason(2, ["a", "b"])
    '2 things happened that should not have; the last one: b'
    """
    if not count:
        return None
    things = "1 thing" if count == 1 else f"{count} things"
    return f"{things} happened that should not have; the last one: {last[-1]}"


def price_reason(unpriced: list[str]) -> str | None:
    """Which holdings have no price, so that the equity cannot be known, or None."""
    return f"no price yet for {', '.join(unpriced)}" if unpriced else None
