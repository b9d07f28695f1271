"""How the strategy desk leaps: the answers to all rows in one call, and rows that change none."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from trimtab_trading.arrays import Booleans, Floats, Integers
from trimtab_trading.leap import Leap, Leaper
from trimtab_trading.market import Market
from trimtab_trading.panel import CLOSE, FIELDS, OPEN, Panel
from trimtab_trading.schedule import EveryRow
from trimtab_trading.strategy import Foreseeing, Targeting, all_targets, is_stateful
from trimtab_trading.strategy_seat import Seat


def leaper(seats: list[Seat], market: Market) -> Leaper | None:
    """A way over the market, if every seat is one whose answers can be known in advance."""
    return _Leaper(seats, market) if all(_can_leap(seat, market) for seat in seats) else None


def _can_leap(seat: Seat, market: Market) -> bool:
    slot = seat.slot
    of_this_market = (
        slot.symbols == market.symbols
        and slot.timeframe is market.timeframe
        and slot.calendar == market.calendar
    )
    plain = seat.schedule == EveryRow() and not slot.rules.any and not seat.others
    strategy = slot.strategy
    return of_this_market and plain and (_foresees(strategy) or not is_stateful(strategy))


def _foresees(strategy: object) -> bool:
    return hasattr(strategy, "foresee")


class _Leaper:
    """The desk's way: as quiet as the least quiet of its seats."""

    def __init__(self, seats: list[Seat], market: Market) -> None:
        bars = np.stack([market.told[name] for name in FIELDS])
        panel = Panel.from_bars(market.symbols, market.symbol_index, market.available_at, bars)
        self._market = market
        self._stamps: Integers = panel.ts.view(np.int64)
        self._values: Floats = np.stack([getattr(panel, name) for name in FIELDS])
        self._seats = [_SeatLeaper(seat, panel) for seat in seats]

    def quiet_rows(self, first: int, end: int) -> int:
        return min((seat.quiet_rows(first, end) for seat in self._seats), default=end - first)

    def leap(self, first: int, end: int) -> Leap:
        for window in dict.fromkeys(each.seat.window for each in self._seats):
            window.extend(self._stamps[first:end], self._values[:, first:end])
        at = self._market.instant_of(end - 1)
        opens, closes = self._values[OPEN, first:end], self._values[CLOSE, first:end]
        for each in self._seats:
            each.seat.pass_over(at, opens, closes, each.state_after(end - 1))
        return Leap(end - first)


class _SeatLeaper:
    """One strategy's answers to every row of a market."""

    def __init__(self, seat: Seat, panel: Panel) -> None:
        self.seat = seat
        self._panel = panel
        self._known_from: int | None = None
        self._answers: Floats = np.empty((0, 0))
        self._states: list[Any] = []
        self._changes: Integers = np.empty(0, dtype=np.int64)

    def quiet_rows(self, first: int, end: int) -> int:
        """Rows in which the answer is the one that was given last."""
        seat = self.seat
        window = seat.window
        if not seat.is_settled or len(window) != min(first, window.rows or first):
            return 0
        warm_at = (seat.slot.rows or 1) - 1
        if first < warm_at:
            return min(end, warm_at) - first
        known_from = first if self._known_from is None else self._known_from
        if self._known_from is None:
            self._foresee(first)
        if not seat.answered(self._answers[first - known_from]):
            return 0
        later = int(self._changes.searchsorted(first, "right"))
        return min(end, int(self._changes[later])) - first

    def _foresee(self, first: int) -> None:
        """Ask for all answers from a row on."""
        seat, strategy = self.seat, self.seat.slot.strategy
        shown = seat.slot.rows or first + 1
        panel = self._panel.last(len(self._panel) - (first + 1 - shown))
        with np.errstate(all="ignore"):
            if _foresees(strategy):
                answers, self._states = cast(Foreseeing, strategy).foresee(panel, seat.state)
            else:
                answers = all_targets(cast(Targeting, strategy), panel)[shown - 1 :]
        self._known_from, self._answers = first, np.ascontiguousarray(answers)
        differ: Booleans = (answers[1:] != answers[:-1]) & ~(
            np.isnan(answers[1:]) & np.isnan(answers[:-1])
        )
        changes = np.flatnonzero(differ.any(axis=1)) + first + 1
        self._changes = np.append(changes, len(self._panel))

    def state_after(self, row: int) -> Any:
        """What the strategy remembers after a row."""
        if self._known_from is None or not self._states:
            return self.seat.state
        return self._states[row - self._known_from]
