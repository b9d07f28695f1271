"""The rules an order must pass: one function each, listed at the end in their fixed order.

A rule is pure: it looks at an order and its circumstances and returns None, or a refusal with the
numbers. All rules are asked, also after one has refused. What is missing or is no number refuses:
`_within` is true only for numbers that are known and hold. Exits, orders that only make a position
smaller, are exempt where a rule says so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from trimtab_common.sides import Side
from trimtab_trading.risk.circumstances import Circumstances, Proposal, Refusal
from trimtab_trading.risk.control import TradingState
from trimtab_trading.risk.limits import RiskLimits
from trimtab_trading.risk.wording import amount, percent, plainly

ZERO = Decimal(0)
ONE = Decimal(1)

Check = Callable[[Proposal, Circumstances, RiskLimits], Refusal | None]


class Rule(NamedTuple):
    """A rule and the id under which it refuses."""

    id: str
    check: Check


class Broken(NamedTuple):
    """A rule that refused."""

    rule: str
    refusal: Refusal


def judge(
    order: Proposal, around: Circumstances, limits: RiskLimits, rules: tuple[Rule, ...]
) -> list[Broken]:
    """Ask every rule; an empty answer approves."""
    broken = []
    for rule in rules:
        refusal = rule.check(order, around, limits)
        if refusal is not None:
            broken.append(Broken(rule.id, refusal))
    return broken


def _within(value: Decimal | None, limit: Decimal | None) -> bool:
    """Whether both are known numbers and the value is at most the limit."""
    if value is None or limit is None or not value.is_finite() or not limit.is_finite():
        return False
    return value <= limit


def _fraction(fraction: Decimal, equity: Decimal | None) -> Decimal | None:
    return None if equity is None else fraction * equity


def _smaller(first: Decimal | None, second: Decimal) -> Decimal | None:
    """The smaller limit; unknown if the first one is."""
    if first is None or not first.is_finite():
        return None
    return min(first, second)


def _fitting(room: Decimal | None, price: Decimal | None) -> Decimal:
    """The quantity that fits into an amount of money; nothing where anything is unknown."""
    if room is None or not room.is_finite() or room <= 0:
        return ZERO
    return room / price if price is not None and price.is_finite() and price > 0 else ZERO


def not_halted(order: Proposal, around: Circumstances, limits: RiskLimits) -> Refusal | None:
    """HALT: nothing while halted; while flattening only exits."""
    state = around.state
    if state is TradingState.TRADING:
        return None
    if state is TradingState.FLATTENING and around.is_exit(order):
        return None
    allowed = "only selling" if state is TradingState.FLATTENING else "no orders"
    return Refusal(state.value, allowed, f"{allowed}: {around.state_reason}")


def allowed_symbol(order: Proposal, around: Circumstances, limits: RiskLimits) -> Refusal | None:
    """R22: only symbols of the universe, without the restricted ones."""
    if around.instrument is None:
        reason = "the symbol is in no group of the universe"
        return Refusal(order.symbol, "symbols of the universe", reason)
    if order.symbol in limits.restricted:
        return Refusal(order.symbol, "not restricted", "the symbol is on the restricted list")
    return None


def market_hours(order: Proposal, around: Circumstances, limits: RiskLimits) -> Refusal | None:
    """R23: in a session; no purchase in its last minutes nor in a blackout."""
    if around.instrument is None:
        return Refusal("unknown", "known hours", "the symbol has no calendar")
    calendar, at = around.instrument.calendar, order.not_before
    session = calendar.session_of(at)
    if session is None:
        return Refusal(plainly(at), "in a session", f"{calendar.name.value} is closed then")
    if around.is_exit(order):
        return None
    for blackout in limits.blackouts:
        if blackout.covers(order.symbol) and blackout.starts_at <= at < blackout.ends_at:
            until = f"after {plainly(blackout.ends_at)}"
            return Refusal(plainly(at), until, f"blackout: {blackout.reason}")
    if calendar.never_closes:
        return None
    minutes = around.instrument.limits.last_entry_minutes
    last = calendar.close_of(session) - timedelta(minutes=minutes)
    if at <= last:
        return None
    reason = f"no purchases in the last {minutes} minutes of a session"
    return Refusal(plainly(at), f"until {plainly(last)}", reason)


def fresh_bar(order: Proposal, around: Circumstances, limits: RiskLimits) -> Refusal | None:
    """R24: no purchase on an old bar or a stale feed."""
    if around.is_exit(order):
        return None
    if around.feed_is_stale:
        return Refusal("stale", "a live feed", "the feed was reported stale and no bar came since")
    if around.last_bar_at is None:
        return Refusal("none", "a closed bar", "no bar of the symbol was seen")
    allowed = timedelta(seconds=limits.account.bar_age_seconds_max)
    if not around.timeframe.is_daily:  # a daily bar is due at the row that closes its session
        allowed += around.timeframe.duration
    age = around.at - around.last_bar_at
    if age <= allowed:
        return None
    return Refusal(
        f"{age.total_seconds():.0f} s",
        f"{allowed.total_seconds():.0f} s",
        f"the last bar of the symbol is from {plainly(around.last_bar_at)}",
    )


def new_identity(order: Proposal, around: Circumstances, limits: RiskLimits) -> Refusal | None:
    """R10: one order per intent."""
    if not around.is_known_order:
        return None
    return Refusal(order.client_order_id, "a new id", "this intent has an order already")


def new_content(order: Proposal, around: Circumstances, limits: RiskLimits) -> Refusal | None:
    """R11: not the same again within a short time."""
    window, tolerance = limits.account.duplicate_seconds, limits.account.duplicate_tolerance
    if not order.quantity.is_finite():
        return Refusal("unknown", "a quantity", "the order has no quantity")
    for other in around.recent_orders:
        alike = other.symbol == order.symbol and other.side is order.side
        near = abs(other.quantity - order.quantity) <= tolerance * other.quantity
        age = (around.at - other.at).total_seconds()
        if alike and near and age < window:
            reason = f"{amount(other.quantity)} were ordered {age:.0f} s before"
            return Refusal(f"{age:.0f} s", f"{window} s apart", reason)
    return None


def no_short_sale(order: Proposal, around: Circumstances, limits: RiskLimits) -> Refusal | None:
    """R20: sell only what is held and not being sold already."""
    if order.side is Side.BUY:
        return None
    available = around.held - around.open_sales
    if _within(order.quantity, available):
        return None
    reason = "no more can be sold than is held; short sales are not made"
    return Refusal(amount(order.quantity), amount(available), reason)


def price_collar(order: Proposal, around: Circumstances, limits: RiskLimits) -> Refusal | None:
    """R04: those who decided saw the price that we saw."""
    if around.is_exit(order):
        return None
    mark, price = around.mark, order.reference_price
    if mark is None or not mark.is_finite() or mark <= 0 or around.instrument is None:
        return Refusal(amount(price), "near the last price", "no price of the symbol is known")
    collar = around.instrument.limits.price_collar
    distance = abs(price - mark) / mark if price.is_finite() else None
    if _within(distance, collar):
        return None
    reason = f"a strategy saw another price: {amount(price)} where we see {amount(mark)}"
    return Refusal(percent(distance), percent(collar), reason)


def basket_notional(order: Proposal, around: Circumstances, limits: RiskLimits) -> Refusal | None:
    """R03: all purchases wanted in this row together, as they were wanted; one decision for all."""
    if around.is_exit(order):
        return None
    limit = _fraction(limits.account.basket_equity_max, around.equity)
    if _within(around.basket, limit):
        return None
    reason = "all purchases wanted now, together with open ones, are too much at once"
    return Refusal(amount(around.basket), amount(limit), reason)


def order_notional(order: Proposal, around: Circumstances, limits: RiskLimits) -> Refusal | None:
    """R01: the value of one purchase. What may be sold at once is bounded by what is held (R20)."""
    if around.is_exit(order):
        return None
    class_limits = around.class_limits
    if class_limits is None:
        return Refusal(amount(order.notional), "unknown", "the symbol has no limits")
    limit = _smaller(
        _fraction(class_limits.order_equity_max, around.equity), class_limits.order_notional_max
    )
    if _within(order.notional, limit):
        return None
    reason = "one order is worth too much (order_equity_max, order_notional_max)"
    fits = _fitting(limit, order.price)
    return Refusal(amount(order.notional), amount(limit), reason, fits)


def position_notional(order: Proposal, around: Circumstances, limits: RiskLimits) -> Refusal | None:
    """R13: the value of one position with its open purchases."""
    if around.is_exit(order):
        return None
    class_limits = around.class_limits
    if class_limits is None:
        return Refusal(amount(order.notional), "unknown", "the symbol has no limits")
    limit = _smaller(
        _fraction(class_limits.position_equity_max, around.equity),
        class_limits.position_notional_max,
    )
    before = (around.held + around.open_purchases) * order.price
    if _within(before + order.notional, limit):
        return None
    reason = "the position would be worth too much (position_equity_max, position_notional_max)"
    fits = _fitting(None if limit is None else limit - before, order.price)
    return Refusal(amount(before + order.notional), amount(limit), reason, fits)


def gross_exposure(order: Proposal, around: Circumstances, limits: RiskLimits) -> Refusal | None:
    """R14: the value of all positions with all open purchases."""
    if around.is_exit(order):
        return None
    limit = _fraction(limits.account.gross_equity_max, around.equity)
    if _within(around.gross + order.notional, limit):
        return None
    reason = "all positions together would be worth too much (gross_equity_max)"
    fits = _fitting(None if limit is None else limit - around.gross, order.price)
    return Refusal(amount(around.gross + order.notional), amount(limit), reason, fits)


def open_notional(order: Proposal, around: Circumstances, limits: RiskLimits) -> Refusal | None:
    """R18: the value of all purchases that have not traded yet; they count from their approval."""
    if around.is_exit(order):
        return None
    limit = _fraction(limits.account.open_orders_equity_max, around.equity)
    value = around.open_notional + order.notional
    if _within(value, limit):
        return None
    reason = "open purchases together are worth too much (open_orders_equity_max)"
    fits = _fitting(None if limit is None else limit - around.open_notional, order.price)
    return Refusal(amount(value), amount(limit), reason, fits)


def settled_cash(order: Proposal, around: Circumstances, limits: RiskLimits) -> Refusal | None:
    """R19: paid with cash that is there when the order trades, with a reserve left over."""
    if order.side is Side.SELL or around.is_exit(order):
        return None
    class_limits = around.class_limits
    allowance = None if class_limits is None else ONE + class_limits.cost_allowance
    cost = None if allowance is None else order.notional * allowance
    if _within(cost, around.spendable):
        return None
    reason = "not enough settled cash after the reserve and open purchases"
    price = None if allowance is None else order.price * allowance
    return Refusal(
        amount(cost), amount(around.spendable), reason, _fitting(around.spendable, price)
    )


RULES = (
    Rule("HALT", not_halted),
    Rule("R22", allowed_symbol),
    Rule("R23", market_hours),
    Rule("R24", fresh_bar),
    Rule("R10", new_identity),
    Rule("R11", new_content),
    Rule("R20", no_short_sale),
    Rule("R04", price_collar),
    Rule("R03", basket_notional),
    Rule("R01", order_notional),
    Rule("R13", position_notional),
    Rule("R14", gross_exposure),
    Rule("R18", open_notional),
    Rule("R19", settled_cash),
)
