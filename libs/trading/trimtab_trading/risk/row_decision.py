"""The decision of one row: look, net, fit to cash, judge, and say what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from trimtab_common.events import Event, client_order_id
from trimtab_common.money import to_float
from trimtab_common.sides import Side, side_of
from trimtab_common.symbols import Symbol
from trimtab_common.timeframes import Timeframe
from trimtab_trading.risk import announce
from trimtab_trading.risk.attribution import Crossing
from trimtab_trading.risk.circumstances import Circumstances, Proposal, RecentOrder
from trimtab_trading.risk.look import Look, look, reference_price, signals_behind
from trimtab_trading.risk.netting import Wanted, fit
from trimtab_trading.risk.rest import Rest, is_far_too_large, reach_of
from trimtab_trading.risk.rules import Broken, Rule, judge
from trimtab_trading.risk.state import DeskState
from trimtab_trading.risk.tally import Tally
from trimtab_trading.sizing import rounded_down

ZERO = Decimal(0)
ONE = Decimal(1)
CASH = "R19"
LEG = 0
"""A row makes at most one order per symbol; what is clipped follows at a later row."""


@dataclass(frozen=True, slots=True)
class Wish:
    """An order that should be made, before it is fitted and judged."""

    found: Look
    timeframe: Timeframe
    proposal: Proposal
    clipped_by: list[str] = field(default_factory=list)
    """The rules that left less than was wanted."""


class RowDecision:
    """One row's work; `events()` does it and tells it in order: cancels, sales, purchases."""

    def __init__(self, state: DeskState, rules: tuple[Rule, ...], row: datetime) -> None:
        self._state = state
        self._rules = rules
        self._row = row
        self._tally = Tally(state)
        self._approved = 0
        self._passed: set[tuple[Symbol, Decimal, int]] = set()
        window = state.limits.account.duplicate_seconds
        state.recent = [each for each in state.recent if (row - each.at).total_seconds() < window]

    def events(self, symbols: Mapping[Symbol, Timeframe]) -> Iterator[Event]:
        """Decide about the symbols that need it."""
        wishes = []
        for symbol in sorted(symbols):
            found = look(self._state, self._tally, symbol)
            if found is None:
                self._state.lines[symbol].restless = False
                continue
            yield from self._note(found)
            if found.order:
                wishes.append(self._wish(found, symbols[symbol]))
        yield from self._sell([each for each in wishes if each.proposal.side is Side.SELL])
        yield from self._buy([each for each in wishes if each.proposal.side is Side.BUY])

    def _note(self, found: Look) -> Iterator[Event]:
        """Everything a look leads to but the order itself."""
        state = self._state
        found.line.restless, found.line.rest = not found.is_settled, None
        if found.is_settled:
            state.aims.forget(found.symbol)
        if found.exchanged:
            state.crossings[found.symbol] = Crossing(self._row, found.exchanged)
        state.decisions[found.symbol] = announce.decision(found, self._row)
        yield from announce.short_legs(state, found, self._tally.equity, self._row)
        for order in found.cancel:
            order.cancelling = True
            yield announce.cancel(order, self._row, announce.reason_gone(found))

    def _wish(self, found: Look, timeframe: Timeframe) -> Wish:
        state = self._state
        validity = found.line.instrument.validity(self._row, timeframe, state.limits.account)
        proposal = Proposal(
            client_order_id=client_order_id(state.account, self._row, found.symbol, LEG),
            symbol=found.symbol,
            side=side_of(found.order),
            quantity=abs(found.order),
            price=found.price,
            reference_price=reference_price(found),
            not_before=validity.not_before,
            valid_until=validity.valid_until,
        )
        return Wish(found, timeframe, proposal)

    # ----------------------------------------------------------------------------------- deciding

    def _sell(self, wishes: Iterable[Wish]) -> Iterator[Event]:
        for wish in wishes:
            yield from self._settle(wish, wish.proposal.quantity)

    def _buy(self, wishes: list[Wish]) -> Iterator[Event]:
        """Clip each purchase to its own limits, all of them to the cash, then judge in order."""
        self._tally.basket += sum((wish.proposal.notional for wish in wishes), ZERO)
        bearable = []
        for wish in wishes:
            quantity, broken = self._clip(wish, wish.proposal.quantity)
            if quantity:
                bearable.append((wish, quantity))
            else:
                yield from self._refuse(wish, broken)
        bearable.sort(key=lambda each: each[0].proposal.not_before)
        for at, group in groupby(bearable, key=lambda each: each[0].proposal.not_before):
            together = list(group)
            fitted = fit(
                [self._wanted(wish, quantity) for wish, quantity in together],
                self._tally.spendable(at),
            )
            for (wish, alone), quantity in zip(together, fitted, strict=True):
                if quantity < alone:
                    wish.clipped_by.append(CASH)
                yield from self._settle(wish, quantity) if quantity else self._starve(wish)

    def _wanted(self, wish: Wish, quantity: Decimal) -> Wanted:
        instrument = wish.found.line.instrument
        price = wish.proposal.price
        cost = price * (ONE + instrument.limits.cost_allowance)
        return Wanted(quantity, instrument.unit, price, cost, self._worthwhile(wish))

    def _worthwhile(self, wish: Wish) -> Decimal:
        """The least value of a part: else limits that breathe would be followed by the cent."""
        equity = self._tally.equity or ZERO
        least = wish.found.line.instrument.limits.order_notional_min
        return max(self._state.limits.account.drift_band * equity, least)

    def _clip(self, wish: Wish, quantity: Decimal) -> tuple[Decimal, list[Broken]]:
        """The largest quantity up to this one that breaks no rule; 0 with the rules it breaks."""
        broken = self._judge(wish, quantity)
        if not broken:
            return quantity, []
        unit = wish.found.line.instrument.unit
        smaller = rounded_down(min(each.refusal.fits for each in broken), unit)
        if not smaller or smaller * wish.proposal.price < self._worthwhile(wish):
            return ZERO, broken
        if self._judge(wish, smaller):
            return ZERO, broken
        wish.clipped_by.extend(each.rule for each in broken if each.rule not in wish.clipped_by)
        return smaller, broken

    def _judge(self, wish: Wish, quantity: Decimal) -> list[Broken]:
        """The rules that so much breaks. What passed passes until another order is approved."""
        asked = (wish.found.symbol, quantity, self._approved)
        if asked in self._passed:
            return []
        order = _sized(wish.proposal, quantity)
        broken = judge(order, self._around(wish), self._state.limits, self._rules)
        if not broken:
            self._passed.add(asked)
        return broken

    def _settle(self, wish: Wish, quantity: Decimal) -> Iterator[Event]:
        """The last word on one wish: approved, clipped or refused."""
        quantity, broken = self._clip(wish, quantity)
        if quantity:
            yield self._approve(wish, _sized(wish.proposal, quantity))
        else:
            yield from self._refuse(wish, broken)

    def _starve(self, wish: Wish) -> Iterator[Event]:
        """Others were first: no cash is left for a part worth ordering."""
        broken = self._judge(wish, wish.proposal.quantity)
        self._state.decisions[wish.found.symbol]["outcome"] = "buy: too little cash is left"
        if broken:
            yield from self._refuse(wish, broken)

    def _approve(self, wish: Wish, order: Proposal) -> Event:
        state, found = self._state, wish.found
        approved = announce.approval(state, found, order, self._row, tuple(wish.clipped_by))
        self._approved += 1
        self._tally.approve(order)
        state.ledger.on_approved(approved)
        state.recent.append(
            RecentOrder(order.client_order_id, self._row, order.symbol, order.side, order.quantity)
        )
        state.decisions[found.symbol]["outcome"] = f"{order.side.value}: {approved.reason}"
        return approved

    def _refuse(self, wish: Wish, broken: Iterable[Broken]) -> Iterator[Event]:
        """Every broken rule is said, each once a session for the same cause."""
        state, found = self._state, wish.found
        broken = list(broken)
        said = "; ".join(f"{each.rule}: {each.refusal.reason}" for each in broken)
        state.decisions[found.symbol]["outcome"] = f"{wish.proposal.side.value} refused by {said}"
        for each in broken:
            yield from announce.refusal(
                state, found.line, wish.proposal, signals_behind(found), self._row, each
            )
        if is_far_too_large(broken, found.price, self._worthwhile(wish)):
            self._rest(wish, tuple(each.rule for each in broken))

    def _rest(self, wish: Wish, rules: tuple[str, ...]) -> None:
        """Leave the symbol alone while the refusal stands for certain."""
        line, side = wish.found.line, wish.proposal.side
        equity = self._tally.equity
        if wish.found.working or wish.found.exchanged or equity is None:
            return
        line.restless = False
        line.rest = Rest(
            price=line.mark,
            equity=to_float(equity),
            reach=reach_of(self._state.limits.account.drift_band),
            until=line.instrument.calendar.next_open(self._row),
            side=side,
            rules=rules,
            counted=self._state.refusals.known(wish.found.symbol, side, rules),
        )

    def _around(self, wish: Wish) -> Circumstances:
        state, tally, found = self._state, self._tally, wish.found
        symbol, line = found.symbol, found.line
        return Circumstances(
            at=self._row,
            timeframe=wish.timeframe,
            state=state.control.state,
            state_reason=state.control.why,
            instrument=line.instrument,
            equity=tally.equity,
            mark=state.ledger.marks.get(symbol),
            last_bar_at=line.bar_at,
            feed_is_stale=line.stale,
            held=found.held,
            open_purchases=tally.purchases[symbol],
            open_sales=tally.sales[symbol],
            gross=tally.gross,
            open_notional=tally.open_notional,
            basket=tally.basket,
            spendable=tally.spendable(wish.proposal.not_before),
            is_known_order=state.ledger.is_known(wish.proposal.client_order_id),
            recent_orders=state.recent,
        )


def _sized(order: Proposal, quantity: Decimal) -> Proposal:
    """The same order for another quantity."""
    return order if quantity == order.quantity else replace(order, quantity=quantity)
