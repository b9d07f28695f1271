"""After everything was forgotten: what a record remembers, and a halt until the account is told.

Cash and positions are the broker's to tell; execution does so before anything else. What no broker
knows is taken over from the record: what the strategies want, who has halted or flattened, which
approvals stand behind the orders at work, and which proceeds may not be spent yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from trimtab_common.events import (
    Event,
    FlattenRequested,
    OrderApproved,
    OrderFilled,
    SignalRaised,
    TradingHalted,
    TradingResumed,
    instant,
)
from trimtab_trading import open_orders
from trimtab_trading.risk.control import RECOVERY
from trimtab_trading.risk.state import DeskState

WHY = "the streams came back empty: the account is read anew before anything is ordered"
RECONCILED = "the broker has told what the account holds"


def remember(state: DeskState, past: Iterable[Event]) -> list[Event]:
    """Take over, into a state that knows nothing, what went before; returns what it announces.

    `past`: signals, approvals of orders that may still work, sales of the last days, and all the
    commands, each in their order. Without any there was no life before, and nothing is halted.
    """
    events = list(past)
    if not events:
        return []
    for event in events:
        _TAKES[type(event)](state, event)
    at = max(event.at for event in events)
    state.control.recover(WHY, at)
    state.ledger.is_recovering = True
    return [TradingHalted(id=f"halted:{RECOVERY}:{instant(at)}", at=at, by=RECOVERY, reason=WHY)]


def ended(state: DeskState) -> list[Event]:
    """At the end of a row: trading goes on as soon as the account was told."""
    halt = state.control.halts.get(RECOVERY)
    if halt is None or state.row_at is None or not state.ledger.is_opened:
        return []
    resumed = TradingResumed(
        id=f"resumed:{RECOVERY}:{instant(state.row_at)}",
        at=state.row_at,
        by=RECOVERY,
        reason=RECONCILED,
    )
    state.control.on_resumed(resumed)
    state.ledger.is_recovering = False
    return [resumed]


def _want(state: DeskState, signal: SignalRaised) -> None:
    """What is held was ordered for it already: nothing is to be reached anew."""
    for symbol in state.targets.take(signal, None):
        state.weigh(symbol)


def _remember_order(state: DeskState, order: OrderApproved) -> None:
    state.ledger.remembered[order.client_order_id] = open_orders.from_approval(order)


_TAKES: Mapping[type[Event], Callable[[DeskState, Any], object]] = {
    SignalRaised: _want,
    OrderApproved: _remember_order,
    OrderFilled: lambda state, sale: state.ledger.expect_proceeds(sale),
    TradingHalted: lambda state, event: state.control.on_halted(event),
    TradingResumed: lambda state, event: state.control.on_resumed(event),
    FlattenRequested: lambda state, event: state.control.on_flatten(event),
}
