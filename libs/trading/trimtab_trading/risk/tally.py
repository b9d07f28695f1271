"""What is bound already while a row is being decided: open orders, and those just approved."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from decimal import Decimal

from trimtab_common.sides import Side
from trimtab_common.symbols import Symbol
from trimtab_trading.open_orders import OpenOrder
from trimtab_trading.risk.circumstances import Proposal
from trimtab_trading.risk.limits import BuyingPower
from trimtab_trading.risk.state import DeskState

ZERO = Decimal(0)
ONE = Decimal(1)


class Tally:
    """Running sums over the account; each approval adds to them."""

    def __init__(self, state: DeskState) -> None:
        self._state = state
        ledger = state.ledger
        self.purchases: defaultdict[Symbol, Decimal] = defaultdict(Decimal)
        self.sales: defaultdict[Symbol, Decimal] = defaultdict(Decimal)
        self.gross = sum(
            (
                abs(position.quantity) * ledger.marks[symbol]
                for symbol, position in ledger.positions.items()
                if position.quantity and symbol in ledger.marks
            ),
            ZERO,
        )
        self.open_notional = ZERO
        self.basket = ZERO
        self._counts_sales = state.limits.account.buying_power is BuyingPower.WITH_SALES
        self._costs = ZERO
        self._proceeds = ZERO
        self.equity = self._equity()
        for order in ledger.orders.values():
            self._count_order(order)
        self.basket = self.open_notional

    def _equity(self) -> Decimal | None:
        """Unknown while a holding of the universe has no price."""
        ledger = self._state.ledger
        if any(symbol in self._state.lines for symbol in ledger.unmarked()):
            return None
        return ledger.equity()

    def _count_order(self, order: OpenOrder) -> None:
        price = self._state.ledger.marks.get(order.symbol, order.price or ZERO)
        self._count(order.symbol, order.side, order.remaining, price)

    def _count(self, symbol: Symbol, side: Side, quantity: Decimal, price: Decimal) -> None:
        value = quantity * price
        if side is Side.SELL:
            self.sales[symbol] += quantity
            self._proceeds += value * (ONE - self._allowance(symbol))
            if self._counts_sales:
                self.gross -= value
            return
        self.purchases[symbol] += quantity
        self._costs += value * (ONE + self._allowance(symbol))
        self.gross += value
        self.open_notional += value

    def _allowance(self, symbol: Symbol) -> Decimal:
        return self._state.limits.class_of(symbol)[1].cost_allowance

    def approve(self, order: Proposal) -> None:
        """An order is on its way."""
        self._count(order.symbol, order.side, order.quantity, order.price)

    def spendable(self, at: datetime) -> Decimal:
        """Cash for purchases that trade at an instant, less the reserve and what is bound."""
        limits = self._state.limits.account
        reserve = limits.cash_reserve_amount
        if self.equity is not None:
            reserve = max(reserve, limits.cash_reserve_equity * self.equity)
        ledger = self._state.ledger
        if self._counts_sales:
            return ledger.cash + self._proceeds - reserve - self._costs
        return ledger.settled(at) - reserve - self._costs
