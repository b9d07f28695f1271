"""A strategy's place at the desk: what it trades, when it decides, and what is held against it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from trimtab_common.calendars import CalendarName
from trimtab_common.symbols import Symbol
from trimtab_common.timeframes import Timeframe
from trimtab_trading.config import Strategies, StrategyConfig, Universe, symbols_of, timeframe_of
from trimtab_trading.position_rules import NO_RULES, PositionRules, position_rules
from trimtab_trading.schedule import parse_schedule
from trimtab_trading.strategy import (
    EVERY_ROW,
    AnyStrategy,
    Traits,
    begin,
    make,
    parameters_of,
    sound,
    traits,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
BOOK_COST_BPS = 2.0


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One strategy at the desk."""

    strategy: AnyStrategy
    name: str
    symbols: tuple[Symbol, ...]
    calendar: CalendarName
    timeframe: Timeframe
    share: Decimal
    """The fraction of the account that its weights are fractions of; the desk only shows it."""
    schedule: str = EVERY_ROW
    rules: PositionRules = NO_RULES
    enabled: bool = True
    allows_short: bool = False
    book_cost_bps: float = BOOK_COST_BPS
    """What a trade costs the virtual book, in basis points of its price."""
    book_drift_band: float | None = None
    """How far a weight may drift before the virtual book trades it back; None: for ever."""
    traits: Traits = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r:.90} is no name for a strategy: letters, digits, _.-")
        if not self.symbols or len(set(self.symbols)) != len(self.symbols):
            raise ValueError(f"strategy {self.name} needs symbols, each one once")
        said = traits(self.strategy, name=self.name, timeframe=self.timeframe)
        if said.timeframe is not self.timeframe:
            raise ValueError(
                f"strategy {self.name} is made for {said.timeframe.value} bars, "
                f"not for {self.timeframe.value}"
            )
        parse_schedule(self.schedule)
        _check_start(self.strategy)
        object.__setattr__(self, "traits", said)

    @property
    def rows(self) -> int | None:
        """Rows of its own timeframe that it is shown; None: all there are."""
        return self.traits.warmup

    @property
    def fingerprint(self) -> str:
        """Changes when what it remembers can no longer be trusted: another class or parameters."""
        kind = type(self.strategy)
        values = vars(self.strategy) if hasattr(self.strategy, "__dict__") else {}
        given = {name: values.get(name) for name in parameters_of(kind) or ()}
        return f"{kind.__module__}.{kind.__qualname__} {given!r} {self.traits.model_hash}"


def _check_start(strategy: AnyStrategy) -> None:
    """A strategy that cannot even begin is found out before the first row."""
    try:
        sound(begin(strategy))
    except Exception as error:
        raise ValueError(f"its start() failed: {type(error).__name__}: {error}") from error


def slots(
    strategies: Strategies,
    universe: Universe,
    class_named: Callable[[str], type],
) -> tuple[Slot, ...]:
    """The slots that the two configuration files describe, in their order.

    `class_named` finds the class for `uses`, a built-in's name or a path. ValueError names the
    strategy that is wrong.
    """
    found = []
    for entry in strategies.strategies:
        try:
            found.append(_slot(entry, universe, class_named(entry.uses)))
        except ValueError as complaint:
            raise ValueError(f"strategy {entry.name}: {complaint}") from complaint
    return tuple(found)


def _slot(entry: StrategyConfig, universe: Universe, type_: type) -> Slot:
    symbols = symbols_of(entry, universe)
    timeframe = timeframe_of(entry, universe)
    calendars = {universe.calendar_of(symbol) for symbol in symbols}
    calendar = calendars.pop() if len(calendars) == 1 else None
    if timeframe is None or calendar is None:
        raise ValueError(
            "its symbols need one calendar and one timeframe at which all are collected"
        )
    strategy = make(type_, entry.parameters, name=entry.name, timeframe=timeframe)
    own = traits(strategy, name=entry.name, timeframe=timeframe)
    return Slot(
        strategy=strategy,
        name=entry.name,
        symbols=symbols,
        calendar=calendar,
        timeframe=timeframe,
        share=entry.share,
        schedule=entry.schedule if "schedule" in entry.model_fields_set else own.schedule,
        rules=position_rules(entry.position_rules),
        enabled=entry.enabled,
    )
