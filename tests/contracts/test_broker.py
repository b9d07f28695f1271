"""What execution may expect of a broker: the real adapter at the simulator, and the tests' fake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.markets import minute_market
from tests.simulator_process import KEY, SECRET, running_simulator
from tests.simulator_streams import watching
from tests.unit.execution.examples import an_order
from tests.unit.execution.fakes import FakeBroker, openings_of
from trimtab_common.sides import Side
from trimtab_execution.adapters.alpaca import AlpacaBroker
from trimtab_execution.core.reconcile import contradiction, quantities
from trimtab_execution.ports import (
    Broker,
    DuplicateId,
    NotCancelable,
    OutcomeUnknown,
    Refused,
    Update,
)
from trimtab_trading.broker_ids import broker_order_id
from trimtab_trading.market import bars_of_row
from trimtab_trading.venue import Terms, Venue

CASH = Decimal(20_000)
TERMS = Terms(
    slippage_bps=Decimal(1),
    fee_bps=Decimal(2),
    fee_per_order=Decimal("0.35"),
    fee_per_share=Decimal(0),
    volume_share_max=None,
)
ROWS = 6
NOBODY = "00000000-0000-0000-0000-000000000000"


@dataclass
class Place:
    """A broker, and the rows of its market."""

    broker: Broker
    rows: list[datetime]

    def open_next(self) -> list[Update]:
        return list(self.broker.open_row(self.rows.pop(0)))


@contextmanager
def at_the_simulator(folder: Path) -> Iterator[Place]:
    market = minute_market()
    terms = {name: value for name, value in vars(TERMS).items() if value is not None}
    settings = {"symbols": "AAPL,MSFT", "sessions": 1, "cash": CASH, **terms}
    with running_simulator(folder, **settings) as simulator:
        broker = AlpacaBroker(
            simulator.url, key_id=KEY, secret_key=SECRET, simulated=True, read_seconds=5
        )
        with watching(simulator, "AAPL", rows=ROWS), closing(broker):
            yield Place(broker, [market.instant_of(row) for row in range(ROWS)])


@contextmanager
def in_memory(folder: Path) -> Iterator[Place]:
    market = minute_market()
    bars = [bar for row in range(ROWS) for bar in bars_of_row(market, row)]
    broker = FakeBroker(Venue(TERMS, CASH), openings_of(bars))
    broker.listed = frozenset(market.symbols)
    yield Place(broker, [market.instant_of(row) for row in range(ROWS)])


BROKERS: dict[str, Callable[[Path], AbstractContextManager[Place]]] = {
    "simulator": at_the_simulator,
    "fake": in_memory,
}


@pytest.fixture(params=BROKERS)
def place(request, tmp_path) -> Iterator[Place]:
    with BROKERS[request.param](tmp_path / "simulator") as found:
        yield found


def test_a_new_account_holds_its_cash_and_nothing_else(place):
    account, positions = place.broker.account(), place.broker.positions()
    assert (account.cash, account.equity, account.blocked) == (CASH, CASH, False)
    assert account.number
    assert list(positions) == list(place.broker.open_orders()) == []


def test_an_order_is_there_as_soon_as_it_is_answered(place):
    order = an_order()
    assert place.broker.submit(order) == broker_order_id(order.client_order_id)
    found = place.broker.find(order.client_order_id)
    assert found is not None
    assert (found.status, found.quantity, found.filled_quantity) == ("new", 10, 0)
    assert list(place.broker.open_orders()) == [found]


def test_an_order_nobody_sent_is_not_found(place):
    assert place.broker.find("tt-nobody") is None


def test_an_id_is_good_for_one_order_ever(place):
    order = an_order()
    place.broker.submit(order)
    with pytest.raises(DuplicateId):
        place.broker.submit(order)
    place.broker.cancel(broker_order_id(order.client_order_id))
    with pytest.raises(DuplicateId):
        place.broker.submit(order)


def test_an_order_for_something_unheard_of_is_refused_with_a_reason(place):
    with pytest.raises(Refused, match="TSLA"):
        place.broker.submit(an_order(symbol="TSLA"))
    assert place.broker.find(an_order(symbol="TSLA").client_order_id) is None


def test_a_cancelled_order_is_over_and_cannot_be_cancelled_again(place):
    order = an_order()
    broker_id = place.broker.submit(order)
    place.broker.cancel(broker_id)
    found = place.broker.find(order.client_order_id)
    assert found is not None
    assert (found.status, found.over) == ("canceled", True)
    assert list(place.broker.open_orders()) == []
    with pytest.raises(NotCancelable):
        place.broker.cancel(broker_id)


def test_an_order_the_broker_does_not_know_cannot_be_cancelled(place):
    with pytest.raises(NotCancelable):
        place.broker.cancel(NOBODY)


def test_a_row_fills_what_waits_for_it_and_tells_it_as_often_as_it_is_asked(place):
    order = an_order()
    place.open_next()
    place.broker.submit(order)
    row = place.rows[0]
    (update,) = place.open_next()
    assert (update.order.status, update.quantity, update.order.filled_quantity) == (
        "filled",
        10,
        10,
    )
    assert update.price == update.order.average_price
    assert update.fee > Decimal("0.35")
    assert list(place.broker.open_row(row)) == [update]
    assert place.broker.find(order.client_order_id) == update.order
    with pytest.raises(NotCancelable):
        place.broker.cancel(update.order.order_id)


def test_a_row_that_is_over_is_not_opened_again(place):
    first = place.rows[0]
    place.open_next()
    place.open_next()
    with pytest.raises(OutcomeUnknown):
        place.broker.open_row(first)


def test_what_the_account_cannot_bear_is_rejected_at_its_row_with_a_reason(place):
    place.open_next()
    place.broker.submit(an_order(side=Side.SELL))
    place.broker.submit(an_order(symbol="MSFT", quantity="100000"))
    reasons = [(u.order.symbol, u.order.status, u.order.reason) for u in place.open_next()]
    assert [(symbol, status) for symbol, status, _ in reasons] == [
        ("AAPL", "rejected"),
        ("MSFT", "rejected"),
    ]
    assert reasons[0][2].startswith("insufficient quantity")
    assert reasons[1][2].startswith("insufficient buying power")


def test_cash_and_positions_follow_the_fills_to_the_cent(place):
    place.open_next()
    place.broker.submit(an_order(quantity="7"))
    (update,) = place.open_next()
    account, positions = place.broker.account(), place.broker.positions()
    assert account.cash == CASH - 7 * update.price - update.fee
    assert quantities(positions) == {"AAPL": 7}
    assert contradiction(account, positions) is None


def test_the_clock_tells_an_instant(place):
    assert place.broker.clock().tzinfo is not None


def test_both_brokers_give_the_same_fills(tmp_path):
    told = []
    for make in BROKERS.values():
        with make(tmp_path / "same") as place:
            place.open_next()
            for leg, symbol in enumerate(("AAPL", "MSFT", "AAPL")):
                place.broker.submit(an_order(symbol=symbol, leg=leg, quantity="3"))
            place.broker.submit(an_order(side=Side.SELL, leg=9, quantity="2"))
            updates = [*place.open_next(), *place.open_next()]
            told.append([(u.order, u.quantity, u.price, u.fee) for u in updates])
    assert told[0] == told[1]
