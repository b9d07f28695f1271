"""What may be traded: each symbol with its calendar, its class and that class's limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from trimtab_common.calendars import Calendar, calendar, next_decision_open
from trimtab_common.symbols import Symbol
from trimtab_common.timeframes import Timeframe
from trimtab_trading.config import Universe
from trimtab_trading.risk.limits import AccountLimits, ClassLimits, RiskLimits


class Validity(NamedTuple):
    """When an order may be sent, and until when a bar may open that fills it."""

    not_before: datetime
    valid_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A symbol of the universe."""

    symbol: Symbol
    calendar: Calendar
    class_name: str
    limits: ClassLimits
    unit: Decimal = field(init=False)
    """The smallest quantity: one share, or a fraction."""

    def __post_init__(self) -> None:
        unit = Decimal(1).scaleb(-self.limits.quantity_decimals)
        object.__setattr__(self, "unit", unit)

    def validity(self, row: datetime, timeframe: Timeframe, limits: AccountLimits) -> Validity:
        """The life of an order decided at a row.

        While the session runs it may trade at once, for a few bars; what is decided at its close
        waits for the next open, and is void some minutes after it.
        """
        not_before = next_decision_open(self.calendar, timeframe, row)
        if not_before > row or timeframe.is_daily:
            return Validity(
                not_before, not_before + timedelta(minutes=limits.valid_minutes_after_open)
            )
        return Validity(not_before, row + limits.valid_bars * timeframe.duration)

    def session(self, at: datetime) -> date:
        """The session that runs at an instant, or the last one that began before it."""
        day = at.date()
        hours = self.calendar.hours_of(day)
        if hours is None or at < hours.opened_at:
            return self.calendar.previous_session(day)
        return day

    def settles_at(self, traded_at: datetime) -> datetime:
        """From when on the proceeds of a sale may be spent."""
        if not self.limits.settlement_sessions:
            return traded_at
        session = self.session(traded_at)
        for _ in range(self.limits.settlement_sessions):
            session = self.calendar.next_session(session)
        return self.calendar.open_of(session)


def instruments(universe: Universe, limits: RiskLimits) -> dict[Symbol, Instrument]:
    """Every symbol of the universe, in order: what is not here is never traded."""
    found = {}
    for symbol in universe.symbols:
        name = universe.calendar_of(symbol)
        if name is None:
            continue
        class_name, class_limits = limits.class_of(symbol)
        found[symbol] = Instrument(
            symbol=symbol, calendar=calendar(name), class_name=class_name, limits=class_limits
        )
    return found


class Settlement:
    """Answers the ledger's question: from when on may the proceeds of a sale be spent?

    What is not in the universe settles as slowly as the slowest that is.
    """

    def __init__(self, known: Mapping[Symbol, Instrument]) -> None:
        self._known = known
        ordered = sorted(known.values(), key=lambda each: each.limits.settlement_sessions)
        self._slowest = ordered[-1] if ordered else None

    def __call__(self, symbol: Symbol, traded_at: datetime) -> datetime:
        instrument = self._known.get(symbol, self._slowest)
        return traded_at if instrument is None else instrument.settles_at(traded_at)
