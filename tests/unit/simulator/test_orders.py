"""Orders over REST: found, listed, cancelled."""

import pytest

from tests.markets import minute_market
from tests.simulators import a_simulator, asked, ears_of, open_row, submit


def listed(simulator, **query):
    status, orders = asked(simulator, "GET /v2/orders", query=query)
    assert status == 200, orders
    return [order["client_order_id"] for order in orders]


@pytest.fixture
def busy():
    """Two orders that have filled, one that was cancelled, two at work; two rows apart."""
    simulator = a_simulator(minute_market(symbols=("AAPL", "MSFT")))
    submit(simulator, "a")
    submit(simulator, "b", symbol="MSFT")
    open_row(simulator)
    gone = submit(simulator, "c")
    asked(simulator, f"DELETE /v2/orders/{gone['id']}")
    submit(simulator, "d", side="sell")
    submit(simulator, "e", symbol="MSFT")
    return simulator


def test_an_order_is_found_by_either_id(busy):
    _, by_name = asked(busy, "GET /v2/orders:by_client_order_id", query={"client_order_id": "d"})
    _, by_id = asked(busy, f"GET /v2/orders/{by_name['id']}")
    assert by_name == by_id
    assert by_id["status"] == "new"


@pytest.mark.parametrize(
    ("request_line", "query", "status"),
    [
        ("GET /v2/orders/00000000-0000-0000-0000-000000000000", {}, 404),
        ("GET /v2/orders:by_client_order_id", {"client_order_id": "nobody"}, 404),
        ("GET /v2/orders:by_client_order_id", {}, 422),
        ("DELETE /v2/orders/00000000-0000-0000-0000-000000000000", {}, 404),
    ],
)
def test_an_order_that_is_not_there_is_not_found(busy, request_line, query, status):
    assert asked(busy, request_line, query=query)[0] == status


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["e", "d"]),
        ({"direction": "asc"}, ["d", "e"]),
        ({"status": "closed"}, ["c", "b", "a"]),
        ({"status": "all"}, ["e", "d", "c", "b", "a"]),
        ({"status": "all", "limit": "2"}, ["e", "d"]),
        ({"status": "all", "side": "sell"}, ["d"]),
        ({"status": "all", "symbols": "MSFT"}, ["e", "b"]),
        ({"status": "all", "symbols": "MSFT,AAPL", "limit": "1"}, ["e"]),
        ({"status": "all", "asset_class": "crypto"}, []),
        ({"status": "all", "after": "2024-01-02T14:30:00Z"}, ["e", "d", "c"]),
        ({"status": "all", "until": "2024-01-02T14:30:00Z"}, ["b", "a"]),
    ],
    ids=str,
)
def test_orders_are_listed_as_asked(busy, query, expected):
    assert listed(busy, **query) == expected


def test_orders_can_be_cut_by_their_ids(busy):
    _, order = asked(busy, "GET /v2/orders:by_client_order_id", query={"client_order_id": "c"})
    cut = {"status": "all", "direction": "asc"}
    assert listed(busy, after_order_id=order["id"], **cut) == ["d", "e"]
    assert listed(busy, before_order_id=order["id"], **cut) == ["a", "b"]
    assert asked(busy, "GET /v2/orders", query={"after_order_id": "nobody"})[0] == 404


@pytest.mark.parametrize(
    "query", [{"status": "some"}, {"limit": "501"}, {"limit": "x"}, {"after": "today"}], ids=str
)
def test_a_bad_list_is_refused(busy, query):
    assert asked(busy, "GET /v2/orders", query=query)[0] == 422


def test_a_cancel_is_told_and_final(busy):
    _, order = asked(busy, "GET /v2/orders:by_client_order_id", query={"client_order_id": "d"})
    assert asked(busy, f"DELETE /v2/orders/{order['id']}") == (204, None)
    assert ears_of(busy).events[-1] == "canceled"
    status, body = asked(busy, f"DELETE /v2/orders/{order['id']}")
    assert (status, body["code"]) == (422, 42210000)
    assert "canceled" in body["message"]


def test_everything_at_work_can_be_cancelled_at_once(busy):
    status, results = asked(busy, "DELETE /v2/orders")
    assert status == 207
    assert [result["status"] for result in results] == [200, 200]
    assert listed(busy) == []


def test_an_id_is_used_once_for_ever(busy):
    body = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
    for used in ("a", "c", "d"):
        status, answer = asked(busy, "POST /v2/orders", body | {"client_order_id": used})
        assert (status, answer["message"]) == (422, "client_order_id must be unique")


def test_the_exchange_names_orders_that_have_no_name():
    names = {submit(a_simulator(), None)["client_order_id"] for _ in range(2)}
    assert len(names) == 1
    simulator = a_simulator()
    assert submit(simulator, None)["id"] != submit(simulator, None)["id"]


def test_orders_are_not_replaced(busy):
    assert asked(busy, "PATCH /v2/orders/any", {"qty": "2"})[0] == 422
