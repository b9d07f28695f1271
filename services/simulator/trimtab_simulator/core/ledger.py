"""What positions cost and what they are worth, beside the quantities that the venue keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from trimtab_common.sides import Side
from trimtab_common.symbols import Symbol

ZERO = Decimal(0)


@dataclass(slots=True)
class Cost:
    """What a position cost since it was opened, and what it cost counted from this session on."""

    ever: Decimal = ZERO
    today: Decimal = ZERO


@dataclass
class Ledger:
    """Average costs, last prices, and the equity at the end of each row."""

    cash: Decimal
    costs: dict[Symbol, Cost] = field(default_factory=dict)
    prices: dict[Symbol, Decimal] = field(default_factory=dict)
    """The close of the last opened bar."""
    last_prices: dict[Symbol, Decimal] = field(default_factory=dict)
    """The last price of the session before."""
    session: date | None = None
    last_session: date | None = None
    last_equity: Decimal = ZERO

    def __post_init__(self) -> None:
        self.last_equity = self.cash

    def begin(self, session: date, equity: Decimal, positions: Mapping[Symbol, Decimal]) -> None:
        """A new session: what was held over night costs what it was worth at the last close."""
        self.last_session, self.session = self.session, session
        self.last_equity = equity
        self.last_prices = dict(self.prices)
        for symbol, held in positions.items():
            self.costs[symbol].today = held * self.prices.get(symbol, ZERO)

    def trade(
        self, symbol: Symbol, side: Side, quantity: Decimal, price: Decimal, held: Decimal
    ) -> None:
        """Take in a fill; `held` is the position after it."""
        cost = self.costs.setdefault(symbol, Cost())
        if side is Side.BUY:
            cost.ever += quantity * price
            cost.today += quantity * price
        elif held:
            kept = held / (held + quantity)
            cost.ever *= kept
            cost.today *= kept
        else:
            del self.costs[symbol]

    def adjust(self, symbol: Symbol, before: Decimal, after: Decimal, ratio: Decimal) -> None:
        """A position changed without a trade; `ratio` is how many shares one has become."""
        if not after:
            self.costs.pop(symbol, None)
        elif not before:
            worth = after * self.prices.get(symbol, ZERO)
            self.costs[symbol] = Cost(worth, worth)
        for known in (self.prices, self.last_prices):
            if ratio != 1 and symbol in known:
                known[symbol] /= ratio

    def worth(self, positions: Mapping[Symbol, Decimal]) -> Decimal:
        """The market value of positions; one that was never priced counts at its cost."""
        total = ZERO
        for symbol, held in positions.items():
            price = self.prices.get(symbol)
            total += self.costs[symbol].ever if price is None else held * price
        return total
