"""The risk stage: fills, bars and signals in; approved, cancelled and refused orders out.

Signals never lead to an order by themselves. They change standing targets, and once per row, when
everything that belongs to it has been taken in, the desk compares what all strategies want with
what is held and what is on its way, and orders the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from math import inf
from operator import attrgetter
from typing import Any

from trimtab_common.events import (
    BarClosed,
    CashAdjusted,
    Event,
    FeedStale,
    FlattenRequested,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRejected,
    PositionAdjusted,
    RowClosed,
    SignalRaised,
    TradingHalted,
    TradingResumed,
)
from trimtab_common.money import to_float
from trimtab_common.symbols import Symbol
from trimtab_common.timeframes import Timeframe
from trimtab_trading.leap import Leaper
from trimtab_trading.market import Market
from trimtab_trading.risk import announce, recovery, summary
from trimtab_trading.risk.instruments import Instrument
from trimtab_trading.risk.leap import RiskLeaper
from trimtab_trading.risk.limits import Rebalance, RiskLimits
from trimtab_trading.risk.row_decision import RowDecision
from trimtab_trading.risk.rules import RULES, Rule
from trimtab_trading.risk.state import Line, opened
from trimtab_trading.stage import Input

NEARLY = 1.0 - 1e-6
"""The quick comparison in floats leaves what is this close to the drift band to the exact one."""


class RiskDesk:
    """One account's risk room as a stage."""

    name = "risk"
    output = "orders"
    inputs = (Input("fills"), Input("bars"), Input("signals"))
    asides: tuple[str, ...] = ("control",)

    def __init__(
        self,
        *,
        account: str,
        limits: RiskLimits,
        instruments: Mapping[Symbol, Instrument],
        shares: Mapping[str, Decimal],
        rules: tuple[Rule, ...] = RULES,
    ) -> None:
        """`shares` are the fractions of equity that the strategies' weights are fractions of."""
        self.state = opened(account, limits, instruments, shares)
        self._rules = rules
        self._lines = self.state.lines
        self._holding: tuple[Line, ...] = ()
        self._cash = 0.0
        self._band = to_float(limits.account.drift_band)
        self._drifts = limits.account.rebalance is Rebalance.DRIFT
        self._acts: Mapping[type[Event], Callable[[Any], Iterable[Event]]] = {
            BarClosed: self.on_bar,
            FeedStale: self.on_feed_stale,
            SignalRaised: self.on_signal,
            OrderAccepted: self.on_accepted,
            OrderRejected: self.on_rejected,
            OrderFilled: self.on_filled,
            OrderCancelled: self.on_cancelled,
            CashAdjusted: self.on_cash_adjusted,
            PositionAdjusted: self.on_position_adjusted,
            TradingHalted: self.on_halted,
            TradingResumed: self.on_resumed,
            FlattenRequested: self.on_flatten,
        }

    def handle(self, event: Event) -> Iterable[Event]:
        """Take one event in; what is no business of risk is stepped over."""
        act = self._acts.get(type(event))
        return act(event) if act else ()

    # ----------------------------------------------------------------------------- market, wishes

    def on_bar(self, bar: BarClosed) -> Iterable[Event]:
        """A price. Late bars are history and change nothing here."""
        line = self._lines.get(bar.symbol)
        if line is not None and not bar.late and line.see(bar):
            self.state.ledger.mark(bar.symbol, bar.close)
        return ()

    def on_feed_stale(self, event: FeedStale) -> Iterable[Event]:
        for symbol in event.symbols:
            if symbol in self._lines:
                self._lines[symbol].stale = True
        return ()

    def on_signal(self, signal: SignalRaised) -> Iterable[Event]:
        """A target that stands until it is replaced."""
        state = self.state
        before = state.targets.portions(signal.symbol)
        for symbol in state.targets.take(signal, self._price_at(signal)):
            state.weigh(symbol)
            if symbol != signal.symbol or before != state.targets.portions(symbol):
                state.aims.change(symbol, signal.strategy)
        return ()

    # -------------------------------------------------------------------------------- the account

    def on_accepted(self, event: OrderAccepted) -> Iterable[Event]:
        self.state.ledger.on_accepted(event)
        return ()

    def on_rejected(self, event: OrderRejected) -> Iterable[Event]:
        """Nothing traded; the wish is still there and is tried again."""
        self.state.ledger.on_rejected(event)
        self._order_ended(event.client_order_id, event.symbol)
        return ()

    def on_filled(self, fill: OrderFilled) -> Iterable[Event]:
        if self.state.ledger.on_filled(fill):
            self._account_changed(fill.symbol)
        return ()

    def on_cancelled(self, event: OrderCancelled) -> Iterable[Event]:
        """Expired or taken back; what is still wanted is ordered anew."""
        self.state.ledger.on_cancelled(event)
        self._order_ended(event.client_order_id, event.symbol)
        return ()

    def on_cash_adjusted(self, event: CashAdjusted) -> Iterable[Event]:
        self.state.ledger.on_cash_adjusted(event)
        self._cash = to_float(self.state.ledger.cash)
        return ()

    def on_position_adjusted(self, event: PositionAdjusted) -> Iterable[Event]:
        self.state.ledger.on_position_adjusted(event)
        self.state.aims.rescale(event.symbol)
        self._account_changed(event.symbol)
        return ()

    # ------------------------------------------------------------------------------------ control

    def on_halted(self, event: TradingHalted) -> Iterable[Event]:
        """No new order from here on, and those that work are taken back at once."""
        why = f"trading is halted by {event.by}"
        return list(self._cancel_all(event.at, why)) if self.state.control.on_halted(event) else ()

    def on_resumed(self, event: TradingResumed) -> Iterable[Event]:
        """After a halt the work goes on; after a flattening every target is reached anew."""
        state = self.state
        was_flat = state.control.flatten is not None
        state.control.on_resumed(event)
        if was_flat and state.control.flatten is None:
            state.begin_anew()
        for symbol in self._lines:
            state.stir(symbol)
        return ()

    def on_flatten(self, event: FlattenRequested) -> Iterable[Event]:
        self.state.control.on_flatten(event)
        for symbol in self._lines:
            self.state.aims.forget(symbol)
            self.state.stir(symbol)
        return ()

    # ------------------------------------------------------------------------------------ the row

    def close(self, row: RowClosed) -> Iterable[Event]:
        """The row is complete: exchange what was agreed, then decide."""
        state = self.state
        state.row_at = row.at
        events = recovery.ended(state)
        if state.crossings:
            events.extend(self._cross(row))
        active = self._active(row)
        if active:
            events.extend(self.decide(row.at, active))
        return events

    def decide(self, at: datetime, active: Mapping[Symbol, Timeframe]) -> list[Event]:
        """The decision of a row about the symbols that need it."""
        state = self.state
        state.row_at = at
        state.ledger.pass_time(at)
        return list(RowDecision(state, self._rules, at).events(active))

    def rough_equity(self, mark_of: Callable[[Line], Any] = attrgetter("mark")) -> Any:
        """The equity in floats, or in arrays of them: enough to see who needs a closer look."""
        equity: Any = self._cash
        for line in self._holding:
            equity = equity + line.held * mark_of(line)
        return equity

    def _active(self, row: RowClosed) -> dict[Symbol, Timeframe]:
        """The symbols with a bar that need a closer look, with the finest timeframe of each."""
        due_at: dict[Symbol, Timeframe] = {}
        for due in row.due:
            for symbol in due.present:
                known = due_at.get(symbol)
                if known is None or due.timeframe.duration < known.duration:
                    due_at[symbol] = due.timeframe
        active = self.active(row.at, [self._lines[s] for s in due_at if s in self._lines])
        return {line.instrument.symbol: due_at[line.instrument.symbol] for line in active}

    def active(self, at: datetime, lines: Sequence[Line]) -> list[Line]:
        """Those among the lines with a bar that need a closer look; whoever rests is counted.

        Once anybody is looked at, so are those that rest: purchases of a row are judged together.
        """
        equity = self.rough_equity()
        active = [line for line in lines if self.needs_look(line, equity)]
        if not all(line.rests(at, equity) for line in active):
            return active
        for line in active:
            line.count_refusal()
        return []

    def needs_look(self, line: Line, equity: float) -> bool:
        """Whether a symbol is off its target, or something is under way."""
        return line.restless or not self.is_near(line, equity, line.mark)

    def is_near(self, line: Line, equity: Any, mark: Any) -> Any:
        """Whether a holding is where it should be, for floats or arrays; NaN is near nothing."""
        band = self._band * equity * NEARLY if self._drifts else inf
        value = line.held * mark if line.held else 0.0
        return abs(line.weight * equity - value) <= band

    def _cross(self, row: RowClosed) -> Iterator[Event]:
        """Exchanges happen at the open of the first bar that opened after they were decided."""
        state = self.state
        for symbol, crossing in sorted(state.crossings.items()):
            line = self._lines[symbol]
            if line.bar_at != row.at or line.opened_at is None:
                continue
            if line.opened_at < crossing.decided_at:
                continue
            del state.crossings[symbol]
            line.restless = True
            transfers = crossing.possible(state.ledger.book(symbol))
            if transfers:
                event = announce.crossed(symbol, row.at, line.opening, transfers)
                state.ledger.on_crossed(event)
                yield event

    # ------------------------------------------------------------------------------------ helpers

    def _account_changed(self, symbol: Symbol) -> None:
        state = self.state
        state.recount(symbol)
        self._cash = to_float(state.ledger.cash)
        self._holding = tuple(line for line in self._lines.values() if line.held)

    def _price_at(self, signal: SignalRaised) -> Decimal | None:
        """Our price of the row the signal was raised at; None where no bar of it was seen."""
        line = self._lines.get(signal.symbol)
        if line is None or line.bar_at != signal.at:
            return None
        return self.state.ledger.marks[signal.symbol]

    def _order_ended(self, client_order_id: str, symbol: Symbol) -> None:
        recent = self.state.recent
        self.state.recent = [each for each in recent if each.client_order_id != client_order_id]
        self.state.stir(symbol)

    def _cancel_all(self, at: datetime, reason: str) -> Iterator[Event]:
        for order in self.state.ledger.orders.values():
            if not order.cancelling:
                order.cancelling = True
                yield announce.cancel(order, at, reason)

    def leaper(self, market: Market) -> Leaper | None:
        """A way over the rows of a market of which every symbol is known."""
        known = all(symbol in self._lines for symbol in market.symbols)
        return RiskLeaper(self, market) if known else None

    def summary(self) -> dict[str, Any]:
        """The account, the books, the state and the last decisions, for /info."""
        return summary.summary(self.state)

    def snapshot(self) -> dict[str, Any]:
        return self.state.snapshot()

    def restore(self, state: dict[str, Any]) -> None:
        self.state.restore(state)
        self._cash = to_float(self.state.ledger.cash)
        self._holding = tuple(line for line in self._lines.values() if line.held)
