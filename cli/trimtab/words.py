"""Events as sentences that the owner reads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from trimtab.money_words import amount, price, quantity, share
from trimtab_common.events import (
    BarClosed,
    Event,
    HoldingsCrossed,
    OrderAccepted,
    OrderApproved,
    OrderCancelled,
    OrderCancelRequested,
    OrderFilled,
    OrderRefused,
    OrderRejected,
    SignalRaised,
)
from trimtab_common.sides import Side

_DOING = {Side.BUY: "buying", Side.SELL: "selling"}
_DONE = {Side.BUY: "bought", Side.SELL: "sold"}


def sentence(event: Event) -> str:
    """What happened, in plain words; an event nobody has words for gives its name."""
    words = _WORDS.get(type(event))
    return words(event) if words is not None else type(event).__name__


def clock(at: datetime) -> str:
    """Market time as it stands before a sentence."""
    return f"{at:%Y-%m-%d %H:%M}"


def _bar(bar: BarClosed) -> str:
    late = ", but it came late, so nobody traded on it" if bar.late else ""
    return (
        f"The {bar.timeframe.value} bar of {bar.symbol} closed at {price(bar.close)} "
        f"(open {price(bar.open)}, high {price(bar.high)}, low {price(bar.low)}, "
        f"volume {quantity(bar.volume)}){late}."
    )


def _signal(signal: SignalRaised) -> str:
    model = f" Model {signal.model_hash}." if signal.model_hash else ""
    return (
        f"{signal.strategy} wants {share(signal.weight)} of its capital in {signal.symbol}, "
        f"before {share(signal.previous_weight)}: {_ended(signal.reason)}{model}"
    )


def _approved(order: OrderApproved) -> str:
    return (
        f"Risk approved {_DOING[order.side]} {quantity(order.quantity)} {order.symbol} at about "
        f"{price(order.reference_price)}: {_ended(order.reason)}"
    )


def _refused(order: OrderRefused) -> str:
    numbers = f"{order.value} against a limit of {order.limit}" if order.limit else order.value
    again = f" ({order.count} times)" if order.count > 1 else ""
    return (
        f"Risk refused {_DOING[order.side]} {quantity(order.quantity)} {order.symbol} by rule "
        f"{order.rule}, {numbers}{again}: {_ended(order.reason)}"
    )


def _cancel_requested(request: OrderCancelRequested) -> str:
    return f"Risk asked to cancel the order for {request.symbol}: {_ended(request.reason)}"


def _crossed(crossing: HoldingsCrossed) -> str:
    parts = ", ".join(f"{each.strategy} {each.quantity:+f}" for each in crossing.transfers)
    at = price(crossing.price)
    return f"Strategies exchanged {crossing.symbol} among themselves at {at}: {parts}."


def _accepted(order: OrderAccepted) -> str:
    return f"The broker accepted it as order {order.order_id}."


def _rejected(order: OrderRejected) -> str:
    return f"It was rejected: {_ended(order.reason)}"


def _filled(fill: OrderFilled) -> str:
    fee = f", fee {amount(fill.fee)}" if fill.fee else ""
    whole = (
        ""
        if fill.cumulative_quantity == fill.order_quantity
        else (f", {quantity(fill.cumulative_quantity)} of {quantity(fill.order_quantity)} so far")
    )
    return (
        f"{_DONE[fill.side].capitalize()} {quantity(fill.quantity)} {fill.symbol} "
        f"at {price(fill.price)}{fee}{whole}."
    )


def _cancelled(order: OrderCancelled) -> str:
    return (
        f"Cancelled with {quantity(order.remaining_quantity)} {order.symbol} not traded: "
        f"{_ended(order.reason)}"
    )


def _ended(reason: str) -> str:
    return reason if reason.endswith((".", "!", "?")) else f"{reason}."


_WORDS: dict[type[Event], Callable[[Any], str]] = {
    BarClosed: _bar,
    SignalRaised: _signal,
    OrderApproved: _approved,
    OrderRefused: _refused,
    OrderCancelRequested: _cancel_requested,
    HoldingsCrossed: _crossed,
    OrderAccepted: _accepted,
    OrderRejected: _rejected,
    OrderFilled: _filled,
    OrderCancelled: _cancelled,
}


def brief(event: Event) -> str:
    """The same in a few words, for one line of a screen."""
    words = _BRIEF.get(type(event))
    return words(event) if words is not None else type(event).__name__


def _brief_signal(signal: SignalRaised) -> str:
    return (
        f"{signal.symbol:<7} {signal.strategy} wants {share(signal.weight)} "
        f"(was {share(signal.previous_weight)}): {signal.reason}"
    )


def _brief_approved(order: OrderApproved) -> str:
    doing = f"{order.side.value} {quantity(order.quantity)}"
    return f"{order.symbol:<7} {doing} approved: {order.reason}"


def _brief_refused(order: OrderRefused) -> str:
    doing = f"{order.side.value} {quantity(order.quantity)}"
    return f"{order.symbol:<7} {doing} refused, {order.rule}: {order.reason}"


def _brief_filled(fill: OrderFilled) -> str:
    done = f"{_DONE[fill.side]} {quantity(fill.quantity)}"
    return f"{fill.symbol:<7} {done} at {price(fill.price)}"


_BRIEF: dict[type[Event], Callable[[Any], str]] = {
    SignalRaised: _brief_signal,
    OrderApproved: _brief_approved,
    OrderRefused: _brief_refused,
    OrderFilled: _brief_filled,
}
