"""How the risk desk leaps: in floats over all rows at once, until one needs a closer look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trimtab_common.money import to_float
from trimtab_common.symbols import Symbol
from trimtab_common.timeframes import Timeframe
from trimtab_trading.arrays import Booleans, Floats
from trimtab_trading.leap import Leap
from trimtab_trading.market import Market, aware, price_of
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
        before = [line.mark for line in self._lines]
        self._marks: Floats = np.where(self._newest < 0, before, market.told["close"][self._newest])

    def quiet_rows(self, first: int, end: int) -> int:
        """Nothing may be left to exchange; what the desk itself says ends a leap."""
        return 0 if self._desk.state.crossings else end - first

    def leap(self, first: int, end: int) -> Leap:
        """Go on to the first row after which something is said or agreed, at most to `end`."""
        row, desk, market = first, self._desk, self._market
        while row < end:
            stop = self._pass(row, end)
            if stop == end:
                break
            symbols = self._stand_at(stop)
            self._take(row, stop + 1)
            row = stop + 1
            said = desk.decide(market.instant_of(stop), symbols)
            if said or desk.state.crossings:
                return Leap(row - first, said)
        if row < end:
            self._take(row, end)
            desk.state.row_at = market.instant_of(end - 1)
        return Leap(end - first)

    def _pass(self, first: int, end: int) -> int:
        """The next row that needs a closer look, or `end`; refusals that stand are counted."""
        desk = self._desk
        marks = dict(zip(self._lines, self._marks[first:end].T, strict=True))
        equity = desk.rough_equity(marks.__getitem__)
        present = self._newest[first:end] >= self._market.row_starts[first:end, np.newaxis]
        off = (
            present
            & np.array(
                [line.restless | ~desk.is_near(line, equity, mark) for line, mark in marks.items()]
            ).T
        )
        loud = (
            off
            & ~np.array(
                [self._rests(line, first, end, mark, equity) for line, mark in marks.items()]
            ).T
        )
        rows = np.flatnonzero(loud.any(axis=1))
        stop = int(rows[0]) if len(rows) else end - first
        for line, rows_off in zip(self._lines, off[:stop].sum(axis=0).tolist(), strict=True):
            line.count_refusal(rows_off)
        return first + stop

    def _rests(self, line: Line, first: int, end: int, mark: Floats, equity: Any) -> Booleans:
        """In which rows a refusal of the symbol stands."""
        rest = line.rest
        if rest is None or line.restless:
            return np.zeros(end - first, dtype=bool)
        until = np.datetime64(rest.until.replace(tzinfo=None), "us")
        ends = self._market.available_at[self._market.row_starts[first:end]]
        rests: Booleans = rest.is_near(mark, equity) & (ends < until)
        return rests

    def _stand_at(self, row: int) -> dict[Symbol, Timeframe]:
        """Bring the prices up to a row; the symbols that are looked at there come back."""
        market = self._market
        for line, mark in zip(self._lines, self._marks[row].tolist(), strict=True):
            line.mark = mark
        start, bars = int(market.row_starts[row]), self._newest[row].tolist()
        here = [line for line, bar in zip(self._lines, bars, strict=True) if bar >= start]
        active = self._desk.active(market.instant_of(row), here)
        return {line.instrument.symbol: market.timeframe for line in active}

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
