"""Positions: shown, and closed by an order."""

from __future__ import annotations

from decimal import Decimal
from http import HTTPStatus

from trimtab_common.money import plain
from trimtab_common.sides import Side
from trimtab_common.symbols import Symbol
from trimtab_simulator.core.account import position_json, positions_json
from trimtab_simulator.core.assets import class_of
from trimtab_simulator.core.faults import ANSWERS, Fault
from trimtab_simulator.core.orders import Order, Status, order_json
from trimtab_simulator.core.queries import Query
from trimtab_simulator.core.refusals import Refusal, forbidden, invalid, not_found
from trimtab_simulator.core.requests import OrderRequest, amount
from trimtab_simulator.core.simulator import Simulator
from trimtab_simulator.endpoints.contract import Answer, Request
from trimtab_simulator.endpoints.orders import delete_orders

PERCENT = Decimal("0.01")
SMALLEST = Decimal("1e-9")


def get_positions(simulator: Simulator, request: Request) -> Answer | Refusal:
    if simulator.faults.happens(Fault.POSITIONS_ERROR):
        return ANSWERS[Fault.SERVER_ERROR_BEFORE]
    if simulator.faults.happens(Fault.POSITIONS_EMPTY):
        return Answer([])
    return Answer(positions_json(simulator.exchange))


def get_position(simulator: Simulator, request: Request) -> Answer | Refusal:
    symbol = _held(simulator, request)
    if isinstance(symbol, Refusal):
        return symbol
    return Answer(position_json(simulator.exchange, symbol))


def delete_position(simulator: Simulator, request: Request) -> Answer | Refusal:
    """Sell a position, or the part of it that `qty` or `percentage` names."""
    symbol = _held(simulator, request)
    if isinstance(symbol, Refusal):
        return symbol
    held = simulator.exchange.venue.positions[symbol]
    quantity = _part(held, request.query)
    if isinstance(quantity, Refusal):
        return quantity
    return _sell(simulator, symbol, quantity)


def delete_positions(simulator: Simulator, request: Request) -> Answer | Refusal:
    """Sell everything, after cancelling every order if that is asked for."""
    if request.query.text("cancel_orders") in ("true", "True"):
        delete_orders(simulator, request)
    results = []
    for symbol in sorted(simulator.exchange.venue.positions):
        free = simulator.exchange.venue.positions[symbol] - simulator.exchange.promised(symbol)
        result = _sell(simulator, symbol, free)
        body = result.body
        results.append({"symbol": symbol, "status": int(result.status), "body": body})
    return Answer(results, HTTPStatus.MULTI_STATUS)


def _held(simulator: Simulator, request: Request) -> Symbol | Refusal:
    symbol = simulator.assets.find(request.parts["name"])
    if symbol is None or symbol not in simulator.exchange.venue.positions:
        return not_found("position does not exist")
    return symbol


def _part(held: Decimal, query: Query) -> Decimal | Refusal:
    asked, percentage = query.text("qty"), query.text("percentage")
    if asked is None and percentage is None:
        return held
    if asked is not None and percentage is not None:
        return invalid("only one of qty or percentage is accepted")
    value = amount(asked or percentage)
    if value is None or value <= 0:
        return invalid("qty or percentage is invalid")
    return value if asked else (held * value * PERCENT).quantize(SMALLEST)


def _sell(simulator: Simulator, symbol: Symbol, quantity: Decimal) -> Answer | Refusal:
    free = simulator.exchange.venue.positions[symbol] - simulator.exchange.promised(symbol)
    if not 0 < quantity <= free:
        return forbidden(
            f"insufficient qty available for order (requested: {plain(quantity)}, "
            f"available: {plain(free)})",
            symbol=symbol,
            available=plain(free),
        )
    time_in_force = "gtc" if class_of(symbol) == "crypto" else "day"
    order = simulator.submit(OrderRequest(None, symbol, Side.SELL, quantity, time_in_force))
    if isinstance(order, Order):
        return Answer(order_json(order, Status.PENDING_NEW))
    return order
