"""What one strategy would hold if it were alone: the virtual book behind stops and scores."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan, nan
from typing import Any, NamedTuple

import numpy as np

from trimtab_trading.arrays import Floats, packed, unpacked

BASIS_POINT = 1e-4
_DUST = 1e-12


class Position(NamedTuple):
    """One symbol's holding in a book, at the last close."""

    quantity: float
    average_entry_price: float
    best_price: float
    """The best close since the entry: the highest of a long, the lowest of a short position."""
    price: float
    rows_held: int

    @property
    def gain(self) -> float:
        """The unrealised gain as a fraction of the entry price; negative is a loss."""
        change = self.price / self.average_entry_price - 1.0
        return change if self.quantity > 0 else -change

    @property
    def fall_from_best(self) -> float:
        """How far the price has gone back from its best, as a fraction of the best."""
        change = 1.0 - self.price / self.best_price
        return change if self.quantity > 0 else -change


class Book:
    """Cash and holdings of one strategy with a capital of its own; statistics, not money.

    A target is turned into a quantity at the close at which it was decided, and traded at the
    symbol's next open, `cost_bps` basis points worse. A target that has not changed is traded
    again only where the holding's weight has drifted from it by more than `drift_band`; None:
    never. Prices between decision and fill may leave the cash a little below zero.
    """

    def __init__(
        self,
        symbols: int,
        *,
        cost_bps: float,
        drift_band: float | None = None,
        capital: float = 1.0,
    ) -> None:
        self._cost = cost_bps * BASIS_POINT
        self._band = drift_band
        self._capital = capital
        self._cash = capital
        self._high_water = capital
        self._equity = capital
        # Lists, not arrays: a row touches few of the numbers, each one by one.
        self._quantity = [0.0] * symbols
        self._average = [nan] * symbols
        self._best = [nan] * symbols
        self._price = [nan] * symbols
        self._rows_held = [0] * symbols
        self._aimed = [0.0] * symbols
        self._waiting: dict[int, float] = {}
        self._held: list[int] = []

    # -------------------------------------------------------------------- a row

    def open(self, opens: Sequence[float]) -> None:
        """The bars of a row: what waits is traded at their opens (NaN: no bar, it waits on)."""
        for symbol, wanted in list(self._waiting.items()) if self._waiting else ():
            price = opens[symbol]
            if not isnan(price):
                del self._waiting[symbol]
                self._trade(symbol, wanted - self._quantity[symbol], price)

    def _trade(self, symbol: int, quantity: float, price: float) -> None:
        if abs(quantity) < _DUST:
            return
        paid = price * (1.0 + self._cost if quantity > 0 else 1.0 - self._cost)
        held = self._quantity[symbol]
        after = held + quantity
        if abs(after) < _DUST:
            after = 0.0
        if after == 0.0:
            self._average[symbol] = self._best[symbol] = nan
            self._rows_held[symbol] = 0
        elif held * after <= 0.0:  # a new position, or one turned round
            self._average[symbol] = self._best[symbol] = paid
            self._rows_held[symbol] = 0
        elif abs(after) > abs(held):
            self._average[symbol] = (self._average[symbol] * held + paid * quantity) / after
        self._cash -= quantity * paid
        self._quantity[symbol] = after
        self._list_held()

    def _list_held(self) -> None:
        self._held = [symbol for symbol, held in enumerate(self._quantity) if held]

    def mark(self, closes: Sequence[float]) -> None:
        """The closes of the row (NaN: the last known one goes on)."""
        for symbol, close in enumerate(closes):
            if not isnan(close):
                self._price[symbol] = close
        value = 0.0
        for symbol in self._held:
            held, price = self._quantity[symbol], self._price[symbol]
            best = max if held > 0 else min
            self._best[symbol] = best(self._best[symbol], price)
            self._rows_held[symbol] += 1
            value += held * price
        self._equity = self._cash + value
        self._high_water = max(self._high_water, self._equity)

    def aim(self, targets: Sequence[float]) -> None:
        """The targets that stand after the row's decision; what differs waits for the next open."""
        for symbol, target in enumerate(targets):
            if target == self._aimed[symbol] and not self._has_drifted(symbol, target):
                continue
            price = self._price[symbol]
            if not isnan(price) and self._equity > 0:
                self._waiting[symbol] = target * self._equity / price
                self._aimed[symbol] = target

    def _has_drifted(self, symbol: int, target: float) -> bool:
        if self._band is None or not self._equity > 0:
            return False
        held = self._quantity[symbol]
        weight = held * self._price[symbol] / self._equity if held else 0.0
        return abs(weight - target) > self._band

    def pass_over(self, opens: Floats, closes: Floats, targets: Sequence[float]) -> None:
        """Many rows (T, N) of the same targets, as if they had come one by one."""
        row = 0
        while row < len(opens) and self._is_busy(targets):
            self.open(opens[row].tolist())
            self.mark(closes[row].tolist())
            self.aim(targets)
            row += 1
        if self._held:
            for each in closes[row:].tolist():
                self.mark(each)
            return
        for symbol in range(closes.shape[1] if row < len(opens) else 0):
            known = closes[row:, symbol]
            known = known[~np.isnan(known)]
            if len(known):
                self._price[symbol] = float(known[-1])

    def _is_busy(self, targets: Sequence[float]) -> bool:
        """Whether something may be traded, now or at the next row."""
        return bool(self._waiting) or self._band is not None or self._aimed != targets

    # ------------------------------------------------------------------ looking

    @property
    def held(self) -> list[int]:
        """The symbols with a position, by number."""
        return list(self._held)

    def position(self, symbol: int) -> Position:
        """The position in a symbol; its prices are NaN where there is none."""
        return Position(
            self._quantity[symbol],
            self._average[symbol],
            self._best[symbol],
            self._price[symbol],
            self._rows_held[symbol],
        )

    @property
    def weights(self) -> Floats:
        """What is held, as fractions of the equity, (N,)."""
        weights = np.zeros(len(self._quantity))
        if self._equity > 0:
            for symbol in self._held:
                weights[symbol] = self._quantity[symbol] * self._price[symbol] / self._equity
        return weights

    @property
    def equity(self) -> float:
        """Cash and holdings at the last close; the book began with 1 unless said otherwise."""
        return self._equity

    @property
    def gain(self) -> float:
        """The return since the book began, as a fraction of its capital."""
        return self._equity / self._capital - 1.0

    @property
    def high_water(self) -> float:
        """The highest equity at any close."""
        return self._high_water

    # ---------------------------------------------------------------- remembering

    def snapshot(self) -> dict[str, Any]:
        """The whole book, as JSON values."""
        return {
            "cash": self._cash,
            "equity": self._equity,
            "high_water": self._high_water,
            "floats": packed(
                np.array([self._quantity, self._average, self._best, self._price, self._aimed])
            ),
            "rows_held": packed(np.array(self._rows_held, dtype=np.int64)),
            "waiting": sorted(self._waiting.items()),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become the book whose snapshot this was."""
        self._cash, self._equity = state["cash"], state["equity"]
        self._high_water = state["high_water"]
        self._quantity, self._average, self._best, self._price, self._aimed = unpacked(
            state["floats"]
        ).tolist()
        self._rows_held = unpacked(state["rows_held"]).tolist()
        self._waiting = {symbol: wanted for symbol, wanted in state["waiting"]}
        self._list_held()


class BookView:
    """A strategy's look at its own book: nothing can be changed through it."""

    __slots__ = ("_book",)

    def __init__(self, book: Book) -> None:
        self._book = book

    @property
    def weights(self) -> Floats:
        """What is held, as fractions of the equity, (N,)."""
        return self._book.weights

    @property
    def held(self) -> list[int]:
        """The symbols with a position, by number."""
        return self._book.held

    def position(self, symbol: int) -> Position:
        """The position in a symbol, by number."""
        return self._book.position(symbol)

    @property
    def equity(self) -> float:
        """Cash and holdings at the last close; the book began with 1."""
        return self._book.equity

    @property
    def gain(self) -> float:
        """The return since the book began, as a fraction."""
        return self._book.gain

    @property
    def high_water(self) -> float:
        """The highest equity at any close."""
        return self._book.high_water
