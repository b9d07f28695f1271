"""What the account should hold by our own events, to be compared with what the broker says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from trimtab_common.events import CashAdjusted, Event, OrderFilled, PositionAdjusted
from trimtab_common.money import plain
from trimtab_common.symbols import Symbol

ZERO = Decimal(0)


@dataclass
class Books:
    """Cash and positions, folded from what this room has told."""

    cash: Decimal = ZERO
    positions: dict[Symbol, Decimal] = field(default_factory=dict)
    activities: set[str] = field(default_factory=set)
    """What happened in the account without an order and is in these books."""
    account_number: str = ""
    """Whose books these are; empty until the opening balance was told."""

    @property
    def opened(self) -> bool:
        return bool(self.account_number)

    def apply(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, OrderFilled):
                signed = event.side.sign * event.quantity
                self._hold(event.symbol, signed)
                self.cash -= signed * event.price + event.fee
            elif isinstance(event, CashAdjusted):
                self.cash += event.amount
            elif isinstance(event, PositionAdjusted):
                self._hold(event.symbol, event.quantity)

    def _hold(self, symbol: Symbol, quantity: Decimal) -> None:
        held = self.positions.get(symbol, ZERO) + quantity
        if held:
            self.positions[symbol] = held
        else:
            self.positions.pop(symbol, None)

    def snapshot(self) -> dict[str, Any]:
        return {
            "cash": plain(self.cash),
            "positions": {symbol: plain(held) for symbol, held in self.positions.items()},
            "activities": sorted(self.activities),
            "account_number": self.account_number,
        }

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Books:
        positions = {symbol: Decimal(held) for symbol, held in state["positions"].items()}
        activities = set(state["activities"])
        return cls(Decimal(state["cash"]), positions, activities, state["account_number"])
