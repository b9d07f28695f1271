"""The exchange around the venue: orders meet rows, and everything shown follows from the log."""

from decimal import Decimal
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.markets import a_market, minute_market
from tests.simulators import a_simulator, asked, at, ears_of, open_row, submit
from trimtab_common.sides import Side
from trimtab_common.timeframes import Timeframe
from trimtab_simulator.core.exchange import mixed, openings_of
from trimtab_simulator.core.orders import Order, Status
from trimtab_trading.broker_ids import broker_order_id, execution_id
from trimtab_trading.venue import FREE, Fill, Terms, Venue

COSTLY = Terms(
    slippage_bps=Decimal(5),
    fee_bps=Decimal(2),
    fee_per_order=Decimal("0.35"),
    fee_per_share=Decimal("0.005"),
    volume_share_max=Decimal("0.1"),
)
FLAT = (10.0, 10.0, 10.0, 10.0)


def test_an_order_fills_at_the_open_of_the_next_bar():
    simulator = a_simulator(a_market([("AAPL", 1, 10.0, 12.0, 9.0, 11.0, 100.0)]))
    submit(simulator, "one", qty="3")
    (fill,) = open_row(simulator)
    assert (fill["event"], fill["price"], fill["qty"], fill["fee"]) == ("fill", "10", "3", "0")
    assert fill["position_qty"] == "3"
    assert fill["order"]["status"] == "filled"
    assert simulator.exchange.venue.cash == 99_970


def test_an_order_sent_after_a_row_waits_for_a_bar_that_opens_then():
    simulator = a_simulator(
        a_market([("AAPL", 1, *FLAT, 1.0), ("AAPL", 2, 11.0, 11.0, 11.0, 11.0, 1.0)])
    )
    open_row(simulator)
    submit(simulator, "one")
    (fill,) = open_row(simulator)
    assert (fill["price"], fill["timestamp"]) == ("11", "2024-01-02T14:31:00Z")


def test_an_order_waits_while_its_symbol_has_no_bar():
    simulator = a_simulator(
        a_market([("AAPL", 1, *FLAT, 1.0), ("MSFT", 2, *FLAT, 1.0), ("AAPL", 3, *FLAT, 1.0)])
    )
    open_row(simulator)
    submit(simulator, "one")
    assert open_row(simulator) == []
    assert [update["event"] for update in open_row(simulator)] == ["fill"]


def test_sells_come_before_buys_so_their_cash_can_be_used():
    market = a_market([("AAPL", row, *FLAT, 1.0) for row in (1, 2)])
    simulator = a_simulator(market, cash="100")
    submit(simulator, "first", qty="10")
    open_row(simulator)
    submit(simulator, "a-buy", qty="10")
    submit(simulator, "b-sell", qty="10", side="sell")
    updates = open_row(simulator)
    assert [update["order"]["client_order_id"] for update in updates] == ["b-sell", "a-buy"]
    assert [update["event"] for update in updates] == ["fill", "fill"]


def test_what_the_account_cannot_bear_is_rejected_with_the_venues_reason():
    simulator = a_simulator(a_market([("AAPL", 1, *FLAT, 1.0)]), cash="5")
    submit(simulator, "buy")
    submit(simulator, "sell", side="sell")
    updates = open_row(simulator)
    assert [u["event"] for u in updates] == ["rejected", "rejected"]
    assert [u["reason"] for u in updates] == [
        "insufficient quantity: 0 held",
        "insufficient buying power: 5 in cash",
    ]
    assert updates[0]["order"]["failed_at"] == "2024-01-02T14:30:00Z"


def test_a_partial_fill_is_told_with_what_has_filled_in_all():
    terms = FREE.__class__(**{**vars(FREE), "volume_share_max": Decimal("0.5")})
    market = a_market([("AAPL", row, *FLAT, 8.0) for row in (1, 2, 3)])
    simulator = a_simulator(market, terms=terms)
    submit(simulator, "one", qty="10")
    told = [open_row(simulator)[0] for _ in range(3)]
    assert [u["event"] for u in told] == ["partial_fill", "partial_fill", "fill"]
    assert [u["order"]["filled_qty"] for u in told] == ["4", "8", "10"]
    assert [u["execution_id"] for u in told] == [
        execution_id("one", Decimal(quantity)) for quantity in (4, 8, 10)
    ]


def test_a_day_order_ends_with_its_session():
    last, next_day = 390, 24 * 60 + 1
    market = a_market(
        [("AAPL", 389, *FLAT, 1.0), ("MSFT", last, *FLAT, 1.0), ("AAPL", next_day, *FLAT, 1.0)]
    )
    simulator = a_simulator(market)
    open_row(simulator)
    assert submit(simulator, "one")["expires_at"] == "2024-01-02T21:00:00Z"
    assert open_row(simulator) == []
    (expired,) = open_row(simulator)
    assert (expired["event"], expired["timestamp"]) == ("expired", "2024-01-02T21:00:00Z")
    assert expired["order"]["expired_at"] == "2024-01-02T21:00:00Z"


def test_a_day_order_sent_after_the_close_is_for_the_next_session():
    simulator = a_simulator(minute_market(sessions=2))
    open_row(simulator, 390)
    order = submit(simulator, "one")
    assert order["expires_at"] == "2024-01-03T21:00:00Z"
    assert [u["event"] for u in open_row(simulator)] == ["fill"]


def test_immediate_or_cancel_gets_one_bar():
    market = a_market([("AAPL", 1, *FLAT, 1.0), ("MSFT", 2, *FLAT, 1.0)])
    simulator = a_simulator(market)
    open_row(simulator)
    submit(simulator, "one", time_in_force="ioc")
    (cancelled,) = open_row(simulator)
    assert cancelled["event"] == "canceled"
    assert simulator.exchange.venue.working == {}


def test_ids_follow_from_the_client_order_id_and_times_from_the_market():
    simulator = a_simulator()
    order = submit(simulator, "tt-abc")
    (new,) = ears_of(simulator).told
    assert order["id"] == broker_order_id("tt-abc") == new["order"]["id"]
    assert UUID(new["execution_id"]).version == 5
    assert (order["submitted_at"], order["status"]) == ("2024-01-02T14:30:00Z", "pending_new")
    assert (new["event"], new["order"]["status"]) == ("new", "new")


def test_an_order_cannot_leave_its_end():
    order = Order("one", "AAPL", Side.BUY, Decimal(1), "day", at("14:30"), None, Status.CANCELED)
    with pytest.raises(RuntimeError, match="is canceled, not filled"):
        order.become(Status.FILLED, at("14:31"))


def test_of_several_bars_of_a_symbol_the_last_to_open_is_the_opening():
    market = minute_market(timeframe=Timeframe.ONE_DAY, sessions=1)
    twice = market.take(np.array([0, 0]))
    twice.opened_at[1] += 60_000_000
    assert openings_of(twice, 0)["AAPL"].opened_at == at("14:31")


def test_a_market_of_stocks_and_pairs_is_refused():
    assert mixed(a_market([("BTC/USD", 1, *FLAT, 1.0)])) is not None
    assert mixed(minute_market(symbols=("BTC/USD",), calendar="24/7")) is None


ORDERS = st.lists(
    st.tuples(
        st.sampled_from(["AAPL", "MSFT"]),
        st.sampled_from([Side.BUY, Side.SELL]),
        st.integers(1, 400),
    ),
    max_size=4,
)


@given(st.lists(ORDERS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_every_fill_is_the_venues_whatever_the_order_of_arrival(rows, chance):
    market = minute_market(sessions=1)
    simulator = a_simulator(market, terms=COSTLY, cash="20000")
    venue = Venue(COSTLY, Decimal(20_000))
    for number, orders in enumerate(rows):
        named = [(f"{number}-{place}", *order) for place, order in enumerate(orders)]
        for name, symbol, side, quantity in named:
            venue.submit(name, symbol, side, Decimal(quantity))
        for name, symbol, side, quantity in chance.sample(named, len(named)):
            submit(simulator, name, symbol=symbol, side=side.value, qty=str(quantity))
        outcome = venue.open_row(market.instant_of(number), openings_of(market, number))
        told = open_row(simulator)
        assert [(u["event"] == "rejected", u["order"]["client_order_id"]) for u in told] == [
            (not isinstance(result, Fill), result.order.client_order_id) for result in outcome
        ]
        fills = [result for result in outcome if isinstance(result, Fill)]
        shown = [u for u in told if u["event"] != "rejected"]
        assert [(Decimal(u["qty"]), Decimal(u["price"]), Decimal(u["fee"])) for u in shown] == [
            (fill.quantity, fill.price, fill.fee) for fill in fills
        ]
    assert simulator.exchange.venue.snapshot()["cash"] == venue.snapshot()["cash"]
    assert simulator.exchange.venue.positions == venue.positions
    _, account = asked(simulator, "GET /v2/account")
    assert Decimal(account["cash"]) == venue.cash
