"""Reads a request for an order as strictly as Alpaca does, before anything remembers it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from trimtab_common.money import DECIMAL_PLACES_MAX, INTEGER_DIGITS_MAX
from trimtab_common.sides import Side
from trimtab_common.symbols import AssetClass, Symbol, asset_class
from trimtab_simulator.core.assets import Assets
from trimtab_simulator.core.refusals import Refusal, against_rules, invalid, malformed

CLIENT_ORDER_ID_LENGTH_MAX = 128
CENT_PRICES_FROM = 1
CENTS, SUB_PENNIES = 2, 4
ORDER_TYPES = ("market", "limit", "stop", "stop_limit", "trailing_stop")
STOCK_TIMES = ("day", "gtc", "opg", "cls", "ioc", "fok")
CRYPTO_TIMES = ("gtc", "ioc")
SIMULATED_TIMES = ("day", "gtc", "ioc")
OTHER_PARTS = ("legs", "take_profit", "stop_loss")
OTHER_PRICES = ("stop_price", "trail_price", "trail_percent")

_AMOUNT = re.compile(r"-?[0-9]+(?:\.[0-9]*)?|-?\.[0-9]+", re.ASCII)

Body = Mapping[str, Any]


class OrderRequest(NamedTuple):
    """An order that may be appended; the id is None where the exchange is to give one."""

    client_order_id: str | None
    symbol: Symbol
    side: Side
    quantity: Decimal
    time_in_force: str


def read_order(raw: bytes, assets: Assets) -> OrderRequest | Refusal:
    """The order in a request's body, or the first reason why there is none."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return malformed("request body format is invalid")
    if not isinstance(body, dict):
        return malformed("request body format is invalid")
    symbol = _symbol(body, assets)
    if isinstance(symbol, Refusal):
        return symbol
    quantity = _quantity(body)
    if isinstance(quantity, Refusal):
        return quantity
    for check in CHECKS:
        refusal = check(body, symbol, quantity)
        if refusal is not None:
            return refusal
    client_order_id = body.get("client_order_id") or None
    side = Side(body["side"])
    return OrderRequest(client_order_id, symbol, side, quantity, body["time_in_force"])


def amount(value: Any) -> Decimal | None:
    """A number as clients write one: as text, or as a JSON number; None for anything else.

    >>> amount("1.50"), amount(10.0), amount(1e-7), amount("1e3"), amount(True)
    (Decimal('1.50'), Decimal('10.0'), Decimal('1E-7'), None, None)
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, str):
        return Decimal(value) if _AMOUNT.fullmatch(value) else None
    found = Decimal(repr(value))
    return found if found.is_finite() else None


def places_of(value: Decimal) -> int:
    """How many decimal places a finite amount needs."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _symbol(body: Body, assets: Assets) -> Symbol | Refusal:
    name = body.get("symbol")
    if not isinstance(name, str) or not name:
        return invalid("symbol is required")
    return assets.find(name) or invalid(f'asset "{name[:40]}" not found')


def _quantity(body: Body) -> Decimal | Refusal:
    given, notional = body.get("qty"), body.get("notional")
    if given is None and notional is None:
        return invalid("qty or notional is required")
    if given is not None and notional is not None:
        return invalid("only one of qty or notional is accepted")
    name, value = ("qty", amount(given)) if notional is None else ("notional", amount(notional))
    if value is None:
        return invalid(f"{name} is invalid")
    if value <= 0:
        return invalid(f"{name} must be > 0")
    if value >= Decimal(10) ** INTEGER_DIGITS_MAX:
        return invalid(f"{name} is too large")
    if notional is not None:
        return _notional(value)
    if places_of(value) > DECIMAL_PLACES_MAX:
        return invalid(f"qty is limited to {DECIMAL_PLACES_MAX} decimal places")
    return value


def _notional(value: Decimal) -> Refusal:
    if places_of(value) > CENTS:
        return invalid(f"notional value must be limited to {CENTS} decimal places")
    if value < 1:
        return against_rules("cost basis must be >= minimal amount of order 1")
    return against_rules("orders by notional are not simulated; give qty")


def _side(body: Body, symbol: Symbol, quantity: Decimal) -> Refusal | None:
    del symbol, quantity
    side = body.get("side")
    if side is None:
        return invalid("side is required")
    return None if side in ("buy", "sell") else invalid(f"invalid side: {side!r:.40}")


def _order_type(body: Body, symbol: Symbol, quantity: Decimal) -> Refusal | None:
    del symbol, quantity
    order_type = body.get("type")
    if order_type not in ORDER_TYPES:
        return invalid("invalid type" if order_type else "type is required")
    if body.get("order_class") not in (None, "", "simple") or any(map(body.get, OTHER_PARTS)):
        return against_rules("only orders of class simple are simulated")
    return None


def _prices(body: Body, symbol: Symbol, quantity: Decimal) -> Refusal | None:
    del quantity
    for name in ("limit_price", *OTHER_PRICES):
        refusal = _price(name, body.get(name), symbol)
        if refusal is not None:
            return refusal
    if body["type"] != "market":
        if body["type"] == "limit" and body.get("limit_price") is None:
            return invalid("limit orders require limit price")
        return against_rules(f"{body['type']} orders are not simulated; only market orders are")
    if body.get("limit_price") is not None:
        return invalid("market orders require no limit price")
    if any(body.get(name) is not None for name in OTHER_PRICES):
        return invalid("market orders require no stop or trail price")
    return None


def _price(name: str, given: Any, symbol: Symbol) -> Refusal | None:
    if given is None:
        return None
    value = amount(given)
    if value is None or value <= 0:
        return invalid(f"{name} is invalid")
    places = CENTS if value >= CENT_PRICES_FROM else SUB_PENNIES
    if asset_class(symbol) is AssetClass.STOCK and places_of(value) > places:
        return against_rules(
            f"invalid {name} {value}. sub-penny increment does not fulfill minimum pricing criteria"
        )
    return None


def _time_in_force(body: Body, symbol: Symbol, quantity: Decimal) -> Refusal | None:
    time_in_force = body.get("time_in_force")
    if not time_in_force:
        return invalid("time_in_force is required")
    if time_in_force not in STOCK_TIMES:
        return invalid("invalid time_in_force")
    if asset_class(symbol) is AssetClass.CRYPTO and time_in_force not in CRYPTO_TIMES:
        return against_rules("invalid crypto time_in_force")
    if time_in_force not in SIMULATED_TIMES:
        return against_rules(f"time_in_force {time_in_force} is not simulated")
    fractional = asset_class(symbol) is AssetClass.STOCK and places_of(quantity)
    if fractional and time_in_force != "day":
        return against_rules("fractional orders must be DAY orders")
    return None


def _extended_hours(body: Body, symbol: Symbol, quantity: Decimal) -> Refusal | None:
    del symbol, quantity
    if body.get("extended_hours"):
        return against_rules("extended hours order must be DAY or GTC limit orders")
    return None


def _client_order_id(body: Body, symbol: Symbol, quantity: Decimal) -> Refusal | None:
    del symbol, quantity
    given = body.get("client_order_id")
    if given is None:
        return None
    if not isinstance(given, str) or not given.isprintable():
        return invalid("client_order_id is invalid")
    if len(given) > CLIENT_ORDER_ID_LENGTH_MAX:
        return invalid(
            f"client_order_id must be no more than {CLIENT_ORDER_ID_LENGTH_MAX} characters"
        )
    return None


CHECKS: tuple[Callable[[Body, Symbol, Decimal], Refusal | None], ...] = (
    _side,
    _order_type,
    _prices,
    _time_in_force,
    _extended_hours,
    _client_order_id,
)
"""In the order in which the complaints are heard."""
