"""Orders: taken in, shown, and taken back."""

from __future__ import annotations

from http import HTTPStatus

from trimtab_simulator.core.listing import listed_orders
from trimtab_simulator.core.orders import Status, order_json
from trimtab_simulator.core.refusals import Refusal, invalid, not_found
from trimtab_simulator.core.requests import read_order
from trimtab_simulator.core.simulator import Simulator
from trimtab_simulator.endpoints.contract import Answer, Request


def post_order(simulator: Simulator, request: Request) -> Answer | Refusal:
    """Alpaca answers an order before the market has it, hence the status."""
    received_at = simulator.wall_clock()
    wanted = read_order(request.body, simulator.assets)
    if isinstance(wanted, Refusal):
        simulator.note_refused_order(None, received_at, wanted)
        return wanted
    order = simulator.submit(wanted)
    if isinstance(order, Refusal):
        return order
    return Answer(order_json(order, Status.PENDING_NEW))


def get_orders(simulator: Simulator, request: Request) -> Answer | Refusal:
    found = listed_orders(simulator.exchange, simulator.assets, request.query)
    return found if isinstance(found, Refusal) else Answer([order_json(order) for order in found])


def get_order(simulator: Simulator, request: Request) -> Answer | Refusal:
    order = simulator.exchange.by_id.get(request.parts["order_id"])
    return Answer(order_json(order)) if order else _no_order(request)


def get_order_by_client_order_id(simulator: Simulator, request: Request) -> Answer | Refusal:
    client_order_id = request.query.text("client_order_id")
    if client_order_id is None:
        return invalid("client_order_id is required")
    order = simulator.exchange.orders.get(client_order_id)
    return Answer(order_json(order)) if order else not_found("order not found")


def delete_order(simulator: Simulator, request: Request) -> Answer | Refusal:
    order = simulator.exchange.by_id.get(request.parts["order_id"])
    if order is None:
        return _no_order(request)
    return simulator.cancel(order) or Answer(None, HTTPStatus.NO_CONTENT)


def delete_orders(simulator: Simulator, request: Request) -> Answer | Refusal:
    """Cancel every working order."""
    working = simulator.exchange.open_orders()
    for order in working:
        simulator.cancel(order)
    done = [{"id": order.id, "status": int(HTTPStatus.OK)} for order in working]
    return Answer(done, HTTPStatus.MULTI_STATUS)


def _no_order(request: Request) -> Refusal:
    return not_found(f"order not found for {request.parts['order_id'][:40]}")
