"""Every answer of the simulator is one that Alpaca could give, by Alpaca's own specification."""

import functools
import importlib.util
import json
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest

from tests.markets import minute_market
from tests.simulators import a_simulator, asked, ears_of, open_row, submit
from trimtab_simulator.handlers import HANDLERS
from trimtab_trading.venue import FREE, Terms

PACKAGE = "alpaca_mcp_server"
TRADING, DATA = "trading-api.json", "market-data-api.json"
COSTLY = Terms(**{**vars(FREE), "fee_bps": Decimal(5), "volume_share_max": Decimal("0.002")})
CONTROL = {name for name in HANDLERS if "/control/" in name}
NEEDED_BY_ALPACA_PY = {"easy_to_borrow"}
"""Alpaca sends it and alpaca-py insists on it; the specification has forgotten it."""


@functools.cache
def specification(name):
    """One of the OpenAPI files that the vendor ships; the package itself is never imported."""
    found = importlib.util.find_spec(PACKAGE)
    assert found is not None, f"the tests need {PACKAGE}"
    assert found.origin is not None
    return json.loads((Path(found.origin).parent / "specs" / name).read_text())


def validator(name, schema):
    """A validator for a schema that refers to the file's components."""
    whole = {**schema, "components": specification(name)["components"]}
    return jsonschema.Draft202012Validator(
        whole, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


def component(name, kind):
    return validator(name, {"$ref": f"#/components/schemas/{kind}"})


def complaints(found, body):
    return [f"{list(e.absolute_path)}: {e.message}" for e in found.iter_errors(body)]


ACTIVITIES = {"oneOf": "anyOf"}
"""The two kinds of activities overlap as they are specified, so no object is exactly one."""


def answer_schema(name, path, method, status):
    answer = specification(name)["paths"][path][method]["responses"][str(status)]
    schema = json.dumps(answer["content"]["application/json"]["schema"])
    for wrong, right in ACTIVITIES.items():
        schema = schema.replace(wrong, right)
    return validator(name, json.loads(schema))


@pytest.fixture(scope="module")
def stocks():
    """An account that has seen everything: fills in parts, rejections, cancels, dividends."""
    simulator = a_simulator(minute_market(symbols=("AAPL", "BRK.B"), sessions=2), terms=COSTLY)
    submit(simulator, "filled", qty="2.5")
    submit(simulator, "rejected", symbol="BRK.B", side="sell")
    open_row(simulator)
    cancelled = submit(simulator, "cancelled", symbol="BRK.B")
    asked(simulator, f"DELETE /v2/orders/{cancelled['id']}")
    asked(simulator, "POST /control/adjust", {"reason": "transfer", "amount": "5"})
    asked(
        simulator,
        "POST /control/adjust",
        {"reason": "dividend", "symbol": "AAPL", "per_share": "1"},
    )
    open_row(simulator, 400)
    submit(simulator, "partly", qty="500")
    open_row(simulator)
    submit(simulator, "open")
    return simulator


@pytest.fixture(scope="module")
def pairs():
    simulator = a_simulator(minute_market(symbols=("BTC/USD", "ETH/USD"), calendar="24/7"))
    submit(simulator, "one", symbol="BTC/USD", qty="0.5", time_in_force="gtc")
    open_row(simulator, 3)
    return simulator


BARS = {"symbols": "AAPL,BRK.B", "timeframe": "5Min", "limit": "20"}
COINS = {"symbols": "BTC/USD,ETH/USD", "timeframe": "1Min", "limit": "20"}
ANSWERS = [
    ("GET /v2/account", TRADING, {}),
    ("GET /v2/account/configurations", TRADING, {}),
    ("GET /v2/account/activities", TRADING, {}),
    ("GET /v2/account/activities/{activity_type}", TRADING, {}),
    ("GET /v2/account/portfolio/history", TRADING, {"timeframe": "15Min"}),
    ("GET /v2/assets", TRADING, {}),
    ("GET /v2/assets/{symbol_or_asset_id}", TRADING, {}),
    ("GET /v2/clock", TRADING, {}),
    ("GET /v2/calendar", TRADING, {"start": "2024-06-01", "end": "2024-12-31"}),
    ("POST /v2/orders", TRADING, {}),
    ("GET /v2/orders", TRADING, {"status": "all"}),
    ("GET /v2/orders/{order_id}", TRADING, {}),
    ("GET /v2/orders:by_client_order_id", TRADING, {"client_order_id": "filled"}),
    ("GET /v2/positions", TRADING, {}),
    ("GET /v2/positions/{symbol_or_asset_id}", TRADING, {}),
    ("GET /v2/stocks/bars", DATA, BARS),
    ("GET /v2/stocks/bars/latest", DATA, {"symbols": "AAPL"}),
]
PARTS = {"{activity_type}": "FILL", "{symbol_or_asset_id}": "AAPL"}


def request_for(simulator, name):
    """A request that an entry of the specification means, its path filled in."""
    for part, value in PARTS.items():
        name = name.replace(part, value)
    return name.replace("{order_id}", simulator.exchange.orders.get("filled", _nobody).id)


class _Nobody:
    id = "none"


_nobody = _Nobody()


@pytest.mark.parametrize(("name", "file", "query"), ANSWERS, ids=str)
def test_an_answer_is_one_that_alpaca_could_give(stocks, name, file, query):
    method, _, path = name.partition(" ")
    body = {
        "symbol": "AAPL",
        "qty": "1",
        "side": "buy",
        "type": "market",
        "time_in_force": "day",
    }
    status, answer = asked(stocks, request_for(stocks, name), body, query)
    assert status == 200, answer
    assert answer, "an empty answer proves nothing"
    assert complaints(answer_schema(file, path, method.lower(), status), answer) == []


@pytest.mark.parametrize(
    ("name", "file", "query"),
    [
        ("GET /v2/account", TRADING, {}),
        ("GET /v2/assets", TRADING, {}),
        ("GET /v2/orders", TRADING, {"status": "all"}),
        ("GET /v2/positions", TRADING, {}),
    ],
    ids=str,
)
def test_the_same_holds_for_pairs(pairs, name, file, query):
    method, _, path = name.partition(" ")
    status, answer = asked(pairs, name, query=query)
    assert answer
    assert complaints(answer_schema(file, path, method.lower(), status), answer) == []


@pytest.mark.parametrize("kind", ["bars", "latest/bars"])
def test_bars_of_pairs_are_alpacas(pairs, kind):
    _, answer = asked(pairs, f"GET /v1beta3/crypto/us/{kind}", query=COINS)
    schema = answer_schema(DATA, f"/v1beta3/crypto/{{loc}}/{kind}", "get", 200)
    assert answer["bars"]
    assert complaints(schema, answer) == []


@pytest.mark.parametrize(
    ("request_line", "path"),
    [
        ("DELETE /v2/orders", "/v2/orders"),
        ("DELETE /v2/positions", "/v2/positions"),
        ("DELETE /v2/positions/AAPL", "/v2/positions/{symbol_or_asset_id}"),
    ],
)
def test_what_is_closed_in_bulk_is_answered_alpacas_way(request_line, path):
    simulator = a_simulator()
    submit(simulator, "held", qty="3")
    open_row(simulator)
    submit(simulator, "open", symbol="MSFT")
    status, answer = asked(simulator, request_line)
    assert answer
    assert complaints(answer_schema(TRADING, path, "delete", status), answer) == []


def test_an_order_of_every_kind_was_among_them(stocks):
    statuses = {order.status.value for order in stocks.exchange.orders.values()}
    assert statuses >= {"filled", "rejected", "canceled", "new", "partially_filled"}


def test_pushed_orders_are_alpacas_too(stocks):
    events = {update["event"] for update in ears_of(stocks).told}
    assert events >= {"new", "fill", "partial_fill", "canceled", "rejected"}
    order = component(TRADING, "Order")
    assert [
        complaints(order, update["order"]) for update in ears_of(stocks).told if not order
    ] == []
    for update in ears_of(stocks).told:
        assert complaints(order, update["order"]) == []


@pytest.mark.parametrize(
    ("request_line", "kind"),
    [
        ("GET /v2/account", "Account"),
        ("GET /v2/assets", "Assets"),
        ("GET /v2/orders", "Order"),
        ("GET /v2/positions", "Position"),
        ("GET /v2/account/configurations", "AccountConfigurations"),
        ("GET /v2/account/portfolio/history", "PortfolioHistory"),
    ],
)
def test_no_field_is_invented(stocks, request_line, kind):
    _, answer = asked(stocks, request_line)
    known = set(specification(TRADING)["components"]["schemas"][kind]["properties"])
    for shown in answer if isinstance(answer, list) else [answer]:
        assert set(shown) - NEEDED_BY_ALPACA_PY <= known


def test_every_endpoint_of_alpacas_is_looked_at():
    names = {"name": "symbol_or_asset_id"}
    looked_at = {name for name, _, _ in ANSWERS}
    elsewhere = {name for name in HANDLERS if name.startswith(("DELETE", "PATCH"))}
    elsewhere |= {name for name in HANDLERS if "crypto" in name}
    left = {
        name.replace("{name}", "{" + names["name"] + "}")
        for name in set(HANDLERS) - elsewhere - CONTROL
    }
    assert left <= looked_at


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "mystery_status"},
        {"id": "not-a-uuid"},
        {"qty": 5},
        {"position_intent": None},
        {"side": "hold"},
    ],
    ids=str,
)
def test_a_wrong_answer_would_be_noticed(stocks, wrong):
    _, orders = asked(stocks, "GET /v2/orders")
    schema = answer_schema(TRADING, "/v2/orders", "get", 200)
    assert complaints(schema, orders) == []
    assert complaints(schema, [orders[0] | wrong]) != []
