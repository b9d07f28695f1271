"""How an instrument is named: one canonical spelling, and the door from every other one."""

import re
from enum import StrEnum
from typing import Annotated, Final

from pydantic import StringConstraints

SYMBOL_LENGTH_MAX: Final = 21
QUOTE_CURRENCIES: Final = ("USDT", "USDC", "USD", "EUR", "BTC", "ETH")

_ROOT: Final = "[A-Z][A-Z0-9]{0,4}"
_CLASS: Final = "[A-Z]{1,2}|PR[A-Z]"  # a share class, warrants (WS), rights (RT), preferred (PRK)
_QUOTES: Final = "|".join(QUOTE_CURRENCIES)
_PAIR: Final = rf"[A-Z0-9]{{1,16}}/(?:{_QUOTES})"
SYMBOL_PATTERN: Final = rf"^(?:{_ROOT}(?:\.(?:{_CLASS}))?|{_PAIR})$"

Symbol = Annotated[
    str, StringConstraints(strict=True, max_length=SYMBOL_LENGTH_MAX, pattern=SYMBOL_PATTERN)
]
"""A canonical symbol: a US ticker (AAPL, BRK.B) or a crypto pair (BTC/USD)."""

_STOCK_TEXT: Final = re.compile(rf"({_ROOT})(?:[./-]({_CLASS}))?", re.ASCII)
_PAIR_TEXT: Final = re.compile(rf"([A-Z0-9]{{1,16}})[/-]?({_QUOTES})", re.ASCII)
_EXPECTED_STOCK: Final = "a ticker in capitals such as AAPL or BRK.B (BRK/B and BRK-B are read too)"
_EXPECTED_PAIR: Final = (
    "a pair in capitals such as BTC/USD (BTCUSD and BTC-USD are read too), quoted in one of "
    + ", ".join(QUOTE_CURRENCIES)
)


class AssetClass(StrEnum):
    """What kind of instrument a symbol names."""

    STOCK = "stock"
    CRYPTO = "crypto"


def asset_class(symbol: Symbol) -> AssetClass:
    """Tell a pair from a ticker by its slash; the symbol must be canonical.

    >>> asset_class("BTC/USD").value, asset_class("BRK.B").value
    ('crypto', 'stock')
    """
    return AssetClass.CRYPTO if "/" in symbol else AssetClass.STOCK


def parse_symbol(text: str, *, crypto: bool = False) -> Symbol:
    """Read a symbol in any of the spellings brokers and data files use.

    Without `crypto`, a pair is recognised only by a slash and a known quote currency, because
    BTCUSD and BTC-USD could be meant otherwise.

    >>> parse_symbol("BRK-B"), parse_symbol("BTC/USD"), parse_symbol("BTCUSDT", crypto=True)
    ('BRK.B', 'BTC/USD', 'BTC/USDT')

    Raises:
        ValueError: with what was expected; nothing is stripped or upper-cased on the way.
    """
    pair = _PAIR_TEXT.fullmatch(text)
    if pair and pair[1] != pair[2] and (crypto or "/" in text):
        return f"{pair[1]}/{pair[2]}"
    if crypto:
        raise ValueError(f"{text!r:.40} is not a crypto pair; expected {_EXPECTED_PAIR}")
    stock = _STOCK_TEXT.fullmatch(text)
    if stock:
        return f"{stock[1]}.{stock[2]}" if stock[2] else stock[1]
    hint = "; for a crypto pair write it with a slash, such as BTC/USD" if pair else ""
    raise ValueError(f"{text!r:.40} is not a stock symbol; expected {_EXPECTED_STOCK}{hint}")


def alpaca_symbol(symbol: Symbol) -> str:
    """Return the spelling Alpaca's orders and market data take: the canonical one."""
    return symbol


def compact_symbol(symbol: Symbol) -> str:
    """Return the spelling Alpaca's positions and assets show.

    >>> compact_symbol("BTC/USD"), compact_symbol("BRK.B")
    ('BTCUSD', 'BRK.B')
    """
    return symbol.replace("/", "")
