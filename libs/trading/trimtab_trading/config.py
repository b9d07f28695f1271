"""What the owner writes about markets and strategies: the models of two configuration files.

`config/universe.yaml` says which symbols are collected, `config/strategies.yaml` which strategies
run on them. Nothing here reads a file; a complaint is a sentence that the reader of the file is
shown together with its place.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    model_validator,
)

from trimtab_common.calendars import CalendarName
from trimtab_common.symbols import AssetClass, Symbol, asset_class
from trimtab_common.timeframes import Timeframe

_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_FORMS = {
    "name": re.compile(r"[a-z][a-z0-9_-]{0,39}"),
    "schedule": re.compile(rf"every row|(?:open|close)[+-][0-9]{{1,3}}m|{_CLOCK}-{_CLOCK}"),
    "strategy": re.compile(r"[a-z][a-z0-9_]*|[^:\x00-\x1f]+\.py:[A-Za-z_][A-Za-z0-9_]*"),
}
_EXPECTED = {
    "name": "small letters, digits, - and _",
    "schedule": "'every row', 'open+30m', 'close-5m' or '09:31-11:30'",
    "strategy": "a built-in strategy such as mean_reversion, or path/to/file.py:ClassName",
}


def _form(kind: str) -> AfterValidator:
    """Accept only text of one form, and name the form where it is another."""

    def check(text: str) -> str:
        if _FORMS[kind].fullmatch(text):
            return text
        raise ValueError(f"{text!r:.60} is no {kind}; expected {_EXPECTED[kind]}")

    return AfterValidator(check)


ConfigName = Annotated[str, _form("name")]
"""A name that may stand in ids, metrics and file names."""

Schedule = Annotated[str, _form("schedule")]
"""The rows at which a strategy decides; clock times are New York's."""

Uses = Annotated[str, _form("strategy")]
"""The name of a built-in strategy, or `path/to/file.py:ClassName`."""


ALL: Literal["all"] = "all"
NATIVE: Literal["native"] = "native"


def _tag(word: str) -> Discriminator:
    """Tell the one word from everything else, so that a mistake gives one complaint."""
    return Discriminator(lambda value: "word" if value == word else "other")


SymbolsOrAll = Annotated[
    Annotated[Literal["all"], Tag("word")]
    | Annotated[tuple[Symbol, ...], Field(min_length=1), Tag("other")],
    _tag(ALL),
]
"""A list of symbols, or `all`: every symbol of the universe."""

TimeframeOrNative = Annotated[
    Annotated[Literal["native"], Tag("word")] | Annotated[Timeframe, Tag("other")], _tag(NATIVE)
]
"""A timeframe, or `native`: the finest one that all of the strategy's symbols are collected at."""


class Feed(StrEnum):
    """Where the bars of a group come from."""

    IEX = "iex"
    SIP = "sip"
    DELAYED_SIP = "delayed_sip"
    CRYPTO = "crypto"
    SIMULATED = "simulated"


class ConfigModel(BaseModel):
    """A part of a configuration file: frozen, and with no key that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class SymbolGroup(ConfigModel):
    """Symbols that share a calendar, a feed and the timeframes to collect."""

    name: ConfigName
    calendar: CalendarName
    timeframes: tuple[Timeframe, ...] = Field(min_length=1)
    symbols: tuple[Symbol, ...] = Field(min_length=1)
    feed: Feed

    @model_validator(mode="after")
    def _holds_together(self) -> SymbolGroup:
        _refuse_repeated("timeframe", (timeframe.value for timeframe in self.timeframes))
        _refuse_repeated("symbol", self.symbols)
        wanted = AssetClass.CRYPTO if self.calendar is CalendarName.ALWAYS else AssetClass.STOCK
        strangers = [symbol for symbol in self.symbols if asset_class(symbol) is not wanted]
        if strangers:
            raise ValueError(
                f"{', '.join(strangers)} cannot follow the calendar {self.calendar.value}: "
                f"it is for {wanted.value} symbols"
            )
        return self


class Universe(ConfigModel):
    """Every symbol that is collected."""

    groups: tuple[SymbolGroup, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _holds_together(self) -> Universe:
        _refuse_repeated("group", (group.name for group in self.groups))
        _refuse_repeated(
            "symbol and timeframe",
            (
                f"{symbol} {timeframe.value}"
                for group in self.groups
                for symbol in group.symbols
                for timeframe in group.timeframes
            ),
        )
        return self

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Every symbol once, sorted."""
        return tuple(sorted({symbol for group in self.groups for symbol in group.symbols}))

    def group(self, name: str) -> SymbolGroup | None:
        """The group of this name."""
        return next((group for group in self.groups if group.name == name), None)

    def calendar_of(self, symbol: Symbol) -> CalendarName | None:
        """The calendar a symbol follows; None for a symbol that is not collected."""
        return next((group.calendar for group in self.groups if symbol in group.symbols), None)

    def timeframes_of(self, symbol: Symbol) -> set[Timeframe]:
        """The timeframes a symbol is collected at."""
        return {
            timeframe
            for group in self.groups
            if symbol in group.symbols
            for timeframe in group.timeframes
        }

    @property
    def finest(self) -> dict[Symbol, Timeframe]:
        """The finest timeframe of every symbol."""
        return {
            symbol: min(self.timeframes_of(symbol), key=lambda each: each.duration)
            for symbol in self.symbols
        }


class StrategyConfig(ConfigModel):
    """One strategy that may run: which code, on what, with how much of the account."""

    name: ConfigName
    uses: Uses
    enabled: bool
    share: Decimal = Field(gt=0, le=1)
    """The fraction of the account's equity that its weights are fractions of."""
    group: ConfigName | None = None
    symbols: SymbolsOrAll | None = None
    timeframe: TimeframeOrNative
    schedule: Schedule = "every row"
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    position_rules: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _holds_together(self) -> StrategyConfig:
        if (self.group is None) == (self.symbols is None):
            raise ValueError(f"strategy {self.name} needs either a group or symbols, one of them")
        if self.symbols != ALL:
            _refuse_repeated("symbol", self.symbols or ())
        return self


class Strategies(ConfigModel):
    """All strategies, the enabled and the others."""

    strategies: tuple[StrategyConfig, ...]

    @model_validator(mode="after")
    def _holds_together(self) -> Strategies:
        _refuse_repeated("strategy", (strategy.name for strategy in self.strategies))
        total = sum((strategy.share for strategy in self.enabled), Decimal(0))
        if total > 1:
            raise ValueError(
                f"the shares of the enabled strategies add up to {total}; at most 1 is there"
            )
        return self

    @property
    def enabled(self) -> tuple[StrategyConfig, ...]:
        return tuple(strategy for strategy in self.strategies if strategy.enabled)


def symbols_of(strategy: StrategyConfig, universe: Universe) -> tuple[Symbol, ...]:
    """The symbols a strategy decides about, sorted; its own list, all, or those of its group."""
    if strategy.symbols == ALL:
        return universe.symbols
    if strategy.symbols is not None:
        return tuple(sorted(strategy.symbols))
    group = universe.group(strategy.group or "")
    return tuple(sorted(group.symbols)) if group else ()


def timeframe_of(strategy: StrategyConfig, universe: Universe) -> Timeframe | None:
    """The timeframe a strategy decides at; None if `native` finds none that all symbols share."""
    if strategy.timeframe != NATIVE:
        return Timeframe(strategy.timeframe)
    shared = set(Timeframe)
    for symbol in symbols_of(strategy, universe):
        shared &= universe.timeframes_of(symbol)
    return min(shared, key=lambda timeframe: timeframe.duration, default=None)


def contradictions(strategies: Strategies, universe: Universe) -> list[str]:
    """What the two files say against each other, one sentence each; enabled strategies only."""
    return [
        f"strategy {strategy.name}: {complaint}"
        for strategy in strategies.enabled
        for complaint in _complaints(strategy, universe)
    ]


def _complaints(strategy: StrategyConfig, universe: Universe) -> Iterable[str]:
    if strategy.group is not None and universe.group(strategy.group) is None:
        known = ", ".join(group.name for group in universe.groups)
        yield f"the universe has no group {strategy.group}; it has {known}"
        return
    symbols = symbols_of(strategy, universe)
    calendars = {universe.calendar_of(symbol) for symbol in symbols} - {None}
    if len(calendars) > 1:
        yield "its symbols follow two calendars; make it two strategies"
    timeframe = timeframe_of(strategy, universe)
    if timeframe is None:
        yield "there is no timeframe at which all its symbols are collected"
    for symbol in symbols:
        groups = [group for group in universe.groups if symbol in group.symbols]
        if not groups:
            yield f"{symbol} is in no group of the universe"
        elif timeframe and not any(timeframe in group.timeframes for group in groups):
            yield f"no group collects {symbol} at {timeframe.value}"


def _refuse_repeated(what: str, names: Iterable[str]) -> None:
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise ValueError(f"the {what} {', '.join(repeated)} stands here more than once")
