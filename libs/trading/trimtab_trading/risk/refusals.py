"""What was refused and for which cause, so that the owner hears of it once a session."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from trimtab_common.sides import Side
from trimtab_common.symbols import Symbol


@dataclass(slots=True)
class Known:
    """A refusal that was reported, and how often it has come since the cause was new."""

    cause: tuple[str, ...]
    session: date
    count: int


class Refusals:
    """Counts refusals by symbol, side and rule; a new cause begins to count anew."""

    def __init__(self) -> None:
        self._known: dict[tuple[Symbol, Side, str], Known] = {}

    def note(
        self, symbol: Symbol, side: Side, rule: str, cause: tuple[str, ...], session: date
    ) -> int | None:
        """Count one more; the count comes back if it is to be reported now.

        It is reported the first time, then at the first refusal of every later session.
        """
        known = self._known.get((symbol, side, rule))
        if known is None or known.cause != cause:
            self._known[symbol, side, rule] = Known(cause, session, 1)
            return 1
        known.count += 1
        if known.session == session:
            return None
        known.session = session
        return known.count

    def known(self, symbol: Symbol, side: Side, rules: Iterable[str]) -> tuple[Known, ...]:
        """What is remembered of some rules; their counts may be raised."""
        keys = ((symbol, side, rule) for rule in rules)
        return tuple(self._known[key] for key in keys if key in self._known)

    def counts(self) -> list[dict[str, Any]]:
        """Every refusal that is remembered, for /info."""
        return [
            {
                "symbol": symbol,
                "side": side.value,
                "rule": rule,
                "count": known.count,
                "session": known.session.isoformat(),
            }
            for (symbol, side, rule), known in sorted(self._known.items())
        ]

    def snapshot(self) -> list[list[Any]]:
        return [
            [symbol, side.value, rule, list(known.cause), known.session.isoformat(), known.count]
            for (symbol, side, rule), known in self._known.items()
        ]

    def restore(self, state: Iterable[list[Any]]) -> None:
        self._known = {
            (symbol, Side(side), rule): Known(tuple(cause), date.fromisoformat(session), count)
            for symbol, side, rule, cause, session, count in state
        }
