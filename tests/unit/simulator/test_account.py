"""Account, positions, adjustments: the arithmetic that a broker shows."""

from decimal import Decimal

import pytest

from tests.markets import a_market, minute_market
from tests.simulators import a_simulator, asked, open_row, submit

NEXT_DAY = 24 * 60 + 1


def flat(symbol, row, price):
    return (symbol, row, price, price, price, price, 100.0)


@pytest.fixture
def held():
    """Ten shares bought at 10 and ten at 20; then 25 in the evening, 30 the next morning."""
    prices = {1: 10.0, 2: 20.0, 3: 25.0, NEXT_DAY: 30.0}
    simulator = a_simulator(a_market([flat("AAPL", row, price) for row, price in prices.items()]))
    for name in ("one", "two"):
        submit(simulator, name, qty="10")
        open_row(simulator)
    open_row(simulator)
    return simulator


def get(simulator, path):
    status, body = asked(simulator, f"GET /v2/{path}")
    assert status == 200, body
    return body


def test_a_position_shows_its_average_cost_and_what_it_is_worth(held):
    (position,) = get(held, "positions")
    assert position["qty"] == "20"
    assert position["avg_entry_price"] == "15"
    assert position["cost_basis"] == "300"
    assert position["current_price"] == "25"
    assert position["market_value"] == "500"
    assert position["unrealized_pl"] == "200"
    assert position["unrealized_plpc"] == "0.666666667"


def test_the_account_adds_up(held):
    account = get(held, "account")
    assert account["cash"] == "99700"
    assert account["long_market_value"] == "500"
    assert account["equity"] == account["portfolio_value"] == "100200"


def test_a_new_session_counts_from_the_last_close(held):
    open_row(held)
    (position,) = get(held, "positions")
    assert position["lastday_price"] == "25"
    assert position["change_today"] == "0.2"
    assert position["unrealized_intraday_pl"] == "100"
    assert position["unrealized_pl"] == "300"
    account = get(held, "account")
    assert (account["last_equity"], account["balance_asof"]) == ("100200", "2024-01-02")


def test_a_sale_takes_its_part_of_the_cost(held):
    submit(held, "three", qty="5", side="sell", time_in_force="gtc")
    open_row(held)
    (position,) = get(held, "positions")
    assert (position["qty"], position["cost_basis"]) == ("15", "225")
    assert position["unrealized_intraday_pl"] == "75"
    assert get(held, "account")["cash"] == "99850"


def test_a_position_that_was_sold_is_gone(held):
    submit(held, "three", qty="20", side="sell", time_in_force="gtc")
    open_row(held)
    assert get(held, "positions") == []
    assert asked(held, "GET /v2/positions/AAPL")[0] == 404


def test_what_is_up_for_sale_is_not_available(held):
    submit(held, "three", qty="5", side="sell")
    assert get(held, "positions/AAPL")["qty_available"] == "15"


def test_pending_buys_reduce_buying_power(held):
    submit(held, "three", qty="4")
    account = get(held, "account")
    assert (account["cash"], account["buying_power"]) == ("99700", "99600")


def test_a_pair_loses_its_slash_in_positions():
    simulator = a_simulator(minute_market(symbols=("BTC/USD",), calendar="24/7"))
    submit(simulator, "one", symbol="BTCUSD", qty="0.5", time_in_force="gtc")
    open_row(simulator)
    (position,) = get(simulator, "positions")
    assert (position["symbol"], position["exchange"]) == ("BTCUSD", "CRYPTO")
    for name in ("BTCUSD", "BTC%2FUSD", position["asset_id"]):
        assert get(simulator, f"positions/{name}") == position


def test_a_position_is_closed_by_an_order_to_sell(held):
    status, order = asked(held, "DELETE /v2/positions/AAPL")
    assert (status, order["side"], order["qty"]) == (200, "sell", "20")
    assert asked(held, "DELETE /v2/positions/AAPL")[0] == 403


@pytest.mark.parametrize(
    ("query", "expected"), [({"qty": "3"}, "3"), ({"percentage": "25"}, "5")], ids=str
)
def test_a_position_is_closed_in_part(held, query, expected):
    _, order = asked(held, "DELETE /v2/positions/AAPL", query=query)
    assert order["qty"] == expected


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"qty": "1", "percentage": "5"}, 422),
        ({"qty": "-1"}, 422),
        ({"qty": "x"}, 422),
        ({"qty": "21"}, 403),
    ],
    ids=str,
)
def test_a_bad_close_is_refused(held, query, status):
    assert asked(held, "DELETE /v2/positions/AAPL", query=query)[0] == status


def test_everything_is_closed_at_once_and_orders_cancelled_if_asked(held):
    submit(held, "three", qty="20", side="sell")
    status, (blocked,) = asked(held, "DELETE /v2/positions")
    assert (status, blocked["status"], blocked["body"]["code"]) == (207, 403, 40310000)
    _, (closed,) = asked(held, "DELETE /v2/positions", query={"cancel_orders": "true"})
    assert (closed["symbol"], closed["status"], closed["body"]["qty"]) == ("AAPL", 200, "20")


ADJUSTED = {
    "dividend": ({"reason": "dividend", "symbol": "AAPL", "per_share": "0.125"}, "99702.5", "20"),
    "deposit": ({"reason": "transfer", "amount": "50"}, "99750", "20"),
    "withdrawal": ({"reason": "transfer", "amount": "-700"}, "99000", "20"),
    "fee": ({"reason": "fee", "amount": "-1.25"}, "99698.75", "20"),
    "split": ({"reason": "split", "symbol": "AAPL", "ratio": "4"}, "99700", "80"),
    "reverse": ({"reason": "split", "symbol": "AAPL", "ratio": "0.5"}, "99700", "10"),
    "journal": ({"reason": "position", "symbol": "AAPL", "quantity": "-0.5"}, "99700", "19.5"),
    "all gone": ({"reason": "position", "symbol": "AAPL", "quantity": "-20"}, "99700", None),
}


@pytest.mark.parametrize(("body", "cash", "quantity"), ADJUSTED.values(), ids=ADJUSTED)
def test_cash_and_positions_change_without_orders(held, body, cash, quantity):
    status, state = asked(held, "POST /control/adjust", body)
    assert (status, state["cash"]) == (200, cash)
    assert [position["qty"] for position in get(held, "positions")] == (
        [quantity] if quantity else []
    )


def test_a_split_leaves_worth_and_cost_alone(held):
    asked(held, "POST /control/adjust", {"reason": "split", "symbol": "AAPL", "ratio": "4"})
    (position,) = get(held, "positions")
    assert (position["market_value"], position["cost_basis"]) == ("500", "300")
    assert position["avg_entry_price"] == "3.75"


def test_a_position_that_comes_in_is_worth_its_price(held):
    asked(held, "POST /control/adjust", {"reason": "position", "symbol": "AAPL", "quantity": "-20"})
    asked(held, "POST /control/adjust", {"reason": "position", "symbol": "AAPL", "quantity": "2"})
    assert get(held, "positions/AAPL")["cost_basis"] == "50"


@pytest.mark.parametrize(
    "body",
    [
        {"reason": "gift", "amount": "5"},
        {"reason": "transfer", "amount": 5},
        {"reason": "transfer", "amount": "-1000000"},
        {"reason": "position", "symbol": "AAPL", "quantity": "-21"},
        {"reason": "dividend", "symbol": "NVDA", "per_share": "1"},
        {"reason": "split", "symbol": "AAPL", "ratio": "0"},
        b"nonsense",
    ],
    ids=str,
)
def test_a_bad_adjustment_is_refused(held, body):
    before = held.exchange.venue.snapshot()
    assert asked(held, "POST /control/adjust", body)[0] == 422
    assert held.exchange.venue.snapshot() == before


def test_assets_are_found_by_every_name_and_filtered():
    simulator = a_simulator(minute_market(symbols=("AAPL", "MSFT")))
    assert [asset["symbol"] for asset in get(simulator, "assets")] == ["AAPL", "MSFT"]
    assert asked(simulator, "GET /v2/assets", query={"asset_class": "crypto"}) == (200, [])
    assert asked(simulator, "GET /v2/assets", query={"status": "inactive"}) == (200, [])
    asset = get(simulator, "assets/MSFT")
    assert get(simulator, f"assets/{asset['id']}") == asset
    assert "SIMULATED" in asset["name"]
    assert asked(simulator, "GET /v2/assets/NOPE")[0] == 404


def test_the_configuration_is_fixed():
    simulator = a_simulator()
    assert get(simulator, "account/configurations")["no_shorting"] is True
    assert asked(simulator, "PATCH /v2/account/configurations", {"no_shorting": False})[0] == 422


def test_an_account_that_was_never_used_holds_its_cash():
    account = get(a_simulator(cash="123.45"), "account")
    assert Decimal(account["equity"]) == Decimal(account["last_equity"]) == Decimal("123.45")
