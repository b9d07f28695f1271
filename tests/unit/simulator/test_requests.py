"""What the exchange takes as an order, and in which words it refuses everything else."""

from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulators import an_order
from trimtab_common.sides import Side
from trimtab_simulator.core.assets import Assets, asset_id
from trimtab_simulator.core.refusals import Refusal
from trimtab_simulator.core.requests import OrderRequest, amount, places_of, read_order

ASSETS = Assets(("AAPL", "BRK.B", "BTC/USD"))


def read(**changes):
    return read_order(orjson.dumps(an_order("one", **changes)), ASSETS)


def test_a_market_order_is_read():
    assert read(qty="2.5") == OrderRequest("one", "AAPL", Side.BUY, Decimal("2.5"), "day")


@pytest.mark.parametrize(
    ("given_quantity", "expected"),
    [("10", "10"), (10, "10"), (10.0, "10.0"), (0.123456789, "0.123456789"), (1e-7, "0.0000001")],
)
def test_a_quantity_may_be_text_or_a_number(given_quantity, expected):
    assert read(qty=given_quantity).quantity == Decimal(expected)


def test_without_an_id_the_exchange_will_give_one():
    assert read(client_order_id=None).client_order_id is None


@pytest.mark.parametrize("name", ["BTC/USD", "BTCUSD", asset_id("BTC/USD")])
def test_a_pair_is_known_by_each_of_its_names(name):
    assert read(symbol=name, time_in_force="gtc").symbol == "BTC/USD"


REFUSED = {
    "no symbol": ({"symbol": None}, 40010001, "symbol is required"),
    "unknown symbol": ({"symbol": "XYZ"}, 40010001, 'asset "XYZ" not found'),
    "no quantity": ({"qty": None}, 40010001, "qty or notional is required"),
    "both": ({"notional": "5"}, 40010001, "only one of qty or notional"),
    "negative": ({"qty": "-5"}, 40010001, "qty must be > 0"),
    "zero": ({"qty": 0}, 40010001, "qty must be > 0"),
    "word": ({"qty": "five"}, 40010001, "qty is invalid"),
    "exponent": ({"qty": "1e3"}, 40010001, "qty is invalid"),
    "not a number": ({"qty": "NaN"}, 40010001, "qty is invalid"),
    "boolean": ({"qty": True}, 40010001, "qty is invalid"),
    "too fine": ({"qty": "0.1234567891"}, 40010001, "9 decimal places"),
    "too fine a number": ({"qty": 1e-10}, 40010001, "9 decimal places"),
    "too large": ({"qty": "1" + "0" * 15}, 40010001, "too large"),
    "notional too fine": ({"qty": None, "notional": "5.001"}, 40010001, "2 decimal places"),
    "notional too small": ({"qty": None, "notional": "0.10"}, 42210000, "minimal amount"),
    "notional": ({"qty": None, "notional": "100"}, 42210000, "not simulated"),
    "no side": ({"side": None}, 40010001, "side is required"),
    "wrong side": ({"side": "hold"}, 40010001, "invalid side"),
    "no type": ({"type": None}, 40010001, "type is required"),
    "wrong type": ({"type": "iceberg"}, 40010001, "invalid type"),
    "limit": ({"type": "limit", "limit_price": "10.25"}, 42210000, "not simulated"),
    "limit without price": ({"type": "limit"}, 40010001, "require limit price"),
    "sub-penny": ({"type": "limit", "limit_price": "10.255"}, 42210000, "sub-penny"),
    "market with limit": ({"limit_price": "10"}, 40010001, "require no limit price"),
    "market with stop": ({"stop_price": "10"}, 40010001, "no stop or trail"),
    "bad price": ({"limit_price": "-1"}, 40010001, "limit_price is invalid"),
    "bracket": ({"order_class": "bracket"}, 42210000, "class simple"),
    "legs": ({"take_profit": {"limit_price": "1"}}, 42210000, "class simple"),
    "no time": ({"time_in_force": None}, 40010001, "time_in_force is required"),
    "wrong time": ({"time_in_force": "gtd"}, 40010001, "invalid time_in_force"),
    "closing auction": ({"time_in_force": "cls"}, 42210000, "not simulated"),
    "fraction kept": ({"qty": "0.5", "time_in_force": "gtc"}, 42210000, "must be DAY"),
    "crypto day": ({"symbol": "BTCUSD"}, 42210000, "invalid crypto time_in_force"),
    "extended": ({"extended_hours": True}, 42210000, "extended hours"),
    "id too long": ({"client_order_id": "x" * 129}, 40010001, "128 characters"),
    "id of another type": ({"client_order_id": 7}, 40010001, "client_order_id is invalid"),
    "id with a line break": ({"client_order_id": "a\nb"}, 40010001, "client_order_id is invalid"),
}


@pytest.mark.parametrize(("changes", "code", "words"), REFUSED.values(), ids=REFUSED)
def test_a_bad_order_is_refused_in_alpacas_way(changes, code, words):
    refusal = read(**changes)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == (422, code)
    assert words in refusal.message


def test_a_fraction_of_a_coin_may_be_kept():
    assert read(symbol="BTC/USD", qty="0.5", time_in_force="gtc").quantity == Decimal("0.5")


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"order"', b"\xff", b'{"qty": NaN}'])
def test_what_is_no_object_is_refused(raw):
    refusal = read_order(raw, ASSETS)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == (400, 40010000)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(raw):
    assert isinstance(read_order(raw, ASSETS), Refusal)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*an_order(), "notional", "legs", "limit_price"]), JSON))
def test_no_field_breaks_the_reader(fields):
    result = read_order(orjson.dumps(an_order("one") | fields), ASSETS)
    assert isinstance(result, Refusal | OrderRequest)


@given(st.decimals(min_value=Decimal("1e-9"), max_value=Decimal(10**9), places=9))
def test_a_quantity_is_read_exactly(quantity):
    assert amount(f"{quantity:f}") == quantity
    assert places_of(quantity) <= 9
