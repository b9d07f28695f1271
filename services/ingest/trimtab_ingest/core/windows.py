"""Coarser bars made of the streamed ones, window by window, by the exact engine's own function."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np

from trimtab_common.calendars import BarSpan
from trimtab_common.events import BarClosed
from trimtab_ingest.core.candle import Candle, Figures
from trimtab_ingest.core.plan import Line, window_of
from trimtab_trading.aggregate import aggregate
from trimtab_trading.market import Market, Times, bars_of_row


class _Piece(NamedTuple):
    """What is kept of a streamed bar while its window is open."""

    opened_at: datetime
    available_at: datetime
    symbol: int
    figures: Figures


class _Window:
    """The bars of one coarser line's present window."""

    def __init__(self, source: Line, target: Line, ended: datetime | None) -> None:
        self.target = target
        self.symbols = tuple(sorted(set(source.symbols) & set(target.symbols)))
        self.span: BarSpan | None = None
        self._source = source
        self._ended = ended
        self._index = {symbol: index for index, symbol in enumerate(self.symbols)}
        self._pieces: dict[tuple[datetime, int], _Piece] = {}

    def add(self, candles: Iterable[Candle]) -> None:
        """Take bars in. Those of a window that is over are no longer of use."""
        for bar, figures in candles:
            symbol = self._index.get(bar.symbol)
            if symbol is None:
                continue
            if self.span is None:
                self.span = self._window_after_the_last(bar.opened_at)
            if (
                self.span is not None
                and self.span.opened_at <= bar.opened_at < self.span.available_at
            ):
                self._pieces[bar.at, symbol] = _Piece(bar.opened_at, bar.at, symbol, figures)

    def finish(self) -> list[BarClosed]:
        """The coarser bars of this window, by symbol; the next one begins with its first bar."""
        market = self._market()
        self._pieces.clear()
        self._ended, self.span = self.span and self.span.available_at, None
        return bars_of_row(aggregate(market, self.target.timeframe), 0)

    def _window_after_the_last(self, opened_at: datetime) -> BarSpan | None:
        span = window_of(self.target.calendar, self.target.timeframe, opened_at)
        is_over = span is not None and self._ended is not None and span.available_at <= self._ended
        return None if is_over else span

    def _market(self) -> Market:
        """The pieces as a market, sorted as a market is."""
        pieces = [self._pieces[key] for key in sorted(self._pieces)]
        figures = np.array([piece.figures for piece in pieces], dtype=np.float64).T
        return Market(
            symbols=self.symbols,
            timeframe=self._source.timeframe,
            calendar=self._source.calendar.name.value,
            feed=self._source.feed,
            source="",
            symbol_index=np.array([piece.symbol for piece in pieces], dtype=np.int32),
            opened_at=_times(piece.opened_at for piece in pieces),
            available_at=_times(piece.available_at for piece in pieces),
            open=figures[0],
            high=figures[1],
            low=figures[2],
            close=figures[3],
            volume=figures[4],
        )


class Windows:
    """The open windows of everything that is made of one streamed line."""

    def __init__(
        self, source: Line, targets: Sequence[Line], *, ended: datetime | None = None
    ) -> None:
        """`ended`: windows that were over by then are not opened again."""
        self._windows = [_Window(source, target, ended) for target in targets]

    def add(self, candles: Sequence[Candle]) -> None:
        """Take in the bars of a row, or late ones: what is made later is made of them, too."""
        for window in self._windows:
            window.add(candles)

    def next_end(self) -> datetime | None:
        """When the first of the open windows ends."""
        ends = [window.span.available_at for window in self._windows if window.span is not None]
        return min(ends, default=None)

    def finish(self, at: datetime) -> dict[Line, list[BarClosed]]:
        """The coarser bars of all windows that end at an instant."""
        return {
            window.target: window.finish()
            for window in self._windows
            if window.span is not None and window.span.available_at <= at
        }

    def begun_at(self, at: datetime) -> datetime:
        """How far back bars are needed to have every window that is open after an instant."""
        spans = (window_of(w.target.calendar, w.target.timeframe, at) for w in self._windows)
        begun = [
            span.opened_at for span in spans if span and span.opened_at < at < span.available_at
        ]
        return min(begun, default=at)


def _times(instants: Iterable[datetime]) -> Times:
    return np.array([at.replace(tzinfo=None) for at in instants], dtype="datetime64[us]")
