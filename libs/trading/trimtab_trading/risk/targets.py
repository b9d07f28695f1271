"""The standing targets: what each strategy wants of each symbol, until it says otherwise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from trimtab_common.events import SignalRaised, instant
from trimtab_common.money import decimal_from_float, plain
from trimtab_common.symbols import Symbol

ZERO = Decimal(0)
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Standing:
    """A strategy's last word on a symbol."""

    signal: str
    at: datetime
    weight: Decimal
    price: Decimal
    """What the strategy took for the last price."""
    mark: Decimal | None
    """What we took for it then; None: nothing was known."""
    reason: str

    @property
    def price_ratio(self) -> Decimal:
        """How far the strategy's price lay from ours: 1 where they agreed."""
        return self.price / self.mark if self.mark else ONE

    def snapshot(self) -> list[str | None]:
        mark = None if self.mark is None else plain(self.mark)
        at, weight, price = instant(self.at), plain(self.weight), plain(self.price)
        return [self.signal, at, weight, price, mark, self.reason]


class Targets:
    """Every standing target, and the part of the account each stands for.

    A strategy that wants a negative weight anywhere needs a short leg. The account holds none, and
    half a strategy is another strategy: all its targets count as zero while that is so.
    """

    def __init__(self, shares: Mapping[str, Decimal]) -> None:
        self.shares = dict(sorted(shares.items()))
        self._standing: dict[Symbol, dict[str, Standing]] = {}
        self._short: set[str] = set()
        self._portions: dict[Symbol, dict[str, Decimal]] = {}  # worked out, until a target changes

    def of(self, symbol: Symbol) -> dict[str, Standing]:
        """Who has spoken on a symbol, by strategy."""
        standing = self._standing.get(symbol, {})
        return {strategy: standing[strategy] for strategy in sorted(standing)}

    def symbols(self) -> tuple[Symbol, ...]:
        """The symbols anybody has spoken on, sorted."""
        return tuple(sorted(self._standing))

    def take(self, signal: SignalRaised, mark: Decimal | None) -> tuple[Symbol, ...]:
        """Replace a target; the symbols whose portions it changes come back.

        A weight that is no number, or a signal older than the one that stands, changes nothing.
        """
        standing = self._standing.get(signal.symbol, {}).get(signal.strategy)
        if not math.isfinite(signal.weight) or (standing and signal.at < standing.at):
            return ()
        self._portions.clear()
        was_short = self.needs_short(signal.strategy)
        weight = decimal_from_float(signal.weight)
        self._standing.setdefault(signal.symbol, {})[signal.strategy] = Standing(
            signal.id, signal.at, weight, signal.price, mark, signal.reason
        )
        self._look_for_shorts(signal.strategy)
        if self.needs_short(signal.strategy) != was_short:
            return tuple(s for s in self.symbols() if signal.strategy in self._standing[s])
        return (signal.symbol,)

    def portions(self, symbol: Symbol) -> Mapping[str, Decimal]:
        """The fraction of the account's equity that each strategy wants in a symbol; 0 or more."""
        portions = self._portions.get(symbol)
        if portions is None:
            portions = self._portions[symbol] = {
                strategy: self._portion(strategy, standing)
                for strategy, standing in self.of(symbol).items()
            }
        return portions

    def needs_short(self, strategy: str) -> bool:
        """Whether a strategy wants to be short anywhere."""
        return strategy in self._short

    def _look_for_shorts(self, strategy: str) -> None:
        wishes = (standing.get(strategy) for standing in self._standing.values())
        if any(wish is not None and wish.weight < 0 for wish in wishes):
            self._short.add(strategy)
        else:
            self._short.discard(strategy)

    def _portion(self, strategy: str, standing: Standing) -> Decimal:
        share = self.shares.get(strategy, ZERO)
        return ZERO if strategy in self._short else share * standing.weight

    def snapshot(self) -> list[list[Any]]:
        return [
            [symbol, strategy, *wish.snapshot()]
            for symbol, standing in self._standing.items()
            for strategy, wish in standing.items()
        ]

    def restore(self, state: Iterable[list[Any]]) -> None:
        self._standing = {}
        self._portions.clear()
        for symbol, strategy, signal, at, weight, price, mark, reason in state:
            self._standing.setdefault(symbol, {})[strategy] = Standing(
                signal,
                datetime.fromisoformat(at),
                Decimal(weight),
                Decimal(price),
                None if mark is None else Decimal(mark),
                reason,
            )
        for strategy in sorted({wish for each in self._standing.values() for wish in each}):
            self._look_for_shorts(strategy)
