"""What each event is in words. The table at the end is this room's table of contents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trimtab_alerting.core.noted import DEAD_LETTER, Noted, duration, listed, minute, noted
from trimtab_common.events import (
    Event,
    FeedStale,
    FlattenRequested,
    MismatchFound,
    OrderFilled,
    OrderRefused,
    OrderRejected,
    RoomReported,
    TradingHalted,
    TradingResumed,
)
from trimtab_common.money import plain
from trimtab_common.sides import Side
from trimtab_runtime.delivery.inbox import written_at

_DONE = {Side.BUY: "bought", Side.SELL: "sold"}


def on_fill(fill: OrderFilled) -> Noted:
    """Part or all of an order traded."""
    return noted(
        "OrderFilled",
        cause=fill.id,
        at=fill.at,
        symbol=fill.symbol,
        side=fill.side.value,
        done=_DONE[fill.side],
        quantity=plain(fill.quantity),
        price=plain(fill.price),
        fee=plain(fill.fee),
        filled=plain(fill.cumulative_quantity),
        ordered=plain(fill.order_quantity),
        order=fill.client_order_id,
    )


def on_refusal(refusal: OrderRefused) -> Noted:
    """Risk said no."""
    return noted(
        "OrderRefused",
        cause=refusal.id,
        at=refusal.at,
        account=refusal.account,
        symbol=refusal.symbol,
        side=refusal.side.value,
        quantity=plain(refusal.quantity),
        rule=refusal.rule,
        reason=refusal.reason,
        value=refusal.value,
        limit=refusal.limit,
        refusals=refusal.count,
    )


def on_rejection(rejection: OrderRejected) -> Noted:
    """The broker, or the last check before sending, said no."""
    return noted(
        "OrderRejected",
        cause=rejection.id,
        at=rejection.at,
        symbol=rejection.symbol,
        order=rejection.client_order_id,
        reason=rejection.reason,
    )


def on_halt(halt: TradingHalted) -> Noted:
    """Nothing new is bought or sold."""
    return noted("TradingHalted", cause=halt.id, at=halt.at, by=halt.by, reason=halt.reason)


def on_resumption(resumption: TradingResumed) -> Noted:
    """A person lifted the halt."""
    return noted(
        "TradingResumed",
        cause=resumption.id,
        at=resumption.at,
        by=resumption.by,
        reason=resumption.reason,
    )


def on_flatten(request: FlattenRequested) -> Noted:
    """Everything is to be sold."""
    return noted(
        "FlattenRequested", cause=request.id, at=request.at, by=request.by, reason=request.reason
    )


def on_stale_feed(stale: FeedStale) -> Noted:
    """Bars that were due did not come."""
    return noted(
        "FeedStale",
        cause=stale.id,
        at=stale.at,
        feed=stale.feed,
        symbols=listed(stale.symbols),
        last_bar=minute(stale.last_bar_at) if stale.last_bar_at else "never",
        age=duration(stale.age_seconds),
    )


def on_mismatch(mismatch: MismatchFound) -> Noted:
    """The broker's books and ours disagree, or agree again."""
    return noted(
        "MismatchFound",
        cause=mismatch.id,
        at=mismatch.at,
        resolved=mismatch.resolved,
        subject=mismatch.subject,
        ours=mismatch.ours,
        brokers=mismatch.brokers,
    )


def on_report(report: RoomReported) -> RoomReported:
    """How a room fares: the watch over the rooms concludes from it what there is to say."""
    return report


def on_dead_letter(entry_id: str, fields: Mapping[bytes, bytes]) -> Noted:
    """An entry of `dead`: something that a room could not process, with the reason."""

    def text(name: bytes) -> str:
        return fields.get(name, b"").decode("utf-8", "replace") or "unknown"

    return noted(
        DEAD_LETTER,
        cause=f"dead:{entry_id}",
        at=written_at(entry_id),
        stream=text(b"stream"),
        entry=text(b"entry"),
        type=text(b"type"),
        room=text(b"room"),
        reason=text(b"reason"),
    )


HANDLERS: Mapping[type[Event], Callable[[Any], Noted | RoomReported]] = {
    OrderFilled: on_fill,
    OrderRefused: on_refusal,
    OrderRejected: on_rejection,
    TradingHalted: on_halt,
    TradingResumed: on_resumption,
    FlattenRequested: on_flatten,
    FeedStale: on_stale_feed,
    MismatchFound: on_mismatch,
    RoomReported: on_report,
}
