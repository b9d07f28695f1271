"""The strategy stage: bars in, row by row, and a signal for each target that changed.

Strategies of any calendar and timeframe sit at one desk. At each row those decide whose calendar
and timeframe are due and whose schedule says so, in the order of the configuration; what one of
them does wrong does not touch the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from trimtab_common.events import BarClosed, Event, RowClosed, SignalRaised, instant
from trimtab_common.money import decimal_from_float, to_float
from trimtab_common.symbols import Symbol
from trimtab_common.timeframes import Timeframe
from trimtab_trading.arrays import unpacked
from trimtab_trading.leap import Leaper
from trimtab_trading.market import Market
from trimtab_trading.stage import Input
from trimtab_trading.strategy_fault import Fault, ignore
from trimtab_trading.strategy_leap import leaper
from trimtab_trading.strategy_seat import Seat
from trimtab_trading.strategy_slot import Slot
from trimtab_trading.window import Bar, Window, microseconds

_Key = tuple[Timeframe, tuple[Symbol, ...]]
_Readers = dict[tuple[Symbol, Timeframe], list[tuple[Window, int]]]


class Need(NamedTuple):
    """History that strategies look at: the newest `rows` bars of each symbol; None: all."""

    timeframe: Timeframe
    symbols: tuple[Symbol, ...]
    rows: int | None


class PastBar(NamedTuple):
    """A bar of the time before the first row."""

    available_at: datetime
    symbol: Symbol
    timeframe: Timeframe
    bar: Bar


class _Pending(NamedTuple):
    """A bar that waits for the end of its row."""

    stamp: int
    late: bool
    symbol: Symbol
    timeframe: Timeframe
    bar: Bar


class StrategyDesk:
    """All strategies of one account, as one stage."""

    name = "strategy"
    output = "signals"
    inputs = (Input("bars"),)
    asides: tuple[str, ...] = ()

    def __init__(
        self, slots: Sequence[Slot], *, on_fault: Callable[[Fault], None] = ignore
    ) -> None:
        names = [slot.name for slot in slots]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"more than one strategy is called {', '.join(repeated)}")
        self._windows = _windows(slots)
        self._seats = [self._seat(slot, on_fault) for slot in slots if slot.enabled]
        self._readers = _readers(self._windows)
        self._pending: list[_Pending] = []
        self._leaving: list[dict[str, Any]] = []
        self._acts: Mapping[type[Event], Callable[[Any], Iterable[Event]]] = {
            BarClosed: self.on_bar
        }

    def _seat(self, slot: Slot, on_fault: Callable[[Fault], None]) -> Seat:
        others = {
            timeframe: self._windows[Timeframe(timeframe), slot.symbols]
            for timeframe in slot.traits.other_rows
        }
        return Seat(slot, self._windows[slot.timeframe, slot.symbols], others, on_fault)

    # --------------------------------------------------------------------- stage

    def handle(self, event: Event) -> Iterable[Event]:
        """Take one event in; what is no business of strategies is stepped over."""
        act = self._acts.get(type(event))
        return act(event) if act else ()

    def on_bar(self, bar: BarClosed) -> Iterable[Event]:
        """Keep the bar for the end of its row."""
        if (bar.symbol, bar.timeframe) in self._readers:
            self._pending.append(
                _Pending(microseconds(bar.at), bar.late, bar.symbol, bar.timeframe, _floats(bar))
            )
        return ()

    def close(self, row: RowClosed) -> Iterable[Event]:
        """The row is complete: the strategies that are due decide."""
        due = {(each.calendar, each.timeframe) for each in row.due}
        signals = list(self._leave(row.at)) if self._leaving else []
        stamp = microseconds(row.at)
        moved = _take_in(self._pending, stamp, self._readers)
        self._pending = [bar for bar in self._pending if bar.stamp > stamp]
        signals.extend(self._close(row.at, self._seats, moved, due))
        return signals

    def _close(
        self,
        at: datetime,
        seats: Iterable[Seat],
        moved: Collection[Window],
        due: Collection[tuple[str, Timeframe]],
    ) -> Iterator[SignalRaised]:
        """Ask, in order, every seat that is due and whose window has a new row."""
        for seat in seats:
            slot = seat.slot
            if seat.window in moved and (slot.calendar, slot.timeframe) in due:
                yield from seat.close(at)

    def _leave(self, at: datetime) -> Iterator[SignalRaised]:
        """Take back the targets of what is no longer configured."""
        leaving, self._leaving = self._leaving, []
        for left in leaving:
            yield SignalRaised.trusted(
                id=f"signal:{left['strategy']}:{left['symbol']}:{instant(at)}",
                at=at,
                strategy=left["strategy"],
                symbol=left["symbol"],
                weight=0.0,
                previous_weight=left["weight"],
                timeframe=Timeframe(left["timeframe"]),
                price=decimal_from_float(left["price"]),
                reason=left["reason"],
            )

    def leaper(self, market: Market) -> Leaper | None:
        """A way over the market's quiet rows, where the strategies allow one."""
        busy = self._pending or self._leaving
        return None if busy else leaper(self._seats, market, self.expect)

    def expect(self, symbol: Symbol, timeframe: Timeframe, stamp: int, bar: Bar) -> None:
        """A bar that waits for the end of its row, which ends `stamp` microseconds after 1970."""
        self._pending.append(_Pending(stamp, False, symbol, timeframe, bar))

    # ------------------------------------------------------------------- history

    def needs(self) -> tuple[Need, ...]:
        """The history that would have to be there for every strategy to decide at once."""
        return tuple(
            Need(timeframe, symbols, window.rows)
            for (timeframe, symbols), window in self._windows.items()
            if not len(window)
        )

    def warm(self, past: Iterable[PastBar]) -> int:
        """Live through history in silence, oldest bar first; the number of its rows comes back.

        Only strategies without any history take part. They decide as they would have, so that
        what they remember and hold is rebuilt, and tell all their targets once they are warm.
        """
        cold = {key: window for key, window in self._windows.items() if not len(window)}
        seats = [seat for seat in self._seats if seat.window in cold.values()]
        calendars = {str(seat.slot.calendar) for seat in seats}
        readers = _readers(cold)
        rows = 0
        for at, bars in groupby(past, key=lambda bar: bar.available_at):
            stamp = microseconds(at)
            row = [_Pending(stamp, False, *bar[1:]) for bar in bars if bar[1:3] in readers]
            moved = _take_in(row, stamp, readers)
            due = {(calendar, bar.timeframe) for bar in row for calendar in calendars}
            rows += bool(moved)
            for _ in self._close(at, seats, moved, due):
                pass  # said long ago, or never
        for seat in seats:
            if len(seat.window):
                seat.announce_all()
        return rows

    # --------------------------------------------------------------- remembering

    def info(self) -> dict[str, Any]:
        """What /info shows: each strategy with its targets, history and faults."""
        return {"strategies": {seat.slot.name: seat.info() for seat in self._seats}}

    def snapshot(self) -> dict[str, Any]:
        """All that the desk remembers, as JSON values."""
        return {
            "windows": [
                [timeframe.value, list(symbols), window.snapshot()]
                for (timeframe, symbols), window in self._windows.items()
            ],
            "seats": {seat.slot.name: seat.snapshot() for seat in self._seats},
            "pending": [[*bar[:4], list(bar.bar)] for bar in self._pending],
            "leaving": list(self._leaving),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a snapshot, also where the configuration has changed since it was taken."""
        for timeframe, symbols, window in state["windows"]:
            known = self._windows.get((Timeframe(timeframe), tuple(symbols)))
            if known is not None:
                known.restore(window)
        self._leaving = list(state["leaving"])
        seats = {seat.slot.name: seat for seat in self._seats}
        for name, remembered in state["seats"].items():
            seat = seats.get(name)
            if seat is not None:
                seat.restore(remembered)
            self._leaving.extend(_left(name, remembered, seat))
        self._pending = [
            _Pending(stamp, late, symbol, Timeframe(timeframe), tuple(bar))
            for stamp, late, symbol, timeframe, bar in state["pending"]
            if (symbol, Timeframe(timeframe)) in self._readers
        ]


def _windows(slots: Iterable[Slot]) -> dict[_Key, Window]:
    """One window for each timeframe and set of symbols, as long as its most demanding reader."""
    rows: dict[_Key, int | None] = {}
    for slot in slots:
        if not slot.enabled:
            continue
        wanted = {slot.timeframe.value: slot.rows, **slot.traits.other_rows}
        for timeframe, count in wanted.items():
            key = (Timeframe(timeframe), slot.symbols)
            known = rows.get(key, 0)
            rows[key] = None if count is None or known is None else max(known, count)
    return {key: Window(key[1], count) for key, count in rows.items()}


def _readers(windows: Mapping[_Key, Window]) -> _Readers:
    """Which windows, and which column in each, a bar of a symbol and timeframe goes to."""
    readers: _Readers = {}
    for (timeframe, symbols), window in windows.items():
        for column, symbol in enumerate(symbols):
            readers.setdefault((symbol, timeframe), []).append((window, column))
    return readers


def _take_in(bars: Iterable[_Pending], stamp: int, readers: _Readers) -> set[Window]:
    """Put the bars up to this row into the windows; the windows that have a new row come back.

    A bar of an earlier row, or marked late, only goes to its place in history.
    """
    rows: dict[Window, tuple[list[int], list[Bar]]] = {}
    for bar in bars:
        if bar.stamp > stamp:
            continue
        for window, column in readers[bar.symbol, bar.timeframe]:
            if bar.late or bar.stamp < stamp:
                window.insert(bar.stamp, column, bar.bar)
            else:
                columns, row = rows.setdefault(window, ([], []))
                columns.append(column)
                row.append(bar.bar)
    return {window for window, row in rows.items() if window.append(stamp, *row)}


def _left(name: str, remembered: Mapping[str, Any], seat: Seat | None) -> Iterator[dict[str, Any]]:
    """The standing targets that nobody looks after any more."""
    weights = unpacked(remembered["standing"])
    prices = unpacked(remembered["last_close"])
    for number, symbol in enumerate(remembered["symbols"]):
        if not weights[number] or (seat is not None and symbol in seat.slot.symbols):
            continue
        gone = "the strategy is" if seat is None else "the symbol is"
        yield {
            "strategy": name,
            "symbol": symbol,
            "weight": float(weights[number]),
            "timeframe": remembered["timeframe"],
            "price": float(prices[number]),
            "reason": f"{gone} no longer configured: target 0",
        }


def _floats(bar: BarClosed) -> Bar:
    return (
        to_float(bar.open),
        to_float(bar.high),
        to_float(bar.low),
        to_float(bar.close),
        to_float(bar.volume),
    )
