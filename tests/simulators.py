"""A simulator without sockets, files and clocks, and short ways to ask it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import orjson

from tests.markets import minute_market
from trimtab_simulator.adapters.web import Routes
from trimtab_simulator.core.exchange import Exchange
from trimtab_simulator.core.faults import Faults
from trimtab_simulator.core.queries import Query
from trimtab_simulator.core.records import Record
from trimtab_simulator.core.refusals import Refusal
from trimtab_simulator.core.release import Release
from trimtab_simulator.core.simulator import Simulator, first_record
from trimtab_simulator.core.updates import Update
from trimtab_simulator.endpoints.contract import Request
from trimtab_simulator.handlers import HANDLERS
from trimtab_trading.market import Market
from trimtab_trading.venue import FREE, Terms, Venue

PAUSE = timedelta(minutes=5)


class MemoryLog:
    """A record log that lives as long as the test; records go through JSON, as on disk."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def read(self) -> Iterable[Record]:
        return [orjson.loads(line) for line in self.lines]

    def append(self, record: Record) -> None:
        self.lines.append(orjson.dumps(record))


@dataclass
class Ears:
    """Listeners that remember what they were told."""

    told: list[Update] = field(default_factory=list)
    rows_opened: int = 0
    broken: list[str] = field(default_factory=list)

    def tell(self, updates: list[Update]) -> None:
        self.told += updates

    def row_opened(self) -> None:
        self.rows_opened += 1

    def break_sockets(self, *, updates: bool) -> None:
        self.broken.append("updates" if updates else "data")

    @property
    def events(self) -> list[str]:
        return [update["event"] for update in self.told]


def a_simulator(
    market: Market | None = None,
    *,
    cash: str = "100000",
    terms: Terms = FREE,
    log: MemoryLog | None = None,
    released: int | None = None,
    funds_checked_on_arrival: bool = False,
) -> Simulator:
    """A simulator that has recovered from its log; all rows are released unless told otherwise."""
    market = market or minute_market()
    seconds = count(1_700_000_000)
    simulator = Simulator(
        exchange=Exchange(market, Venue(terms, Decimal(cash))),
        release=Release(market, speed=None, ahead=256, pause_max=PAUSE),
        log=log or MemoryLog(),
        listeners=Ears(),
        faults=Faults(),
        wall_clock=lambda: float(next(seconds)),
        funds_checked_on_arrival=funds_checked_on_arrival,
    )
    simulator.recover(first_record(simulator.exchange))
    simulator.release.released = market.rows_total if released is None else released
    return simulator


def ears_of(simulator: Simulator) -> Ears:
    assert isinstance(simulator.listeners, Ears)
    return simulator.listeners


def asked(
    simulator: Simulator,
    request: str,
    body: Any = None,
    query: Mapping[str, str] | None = None,
) -> tuple[int, Any]:
    """Status and body of `GET /v2/account` and the like, as the web would get them."""
    method, _, path = request.partition(" ")
    found = Routes(HANDLERS).find(method, path)
    assert found is not None, f"there is no endpoint {request}"
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    result = found.handler(simulator, Request(found.parts, Query(query or {}), raw))
    return int(result.status), result.body


def an_order(client_order_id: str | None = "one", /, **changes: Any) -> dict[str, Any]:
    """The body of an order for one share of Apple."""
    body = {
        "symbol": "AAPL",
        "qty": "1",
        "side": "buy",
        "type": "market",
        "time_in_force": "day",
        "client_order_id": client_order_id,
    } | changes
    return {name: value for name, value in body.items() if value is not None}


def submit(simulator: Simulator, client_order_id: str | None = "one", /, **changes: Any) -> Any:
    """Post an order that must be accepted; the order as it was answered."""
    status, order = asked(simulator, "POST /v2/orders", an_order(client_order_id, **changes))
    assert status == 200, order
    return order


def open_row(simulator: Simulator, number: int = 1) -> list[Update]:
    """Open the next `number` rows; the updates of the last of them."""
    updates: list[Update] = []
    for _ in range(number):
        market, opened = simulator.exchange.market, simulator.exchange.rows_opened
        reply = simulator.open(market.instant_of(opened))
        assert not isinstance(reply, Refusal), reply
        updates = reply["updates"]
    return updates


def at(text: str) -> datetime:
    """An instant of 2 January 2024 in UTC: `at("14:31")`."""
    return datetime.fromisoformat(f"2024-01-02T{text}:00+00:00")
