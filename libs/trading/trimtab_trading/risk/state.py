"""All that the risk desk remembers from one row to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from math import nan
from typing import Any

from trimtab_common.events import BarClosed, instant
from trimtab_common.money import plain, to_float
from trimtab_common.sides import Side
from trimtab_common.symbols import Symbol
from trimtab_trading.ledger import Ledger
from trimtab_trading.risk import attribution, rest
from trimtab_trading.risk.aims import Aims
from trimtab_trading.risk.attribution import Crossing
from trimtab_trading.risk.circumstances import RecentOrder
from trimtab_trading.risk.control import Control
from trimtab_trading.risk.instruments import Instrument, Settlement
from trimtab_trading.risk.limits import RiskLimits
from trimtab_trading.risk.refusals import Refusals
from trimtab_trading.risk.rest import Rest
from trimtab_trading.risk.targets import Targets

ZERO = Decimal(0)


@dataclass(slots=True, eq=False)
class Line:
    """One symbol of the universe, in floats: enough to see that a row changes nothing."""

    instrument: Instrument
    weight: float = 0.0
    """The fraction of equity that all strategies together want in it."""
    held: float = 0.0
    mark: float = nan
    restless: bool = False
    """Something happened that needs a closer look at the next row."""
    bar_at: datetime | None = None
    opened_at: datetime | None = None
    opening: Decimal = ZERO
    """The open of the finest bar of the newest row."""
    stale: bool = False
    rest: Rest | None = None
    """A refusal that stands; nothing else is wanted then."""

    def see(self, bar: BarClosed) -> bool:
        """Take a bar in if it is the newest, at one instant the finest; tell whether it was."""
        known = (self.bar_at, self.opened_at)
        if self.bar_at is not None and (bar.at, bar.opened_at) <= known:
            return False
        self.take(bar.at, bar.opened_at, bar.open)
        self.mark = to_float(bar.close)
        return True

    def take(self, at: datetime, opened_at: datetime, opening: Decimal) -> None:
        """A bar that is the newest; `mark` is its close."""
        self.bar_at, self.opened_at, self.opening = at, opened_at, opening
        self.stale = False

    def rests(self, at: datetime, equity: float) -> bool:
        """Whether nothing happened but prices, which have hardly moved since it was refused."""
        if self.rest is None or self.restless:
            return False
        return at < self.rest.until and bool(self.rest.is_near(self.mark, equity))

    def count_refusal(self, rows: int = 1) -> None:
        """So many more rows in which a refusal stood."""
        if self.rest is not None:
            self.rest.count(rows)

    def snapshot(self) -> list[Any]:
        return [
            self.restless,
            self.bar_at and instant(self.bar_at),
            self.opened_at and instant(self.opened_at),
            plain(self.opening),
            self.stale,
            self.rest and self.rest.snapshot(),
        ]

    def restore(self, state: list[Any], refusals: Refusals) -> None:
        restless, bar_at, opened_at, opening, stale, resting = state
        self.rest = resting and rest.restored(resting, self.instrument.symbol, refusals)
        self.restless, self.stale, self.opening = restless, stale, Decimal(opening)
        self.bar_at = bar_at and datetime.fromisoformat(bar_at)
        self.opened_at = opened_at and datetime.fromisoformat(opened_at)


@dataclass(slots=True)
class DeskState:
    """The account, the wishes, the control, and what is under way."""

    account: str
    limits: RiskLimits
    instruments: Mapping[Symbol, Instrument]
    ledger: Ledger
    targets: Targets
    aims: Aims
    control: Control
    lines: dict[Symbol, Line]
    refusals: Refusals = field(default_factory=Refusals)
    crossings: dict[Symbol, Crossing] = field(default_factory=dict)
    recent: list[RecentOrder] = field(default_factory=list)
    decisions: dict[Symbol, dict[str, Any]] = field(default_factory=dict)
    """The last thing decided about each symbol, in JSON values."""
    row_at: datetime | None = None

    def stir(self, symbol: Symbol) -> None:
        """Look closer at a symbol at its next row."""
        line = self.lines.get(symbol)
        if line is not None:
            line.restless = True

    def weigh(self, symbol: Symbol) -> None:
        """A target changed."""
        line = self.lines.get(symbol)
        if line is not None:
            line.weight = to_float(sum(self.targets.portions(symbol).values(), ZERO))
            line.restless = True

    def recount(self, symbol: Symbol) -> None:
        """A position changed."""
        line = self.lines.get(symbol)
        if line is not None:
            line.held = to_float(self.ledger.held(symbol))
            line.restless = True

    def snapshot(self) -> dict[str, Any]:
        return {
            "row_at": self.row_at and instant(self.row_at),
            "shares": self._shares(),
            "limits": self._limits(),
            "ledger": self.ledger.snapshot(),
            "targets": self.targets.snapshot(),
            "aims": self.aims.snapshot(),
            "control": self.control.snapshot(),
            "lines": {symbol: line.snapshot() for symbol, line in self.lines.items()},
            "refusals": self.refusals.snapshot(),
            "crossings": {symbol: each.snapshot() for symbol, each in self.crossings.items()},
            "recent": [
                [
                    each.client_order_id,
                    instant(each.at),
                    each.symbol,
                    each.side,
                    plain(each.quantity),
                ]
                for each in self.recent
            ],
            "decisions": {symbol: dict(each) for symbol, each in self.decisions.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Remember what `snapshot()` remembered; today's universe and limits stay."""
        self.row_at = state["row_at"] and datetime.fromisoformat(state["row_at"])
        self.ledger.restore(state["ledger"])
        self.targets.restore(state["targets"])
        self.aims.restore(state["aims"])
        self.control.restore(state["control"])
        self.refusals.restore(state["refusals"])
        self.crossings = {
            symbol: attribution.restored(each)
            for symbol, each in state["crossings"].items()
            if symbol in self.lines
        }
        self.recent = [
            RecentOrder(key, datetime.fromisoformat(at), symbol, Side(side), Decimal(quantity))
            for key, at, symbol, side, quantity in state["recent"]
        ]
        self.decisions = {symbol: dict(each) for symbol, each in state["decisions"].items()}
        for symbol, line in self.lines.items():
            self.weigh(symbol)
            self.recount(symbol)
            line.mark = to_float(self.ledger.marks.get(symbol, Decimal("NaN")))
            before = state["lines"].get(symbol, Line(line.instrument).snapshot())
            line.restore(before, self.refusals)
            line.restless |= state["limits"] != self._limits()
        if state["shares"] != self._shares():
            self.begin_anew()

    def begin_anew(self) -> None:
        """Every target is to be reached again, as if it had just been set."""
        for symbol in self.lines:
            self.aims.change_all(symbol)
            self.weigh(symbol)

    def _limits(self) -> str:
        """What the limits are recognised by."""
        return sha256(self.limits.model_dump_json().encode()).hexdigest()[:16]

    def _shares(self) -> dict[str, str]:
        return {strategy: plain(share) for strategy, share in self.targets.shares.items()}


def opened(
    account: str,
    limits: RiskLimits,
    instruments: Mapping[Symbol, Instrument],
    shares: Mapping[str, Decimal],
) -> DeskState:
    """The state of an account of which nothing is known yet."""
    targets = Targets(shares)
    return DeskState(
        account=account,
        limits=limits,
        instruments=instruments,
        ledger=Ledger(Settlement(instruments)),
        targets=targets,
        aims=Aims(targets, limits.account.rebalance),
        control=Control(),
        lines={symbol: Line(instruments[symbol]) for symbol in sorted(instruments)},
    )
