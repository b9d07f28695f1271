"""Symbols: one spelling inside, every usual one at the door, and nothing that is not a name."""

import json

import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from trimtab_common.symbols import (
    QUOTE_CURRENCIES,
    SYMBOL_LENGTH_MAX,
    AssetClass,
    Symbol,
    alpaca_symbol,
    asset_class,
    compact_symbol,
    parse_symbol,
)

SYMBOL = TypeAdapter(Symbol)
CANONICAL = ["A", "AAPL", "GOOGL", "BRK.B", "BAC.PRK", "SP500", "BTC/USD", "1INCH/USDT", "ETH/BTC"]

NOT_A_NAME = [
    *("", " ", "aapl", "Aapl", " AAPL", "AAPL ", "AA PL", "AAPL\n", "\nAAPL", "AAPL\r\nX: 1"),
    *("AAPL\t", "AAPL\x00", "\ufeffAAPL", "\u0410\u0410PL", "A\u0410PL", "\uff21APL", "AAPL\u200b"),
    *("../", "../AAPL", "..", "/", "/etc", "A/../B", "BTC/../USD", "C:\\", "A%2FB", "A*", "A?"),
    *("$AAPL", "^GSPC", "AAPL,MSFT", "AAPL;", "AAPL'", "<b>", "BTC/", "/USD", "BTC//USD"),
    *("BTC/GBX", "BTC/usd", "btc/USD", "BTC/USD/", "BTC/USD\n", ".B", "BRK.", "BRK..B", "BRK.b"),
    *("BRK.ABC", "BRK/ABC", "BTC-GBX", "AAPL.US1"),
    *("1", "123", "A" * 6, "A" * 17 + "/USD", "A" * 5_000, "TRUE\ud800"),
]


class Watch(BaseModel):
    model_config = ConfigDict(strict=True)

    symbol: Symbol


@pytest.mark.parametrize("symbol", CANONICAL)
def test_a_canonical_symbol_is_accepted_everywhere(symbol):
    assert SYMBOL.validate_python(symbol) == symbol
    assert SYMBOL.validate_json(json.dumps(symbol)) == symbol
    assert parse_symbol(symbol, crypto="/" in symbol) == symbol
    assert parse_symbol(symbol) == symbol
    assert alpaca_symbol(symbol) == symbol


@pytest.mark.parametrize("text", NOT_A_NAME, ids=lambda text: ascii(text)[:24])
def test_what_is_no_name_is_refused_everywhere(text):
    with pytest.raises(ValidationError):
        SYMBOL.validate_python(text)
    with pytest.raises(ValidationError):
        SYMBOL.validate_json(json.dumps(text))
    with pytest.raises(ValueError, match="expected a ticker in capitals"):
        parse_symbol(text)
    with pytest.raises(ValueError, match="expected a pair in capitals"):
        parse_symbol(text, crypto=True)


@pytest.mark.parametrize("text", ["BTCUSD", "BTC-USD", "BTCUSDT", "BRK/B", "BRK-B", "BTC/BRL"])
def test_other_spellings_never_get_past_the_door(text):
    with pytest.raises(ValidationError):
        SYMBOL.validate_python(text)


@pytest.mark.parametrize("value", [None, True, 5, 1.0, b"AAPL", ["AAPL"]])
def test_only_text_is_a_symbol(value):
    with pytest.raises(ValidationError):
        SYMBOL.validate_python(value)
    with pytest.raises(ValidationError):
        Watch.model_validate({"symbol": value})


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("BTCUSD", "BTC/USD"),
        ("BTC-USD", "BTC/USD"),
        ("BTC/USD", "BTC/USD"),
        ("BTCUSDT", "BTC/USDT"),
        ("BTCUSDC", "BTC/USDC"),
        ("USDCUSD", "USDC/USD"),
        ("USDTUSDC", "USDT/USDC"),
        ("ETHBTC", "ETH/BTC"),
        ("WBTCETH", "WBTC/ETH"),
        ("SOLEUR", "SOL/EUR"),
        ("1INCHUSD", "1INCH/USD"),
    ],
)
def test_a_pair_is_read_in_every_usual_spelling(text, symbol):
    assert parse_symbol(text, crypto=True) == symbol
    assert SYMBOL.validate_python(symbol) == symbol


@pytest.mark.parametrize("text", ["USD", "USDUSD", "BTC/BTC", "BTCGBX", "AAPL", "BTC_USD", "BRK.B"])
def test_a_pair_needs_two_different_currencies_of_which_the_second_is_known(text):
    with pytest.raises(ValueError, match="expected a pair in capitals"):
        parse_symbol(text, crypto=True)


@pytest.mark.parametrize(
    ("text", "symbol"),
    [("BRK.B", "BRK.B"), ("BRK/B", "BRK.B"), ("BRK-B", "BRK.B"), ("BAC-PRK", "BAC.PRK")],
)
def test_a_share_class_is_read_in_every_usual_spelling(text, symbol):
    assert parse_symbol(text) == symbol


@pytest.mark.parametrize("text", ["BTCUSD", "BTC-USD", "ETHBTC", "DOGEUSDT"])
def test_a_pair_is_never_taken_for_a_stock(text):
    with pytest.raises(ValueError, match=r"for a crypto pair write it with a slash"):
        parse_symbol(text)


def test_a_refusal_quotes_only_the_beginning_of_what_it_refused():
    with pytest.raises(ValueError, match="is not a stock symbol") as refusal:
        parse_symbol("X" * 5_000)
    assert len(str(refusal.value)) < 200


def test_a_refusal_shows_control_characters_escaped():
    with pytest.raises(ValueError, match=r"AAPL\\r\\nSet-Cookie") as refusal:
        parse_symbol("AAPL\r\nSet-Cookie: x")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("quote", QUOTE_CURRENCIES)
def test_a_compact_pair_leads_back_to_the_same_symbol(quote):
    symbol = f"SOL/{quote}"
    assert asset_class(symbol) is AssetClass.CRYPTO
    assert compact_symbol(symbol) == f"SOL{quote}"
    assert parse_symbol(compact_symbol(symbol), crypto=True) == symbol


def test_a_stock_is_spelled_alike_everywhere():
    assert asset_class("BRK.B") is AssetClass.STOCK
    assert compact_symbol("BRK.B") == alpaca_symbol("BRK.B") == "BRK.B"


def test_the_longest_symbol_fits_and_no_longer_one():
    longest = "A" * 16 + "/USDT"
    assert len(longest) == SYMBOL_LENGTH_MAX
    assert SYMBOL.validate_python(longest) == longest
    with pytest.raises(ValidationError):
        SYMBOL.validate_python("A" + longest)
