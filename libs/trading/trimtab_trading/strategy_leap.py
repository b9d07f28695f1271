"""How the strategy desk leaps: the answers to all rows in one call, and rows that change none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from trimtab_common.symbols import Symbol
from trimtab_common.timeframes import Timeframe
from trimtab_trading.arrays import Booleans, Floats, Integers
from trimtab_trading.leap import Leap, Leaper
from trimtab_trading.market import Market
from trimtab_trading.panel import CLOSE, FIELDS, OPEN, Panel
from trimtab_trading.schedule import EveryRow
from trimtab_trading.strategy import Foreseeing, Targeting, all_targets, is_stateful
from trimtab_trading.strategy_seat import Seat
from trimtab_trading.window import Bar

Expect = Callable[[Symbol, Timeframe, int, Bar], None]
"""Gives the desk a bar: its symbol and timeframe, the microsecond of its row, and its prices."""


def leaper(seats: list[Seat], market: Market, expect: Expect) -> Leaper | None:
    """A way over the market, if every seat is one whose answers can be known in advance."""
    if not all(_can_leap(seat, market) for seat in seats):
        return None
    return _Leaper(seats, market, expect)


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

    def __init__(self, seats: list[Seat], market: Market, expect: Expect) -> None:
        bars = np.stack([market.told[name] for name in FIELDS])
        panel = Panel.from_bars(market.symbols, market.symbol_index, market.available_at, bars)
        self._market = market
        self._expect = expect
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

    def take(self, row: int) -> None:
        market, stamp = self._market, int(self._stamps[row])
        bars = self._values[:, row].T.tolist()
        for column in market.symbol_index[market.slice_of(row)].tolist():
            self._expect(market.symbols[column], market.timeframe, stamp, tuple(bars[column]))
        for each in self._seats:
            each.seat.foreseen = each.foreseen(row)


class _SeatLeaper:
    """One strategy's answers to every row of a market."""

    def __init__(self, seat: Seat, panel: Panel) -> None:
        self.seat = seat
        self._panel = panel
        self._faults = seat.faults
        self._was_asked = False
        self._is_known = False
        self._first = 0  # the row of the first answer
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
        if not self._was_asked:
            self._try_to_foresee(first)
        answer = self._answer_at(first)
        if answer is None or not seat.answered(answer):
            return 0
        later = int(self._changes.searchsorted(first, "right"))
        return min(end, int(self._changes[later])) - first

    def _try_to_foresee(self, first: int) -> None:
        """Ask once. Who fails at that is asked row by row, where a fault is noted."""
        self._was_asked = True
        try:
            self._foresee(first)
        except Exception:  # noqa: BLE001  the owner's code may fail in any way
            return
        self._is_known = True

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
        self._first, self._answers = first, np.ascontiguousarray(answers)
        differ: Booleans = (answers[1:] != answers[:-1]) & ~(
            np.isnan(answers[1:]) & np.isnan(answers[:-1])
        )
        changes = np.flatnonzero(differ.any(axis=1)) + first + 1
        self._changes = np.append(changes, len(self._panel))

    def _answer_at(self, row: int) -> Floats | None:
        """The answer at a row; None if it is unknown, as after a fault: it led to another state."""
        if not self._is_known or self.seat.faults > self._faults:
            return None
        answer: Floats = self._answers[row - self._first]
        return answer

    def foreseen(self, row: int) -> tuple[Floats, Any] | None:
        """What `step` would return at a row, where that is known."""
        answer = self._answer_at(row) if self._states else None
        return None if answer is None else (answer, self.state_after(row))

    def state_after(self, row: int) -> Any:
        """What the strategy remembers after a row."""
        return self._states[row - self._first] if self._states else self.seat.state
