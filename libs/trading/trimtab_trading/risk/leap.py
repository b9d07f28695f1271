"""How the risk desk leaps: in floats over all rows at once, until one needs a closer look."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from trimtab_common.money import to_float
from trimtab_common.symbols import Symbol
from trimtab_common.timeframes import Timeframe
from trimtab_trading.arrays import Booleans, Floats
from trimtab_trading.leap import Leap
from trimtab_trading.market import Market, aware, price_of
from trimtab_trading.risk.rest import Rest
from trimtab_trading.risk.state import Line

if TYPE_CHECKING:
    from trimtab_trading.risk.desk import RiskDesk


class RiskLeaper:
    """The desk's way over rows in which nobody else says anything; see `trimtab_trading.leap`."""

    def __init__(self, desk: RiskDesk, market: Market) -> None:
        self._desk = desk
        self._market = market
        self._lines = [desk.state.lines[symbol] for symbol in market.symbols]
        self._newest = market.newest_bars
        starts = market.row_starts[:-1, np.newaxis]
        self._present: Booleans = np.ascontiguousarray((self._newest >= starts).T)
        self._ends = market.available_at[market.row_starts[:-1]]
        before = [line.mark for line in self._lines]
        marks = np.where(self._newest < 0, before, market.told["close"][self._newest])
        self._marks: Floats = np.ascontiguousarray(marks.T)

    def quiet_rows(self, first: int, end: int) -> int:
        """Nothing may be left to exchange or to recover; what the desk itself says ends a leap."""
        state = self._desk.state
        return 0 if state.crossings or state.ledger.is_recovering else end - first

    def leap(self, first: int, end: int) -> Leap:
        """Go on to the first row after which something is said or agreed, at most to `end`."""
        row, desk, market = first, self._desk, self._market
        while row < end:
            stop = self._pass(row, end)
            if stop == end:
                break
            at = market.instant_of(stop)
            symbols = self._stand_at(stop, at)
            self._take(row, stop + 1)
            row = stop + 1
            said = desk.decide(at, symbols)
            if said or desk.state.crossings:
                return Leap(row - first, said)
        if row < end:
            self._take(row, end)
            desk.state.row_at = market.instant_of(end - 1)
        return Leap(end - first)

    def take(self, row: int) -> None:
        """One row's bars."""
        self._take(row, row + 1)

    def _pass(self, first: int, end: int) -> int:
        """The next row that needs a closer look, or `end`; refusals that stand are counted."""
        desk = self._desk
        here = zip(self._lines, self._present[:, first].tolist(), strict=True)
        if any(present and line.restless for line, present in here):
            return first
        marks = dict(zip(self._lines, self._marks[:, first:end], strict=True))
        equity = desk.rough_equity(marks.__getitem__)
        loud: Booleans = np.zeros(end - first, dtype=bool)
        refused: list[tuple[Line, Booleans]] = []
        for (line, mark), present in zip(marks.items(), self._present[:, first:end], strict=True):
            near = not line.restless and desk.is_near(line, equity, mark)
            if near is True:
                continue
            off = present & np.logical_not(near)
            if line.rest is not None and not line.restless:
                refused.append((line, off))
                off = off & ~self._stands(line.rest, first, end, mark, equity)
            loud |= off
        stop = int(loud.argmax())
        if not loud[stop]:
            stop = end - first
        for line, off in refused:
            line.count_refusal(int(np.count_nonzero(off[:stop])))
        return first + stop

    def _stands(self, rest: Rest, first: int, end: int, mark: Floats, equity: Any) -> Booleans:
        """In which rows a refusal stands."""
        until = np.datetime64(rest.until.replace(tzinfo=None), "us")
        stands: Booleans = rest.is_near(mark, equity) & (self._ends[first:end] < until)
        return stands

    def _stand_at(self, row: int, at: datetime) -> dict[Symbol, Timeframe]:
        """Bring the prices up to a row; the symbols that are looked at there come back."""
        for line, mark in zip(self._lines, self._marks[:, row].tolist(), strict=True):
            line.mark = mark
        here = [
            line
            for line, present in zip(self._lines, self._present[:, row].tolist(), strict=True)
            if present
        ]
        active = self._desk.active(at, here)
        return {line.instrument.symbol: self._market.timeframe for line in active}

    def _take(self, first: int, end: int) -> None:
        """Give the desk the newest bar of each symbol in some rows, as events would have done."""
        market = self._market
        start, bars = int(market.row_starts[first]), self._newest[end - 1].tolist()
        for line, symbol, bar in zip(self._lines, market.symbols, bars, strict=True):
            if bar >= start:
                at, opened_at = market.available_at[bar].item(), market.opened_at[bar].item()
                line.take(aware(at), aware(opened_at), price_of(market.open[bar].item()))
                close = price_of(market.close[bar].item())
                line.mark = to_float(close)
                self._desk.state.ledger.mark(symbol, close)
