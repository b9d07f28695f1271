"""Reads what the broker answered; what cannot be true is not believed.

Amounts come as text, as numbers or not at all, and fields appear and vanish. Whoever asks treats
an answer that cannot be read or believed as no answer: the broker has to be asked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from trimtab_common.symbols import QUOTE_CURRENCIES, Symbol, parse_symbol
from trimtab_execution.core.wording import printable
from trimtab_execution.ports import Account, Activity, BrokerOrder, Position, Update

ZERO = Decimal(0)
STEP = Decimal("1e-9")
"""Nine places are all that an event carries; quantities have no more, averages may."""
LARGEST = Decimal(10) ** 15
MOVES_POSITIONS = frozenset({"SPLIT", "SPIN", "JNLS", "ACATS", "MA", "NC", "REORG"})
"""The activities whose quantity is a change of the position."""
LONGEST_TICKER = 5
TEXT_LENGTH_MAX = 200

Fields = Mapping[str, Any]


class Unbelievable(ValueError):
    """The answer contradicts itself, or lacks what it must have."""


def order_of(found: Fields, reason: str = "") -> BrokerOrder:
    """An order as the REST interface and the update stream show it."""
    order = BrokerOrder(
        order_id=text_of(found, "id"),
        client_order_id=text_of(found, "client_order_id"),
        symbol=text_of(found, "symbol"),
        status=text_of(found, "status"),
        quantity=_optional(found, "qty"),
        filled_quantity=_optional(found, "filled_qty") or ZERO,
        average_price=_optional(found, "filled_avg_price"),
        reason=reason,
    )
    complaint = _complaint(order)
    if complaint is not None:
        raise Unbelievable(f"order {order.client_order_id}: {complaint}")
    return order


def _complaint(order: BrokerOrder) -> str | None:
    """Why an order cannot be as it is shown."""
    filled, whole = order.filled_quantity, order.quantity
    if filled < 0:
        return f"{filled} filled"
    if filled and not (order.average_price or ZERO) > 0:
        return f"{filled} filled at {order.average_price}"
    if whole is not None and filled > whole:
        return f"{filled} filled of {whole}"
    if order.status == "filled" and (not filled or (whole is not None and filled != whole)):
        return f"filled, but {filled} of {whole}"
    return None


def update_of(data: Fields) -> Update:
    """A trade update, from the stream or from an opened row's answer."""
    found = Update(
        execution_id=str(data.get("execution_id") or ""),
        order=order_of(_fields(data.get("order")), str(data.get("reason") or "")),
        quantity=_optional(data, "qty"),
        price=_optional(data, "price"),
        fee=_optional(data, "fee") or ZERO,
    )
    told = (found.quantity, found.price)
    if found.fee < 0 or any(amount is not None and amount <= 0 for amount in told):
        raise Unbelievable(f"{found.quantity} traded at {found.price}, fee {found.fee}")
    return found


def account_of(found: Fields) -> Account:
    """Cash, equity and whether the account may trade."""
    blocked = ("account_blocked", "trading_blocked", "trade_suspended_by_user")
    return Account(
        number=text_of(found, "account_number"),
        cash=_amount(found, "cash"),
        equity=_amount(found, "equity"),
        blocked=any(found.get(name) for name in blocked),
    )


def position_of(found: Fields) -> Position:
    """A holding; pairs come without their slash, and a value may not be known."""
    sign = -1 if found.get("side") == "short" else 1
    value = _optional(found, "market_value")
    return Position(
        symbol=parse_symbol(text_of(found, "symbol"), crypto=found.get("asset_class") == "crypto"),
        quantity=sign * abs(_amount(found, "qty")),
        value=sign * abs(_amount(found, "cost_basis") if value is None else value),
    )


def activity_of(found: Fields) -> Activity:
    """A change of the account; a dividend's quantity is what was held, and changes nothing.

    What a position moved that cannot be traded here is told without its symbol.
    """
    kind, named = text_of(found, "activity_type"), str(found.get("symbol") or "")
    symbol = _symbol(named) if kind in MOVES_POSITIONS else None
    return Activity(
        id=text_of(found, "id"),
        symbol=symbol,
        cash=_optional(found, "net_amount") or ZERO,
        quantity=(_optional(found, "qty") or ZERO) if symbol is not None else ZERO,
        text=printable(f"{kind} {found.get('description') or named}".strip())[:TEXT_LENGTH_MAX],
    )


def _symbol(named: str) -> Symbol | None:
    """A stock or, without its slash, a pair, which is longer than any ticker."""
    pair = len(named) > LONGEST_TICKER and named.endswith(QUOTE_CURRENCIES)
    try:
        return parse_symbol(named, crypto=pair)
    except ValueError:
        return None


def time_of(found: Fields) -> datetime:
    """The instant on the broker's clock."""
    instant = datetime.fromisoformat(text_of(found, "timestamp"))
    if instant.tzinfo is None:
        raise Unbelievable(f"the clock says {instant} without a zone")
    return instant


def _fields(found: Any) -> Fields:
    if not isinstance(found, Mapping):
        raise Unbelievable(f"expected an object, found {str(found)[:80]!r}")
    return found


def text_of(found: Fields, name: str) -> str:
    value = _fields(found).get(name)
    if not isinstance(value, str) or not value:
        raise Unbelievable(f"{name} is {value!r:.80}")
    return value


def _amount(found: Fields, name: str) -> Decimal:
    value = _optional(found, name)
    if value is None:
        raise Unbelievable(f"{name} is missing")
    return value


def _optional(found: Fields, name: str) -> Decimal | None:
    """An amount to nine places, None where there is none; never NaN, never infinite."""
    value = found.get(name)
    if value is None or value == "":
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise Unbelievable(f"{name} is {value!r:.80}") from None
    if isinstance(value, bool) or not amount.is_finite() or abs(amount) >= LARGEST:
        raise Unbelievable(f"{name} is {value!r:.80}")
    return amount.quantize(STEP)
