"""The desk's own words: the events it says, and the line that `why` shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from trimtab_common.events import (
    HoldingsCrossed,
    OrderApproved,
    OrderCancelRequested,
    OrderRefused,
    StrategyShare,
    instant,
)
from trimtab_common.money import plain, to_float
from trimtab_common.sides import Side
from trimtab_common.symbols import Symbol
from trimtab_trading.open_orders import OpenOrder
from trimtab_trading.risk.attribution import reason, shares
from trimtab_trading.risk.circumstances import Proposal, Refusal
from trimtab_trading.risk.control import TradingState
from trimtab_trading.risk.look import Look, signals_behind
from trimtab_trading.risk.rules import Broken
from trimtab_trading.risk.state import DeskState, Line
from trimtab_trading.risk.wording import amount, shortened
from trimtab_trading.sizing import size

ZERO = Decimal(0)
SHORT_LEG = "R20"


def approval(
    state: DeskState, found: Look, order: Proposal, row: datetime, clipped_by: tuple[str, ...]
) -> OrderApproved:
    """The order, with everything that stands behind it."""
    attribution = shares(order.quantity, order.side, found.ordered)
    note = ""
    if order.quantity < abs(found.order):
        rules = ", ".join(clipped_by)
        note = f"{amount(order.quantity)} of {amount(abs(found.order))} for now: {rules}"
    if state.control.state is TradingState.FLATTENING:
        note = f"everything is sold, by order of {state.control.why}"
    return OrderApproved.trusted(
        id=f"order:{order.client_order_id}",
        at=row,
        account=state.account,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        reference_price=order.price,
        leg=0,
        not_before=order.not_before,
        valid_until=order.valid_until,
        signals=signals_behind(found),
        attribution=attribution,
        reason=reason(attribution, found.standing, note),
    )


def cancel(order: OpenOrder, row: datetime, text: str) -> OrderCancelRequested:
    """A working order is to be taken back."""
    return OrderCancelRequested.trusted(
        id=f"cancel:{order.client_order_id}",
        at=row,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        reason=shortened(text),
    )


def reason_gone(found: Look) -> str:
    """Why a working order is not wanted any more."""
    target = amount(found.target)
    held, working = amount(found.held), amount(found.working)
    return f"the target is {target} now; {held} are held and {working} are on their way"


def refusal(
    state: DeskState,
    line: Line,
    order: Proposal,
    signals: tuple[str, ...],
    row: datetime,
    broken: Broken,
) -> Iterator[OrderRefused]:
    """A broken rule, unless it was told in this session already."""
    session = line.instrument.session(row)
    count = state.refusals.note(order.symbol, order.side, broken.rule, signals, session)
    if count is None:
        return
    yield OrderRefused.trusted(
        id=f"refused:{state.account}:{instant(row)}:{order.symbol}:{broken.rule}",
        at=row,
        account=state.account,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        rule=broken.rule,
        reason=shortened(broken.refusal.reason),
        value=shortened(broken.refusal.value),
        limit=shortened(broken.refusal.limit),
        count=count,
        signals=signals,
    )


def short_legs(
    state: DeskState, found: Look, equity: Decimal | None, row: datetime
) -> Iterator[OrderRefused]:
    """A strategy that needs a short leg is refused whole, and its owner is told at that leg."""
    for strategy, standing in found.standing.items():
        share = state.targets.shares.get(strategy)
        if not share or standing.weight >= 0 or not equity or equity <= 0:
            continue
        ideal = to_float(share * -standing.weight * equity / found.price)
        quantity = size(ideal, found.line.instrument.limits.quantity_decimals)
        if not quantity:
            continue
        text = f"{strategy} wants to be short; all its targets count as 0 while it does"
        broken = Broken(SHORT_LEG, Refusal(f"weight {plain(standing.weight)}", "0 or more", text))
        order = Proposal(
            client_order_id="",
            symbol=found.symbol,
            side=Side.SELL,
            quantity=quantity,
            price=found.price,
            reference_price=standing.price,
            not_before=row,
            valid_until=row,
        )
        yield from refusal(state, found.line, order, (standing.signal,), row, broken)


def crossed(
    symbol: Symbol, row: datetime, price: Decimal, transfers: dict[str, Decimal]
) -> HoldingsCrossed:
    """Strategies exchanged holdings at the open of this row's bar."""
    return HoldingsCrossed.trusted(
        id=f"crossed:{symbol}:{instant(row)}",
        at=row,
        symbol=symbol,
        price=price,
        transfers=tuple(
            StrategyShare.trusted(strategy=strategy, quantity=quantity)
            for strategy, quantity in transfers.items()
        ),
    )


def decision(found: Look, row: datetime) -> dict[str, Any]:
    """What was found at the last closer look, in JSON values."""
    outcome = found.note or "nothing to do: within the drift band, or as it should be"
    if found.exchanged:
        outcome = "strategies exchange holdings at the next bar"
    if found.cancel:
        outcome = f"cancels: {reason_gone(found)}"
    return {
        "at": instant(row),
        "price": plain(found.price),
        "target": None if found.target is None else plain(found.target),
        "held": plain(found.held),
        "working": plain(found.working),
        "outcome": outcome,
        "signals": [each.signal for each in found.standing.values()],
    }
