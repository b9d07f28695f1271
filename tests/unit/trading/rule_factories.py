"""Orders and circumstances for the tests of rules: a purchase of ten shares nobody objects to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tests.unit.trading.desk_factories import MINUTE, NOON, instrument, limits
from trimtab_common.sides import Side
from trimtab_trading.risk.circumstances import Circumstances, Proposal, Refusal
from trimtab_trading.risk.control import TradingState
from trimtab_trading.risk.rules import RULES, judge

D = Decimal
NAN = D("NaN")

ORDER = Proposal(
    client_order_id="tt-new",
    symbol="AAPL",
    side=Side.BUY,
    quantity=D(10),
    price=D(100),
    reference_price=D(100),
    not_before=NOON,
    valid_until=NOON + timedelta(minutes=2),
)
AROUND = Circumstances(
    at=NOON,
    timeframe=MINUTE,
    state=TradingState.TRADING,
    state_reason="",
    instrument=instrument(),
    equity=D(100_000),
    mark=D(100),
    last_bar_at=NOON,
    feed_is_stale=False,
    held=D(0),
    open_purchases=D(0),
    open_sales=D(0),
    gross=D(0),
    open_notional=D(0),
    basket=D(1000),
    spendable=D(100_000),
    is_known_order=False,
    recent_orders=(),
)
SALE: dict[str, Any] = {"side": Side.SELL, "quantity": D(10)}


def order(**changes: Any) -> Proposal:
    return replace(ORDER, **changes)


def around(**changes: Any) -> Circumstances:
    return replace(AROUND, **changes)


def verdicts(
    proposal: Proposal = ORDER, circumstances: Circumstances = AROUND, **config: Any
) -> dict[str, Refusal]:
    """Every rule that refuses, with its refusal."""
    broken = judge(proposal, circumstances, limits(**config), RULES)
    return {each.rule: each.refusal for each in broken}
