"""Which orders `GET /v2/orders` shows, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trimtab_simulator.core.assets import Assets, class_of
from trimtab_simulator.core.exchange import Exchange
from trimtab_simulator.core.orders import Order
from trimtab_simulator.core.queries import Query
from trimtab_simulator.core.refusals import Refusal, not_found

LIMIT_DEFAULT = 50
LIMIT_MAX = 500


def listed_orders(exchange: Exchange, assets: Assets, query: Query) -> list[Order] | Refusal:
    """The orders that a query means. Orders of one row were submitted at the same instant.

    `after` leaves its own instant out and `until` does not, so who pages backwards by time and
    drops what is known already misses nothing.
    """
    status = query.choice("status", ("open", "closed", "all"), "open")
    limit = query.whole_number("limit", LIMIT_DEFAULT, most=LIMIT_MAX)
    ascending = query.choice("direction", ("asc", "desc"), "desc") == "asc"
    known: Iterable[Order] = (
        exchange.open_orders() if status == "open" else exchange.orders.values()
    )
    chosen = _between(exchange, list(known), query)
    if isinstance(chosen, Refusal):
        return chosen
    wanted = _filtered(chosen if ascending else reversed(chosen), assets, query)
    if query.refusal is not None:
        return query.refusal
    shown = (order for order in wanted if status != "closed" or not order.is_open)
    return [order for _, order in zip(range(limit), shown, strict=False)]


def _between(exchange: Exchange, orders: list[Order], query: Query) -> list[Order] | Refusal:
    """Cut by order ids: what came before one, or after one."""
    for name in ("after_order_id", "before_order_id"):
        order_id = query.text(name)
        if order_id is None:
            continue
        if order_id not in exchange.by_id:
            return not_found(f"order not found for {order_id}")
        every = list(exchange.by_id)
        border = every.index(order_id)
        places = {order_id: place for place, order_id in enumerate(every)}
        after = name == "after_order_id"
        orders = [o for o in orders if (places[o.id] > border if after else places[o.id] < border)]
    return orders


def _filtered(orders: Iterable[Order], assets: Assets, query: Query) -> Iterator[Order]:
    after, until = query.moment("after"), query.moment("until")
    side = query.choice("side", ("buy", "sell"), "")
    symbols = {assets.find(name) for name in query.names("symbols")}
    classes = query.names("asset_class")
    return (
        order
        for order in orders
        if (after is None or order.submitted_at > after)
        and (until is None or order.submitted_at <= until)
        and (not side or order.side.value == side)
        and (not symbols or order.symbol in symbols)
        and (not classes or class_of(order.symbol) in classes)
    )
