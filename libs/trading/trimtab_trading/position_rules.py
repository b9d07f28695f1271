"""Stops on a strategy's own virtual book: shared by all strategies, hidden in none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from trimtab_trading.book import Position


@dataclass(frozen=True, kw_only=True)
class PositionRules:
    """When a position is given up although the strategy wants it; None switches a rule off.

    Percentages are of a price, looked at at each close of the strategy's timeframe. A rule that
    fires makes the symbol's target 0 until the strategy's own target has changed.
    """

    stop_loss_pct: float | None = None
    """Loss against the average entry price."""
    take_profit_pct: float | None = None
    """Gain over the average entry price."""
    trailing_stop_pct: float | None = None
    """Fall from the best close since the entry."""
    time_stop_rows: int | None = None
    """Rows since the entry."""

    @cached_property
    def any(self) -> bool:
        """Whether there is a rule at all."""
        return any(getattr(self, field.name) is not None for field in fields(self))

    def fired(self, position: Position) -> str | None:
        """The reason to give the position up, or None to go on."""
        for rule, limit in ((rule, getattr(self, name)) for name, rule in _RULES.items()):
            if limit is not None and (reason := rule(position, limit)) is not None:
                return f"stop: {reason}"
        return None


NO_RULES = PositionRules()


def position_rules(written: Mapping[str, Any]) -> PositionRules:
    """Read the rules as the owner writes them; ValueError says what is wrong.

    >>> position_rules({"stop_loss_pct": 3}).stop_loss_pct
    3.0
    """
    known = [field.name for field in fields(PositionRules)]
    rules: dict[str, Any] = {}
    for name, limit in written.items():
        if name not in known:
            raise ValueError(f"{name!r} is no position rule; there are {', '.join(known)}")
        if isinstance(limit, bool) or not isinstance(limit, int | float) or not limit > 0:
            raise ValueError(f"{name} is {limit!r}; expected a number above 0")
        if name == "time_stop_rows":
            if not isinstance(limit, int):
                raise ValueError(f"{name} is {limit!r}; expected a whole number of rows")
            rules[name] = limit
        else:
            rules[name] = float(limit)
    return PositionRules(**rules)


def _loss(position: Position, limit: float) -> str | None:
    loss = -100.0 * position.gain
    if loss < limit:
        return None
    entry = position.average_entry_price
    return f"{loss:.2f} % lost since the entry at {entry:.6g}, limit {limit:g} %"


def _profit(position: Position, limit: float) -> str | None:
    gain = 100.0 * position.gain
    if gain < limit:
        return None
    return (
        f"{gain:.2f} % gained since the entry at {position.average_entry_price:.6g}, "
        f"goal {limit:g} %"
    )


def _trailing(position: Position, limit: float) -> str | None:
    fall = 100.0 * position.fall_from_best
    if fall < limit:
        return None
    return f"{fall:.2f} % back from the best close {position.best_price:.6g}, limit {limit:g} %"


def _time(position: Position, limit: float) -> str | None:
    if position.rows_held < limit:
        return None
    return f"held for {position.rows_held} rows, limit {limit:g}"


_RULES: Mapping[str, Callable[[Position, float], str | None]] = {
    "stop_loss_pct": _loss,
    "take_profit_pct": _profit,
    "trailing_stop_pct": _trailing,
    "time_stop_rows": _time,
}
