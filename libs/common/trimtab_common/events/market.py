"""What ingest says about the market: bars, refused bars, stale feeds, and the end of each row."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from trimtab_common.events.base import Event, Fact, Name, Text, UtcTime, instant
from trimtab_common.money import NonNegative, Price
from trimtab_common.symbols import Symbol
from trimtab_common.timeframes import Timeframe


class BarClosed(Event):
    """A bar is complete. `at` is when it became available; everything orders by it."""

    stream: ClassVar[str] = "bars"
    produced_by: ClassVar[str] = "ingest"

    symbol: Symbol
    timeframe: Timeframe
    opened_at: UtcTime
    open: Price
    high: Price
    low: Price
    close: Price
    volume: NonNegative
    feed: Name
    revision: int = Field(default=0, ge=0)
    late: bool = False

    @model_validator(mode="after")
    def _holds_together(self) -> BarClosed:
        if not self.low <= min(self.open, self.close) <= max(self.open, self.close) <= self.high:
            raise ValueError("open and close must lie between low and high")
        if not self.opened_at < self.at:
            raise ValueError("a bar is available after it opened")
        return self

    @property
    def available_at(self) -> datetime:
        return self.at


def bar_id(
    feed: str, symbol: Symbol, timeframe: Timeframe, opened_at: datetime, revision: int = 0
) -> str:
    """A bar's id includes feed and revision: the same minute of two feeds is two facts."""
    return f"bar:{feed}:{symbol}:{timeframe.value}:{instant(opened_at)}:{revision}"


class BarRefused(Event):
    """A bar came and was not believed; `rule` says why."""

    stream: ClassVar[str] = "bars"
    produced_by: ClassVar[str] = "ingest"

    symbol: Text
    feed: Name
    rule: Name
    reason: Text
    received: Text


class FeedStale(Event):
    """Bars that were due did not come for longer than the configured patience."""

    stream: ClassVar[str] = "bars"
    produced_by: ClassVar[str] = "ingest"

    feed: Name
    symbols: tuple[Symbol, ...]
    last_bar_at: UtcTime | None
    age_seconds: float = Field(ge=0)


class Due(Fact):
    """One calendar and timeframe that had to deliver at a row, and who did."""

    calendar: Name
    timeframe: Timeframe
    opened_at: UtcTime
    present: tuple[Symbol, ...]
    missing: tuple[Symbol, ...] = ()


class RowClosed(Event):
    """The mark that ends row `at` on one stream. Every producer ends every row, even in silence."""

    stream: ClassVar[str] = "every family with rows"
    produced_by: ClassVar[str] = "ingest, strategy, risk, execution"

    family: Literal["bars", "signals", "orders", "fills"]
    by: Name
    due: tuple[Due, ...] = ()


def mark(row: datetime, family: str, by: str, due: tuple[Due, ...] = ()) -> RowClosed:
    """The mark of `by` that ends the row on `family`."""
    return RowClosed.trusted(
        id=f"row:{family}:{instant(row)}", at=row, family=family, by=by, due=due
    )
