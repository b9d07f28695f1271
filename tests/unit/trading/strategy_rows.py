"""Rows, panels and desks for the tests of strategies: every part has a boring default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from trimtab_common.calendars import CalendarName
from trimtab_common.events import BarClosed, Due, RowClosed, SignalRaised, bar_id, mark
from trimtab_common.timeframes import Timeframe
from trimtab_trading.panel import Panel
from trimtab_trading.strategy_desk import StrategyDesk
from trimtab_trading.strategy_slot import Slot

OPEN = datetime(2024, 3, 5, 14, 30, tzinfo=UTC)  # a Tuesday, New York's open in winter
MINUTE = Timeframe.ONE_MINUTE


def minute(number: int) -> datetime:
    """The row at which the number-th minute bar after the open became available."""
    return OPEN + timedelta(minutes=number)


def bar(
    symbol: str,
    at: datetime,
    close: float | str | Decimal,
    *,
    opening: float | str | None = None,
    timeframe: Timeframe = MINUTE,
    opened_at: datetime | None = None,
    late: bool = False,
    revision: int = 0,
) -> BarClosed:
    """A bar that became available at `at`; it opened where it closed unless said otherwise."""
    last = Decimal(str(close))
    first = last if opening is None else Decimal(str(opening))
    opened_at = opened_at or at - timeframe.duration
    return BarClosed(
        id=bar_id("test", symbol, timeframe, opened_at, revision),
        at=at,
        symbol=symbol,
        timeframe=timeframe,
        opened_at=opened_at,
        open=first,
        high=max(first, last),
        low=min(first, last),
        close=last,
        volume=Decimal(100),
        feed="test",
        late=late,
        revision=revision,
    )


def closed(at: datetime, *due: tuple[str, Timeframe], bars: Sequence[BarClosed] = ()) -> RowClosed:
    """The mark of a row at which these calendars and timeframes were due."""
    return mark(
        at,
        "bars",
        "ingest",
        tuple(
            Due(
                calendar=calendar,
                timeframe=timeframe,
                opened_at=at - timeframe.duration,
                present=tuple(b.symbol for b in bars if b.timeframe is timeframe and not b.late),
            )
            for calendar, timeframe in (due or (("XNYS", MINUTE),))
        ),
    )


def slot(strategy: Any, **changes: Any) -> Slot:
    """A slot for A and B on minute bars of New York, with half of the account."""
    fields: dict[str, Any] = {
        "strategy": strategy,
        "name": "under-test",
        "symbols": ("A", "B"),
        "calendar": CalendarName.XNYS,
        "timeframe": MINUTE,
        "share": Decimal("0.5"),
    }
    return Slot(**{**fields, **changes})


def row(
    desk: StrategyDesk,
    at: datetime,
    closes: Mapping[str, float | str],
    *more: BarClosed,
    due: Sequence[tuple[str, Timeframe]] = (),
) -> list[SignalRaised]:
    """One row of minute bars with these closes, and other bars before them."""
    bars = [*more, *(bar(symbol, at, close) for symbol, close in closes.items())]
    for each in bars:
        assert not list(desk.handle(each))
    signals = list(desk.close(closed(at, *due, bars=bars)))
    assert all(isinstance(signal, SignalRaised) for signal in signals)
    return [signal for signal in signals if isinstance(signal, SignalRaised)]


def said(signals: Sequence[SignalRaised]) -> list[tuple[str, float]]:
    """What signals come to: symbol and weight."""
    return [(signal.symbol, signal.weight) for signal in signals]


def walk(rows: int, symbols: int, *, seed: int = 7, missing: float = 0.0) -> Panel:
    """A random walk of minute bars; a part of the bars may be missing."""
    generator = np.random.default_rng(seed)
    steps = generator.normal(0.0, 0.002, (rows, symbols))
    close = 100.0 * np.exp(np.cumsum(steps, axis=0))
    opening = close * np.exp(generator.normal(0.0, 0.0005, close.shape))
    values = np.stack(
        [
            opening,
            np.maximum(opening, close) * 1.0005,
            np.minimum(opening, close) * 0.9995,
            close,
            generator.integers(1, 1000, close.shape).astype(np.float64),
        ]
    )
    gone = generator.random(close.shape) < missing
    gone[:, 0] = False  # so that every row exists
    values[:, gone] = np.nan
    names = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:symbols])
    first = np.datetime64(minute(1).replace(tzinfo=None), "us")
    return Panel(first + np.arange(rows) * np.timedelta64(60, "s"), names, values)


class Scripted:
    """Answers with one row of weights after another, the last of them for ever; NaN keeps."""

    def __init__(
        self,
        *answers: Sequence[float],
        warmup: int | None = 1,
        timeframe: str | None = None,
        model_hash: str | None = None,
    ) -> None:
        self.answers = [list(answer) for answer in answers]
        self.warmup = warmup
        self.timeframe = timeframe
        self.model_hash = model_hash

    def start(self) -> int:
        return 0

    def step(self, panel: Panel, state: int) -> tuple[Any, int]:
        answer = self.answers[min(state, len(self.answers) - 1)]
        return np.array(answer, dtype=np.float64), state + 1
