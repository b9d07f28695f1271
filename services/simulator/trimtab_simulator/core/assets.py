"""What can be traded here, and under which names it may be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property
from typing import Any

from trimtab_common.symbols import AssetClass, Symbol, asset_class, compact_symbol
from trimtab_trading.broker_ids import derived_id

EXCHANGES = {AssetClass.STOCK: "NASDAQ", AssetClass.CRYPTO: "CRYPTO"}
CLASSES = {AssetClass.STOCK: "us_equity", AssetClass.CRYPTO: "crypto"}
SMALLEST = "0.000000001"


class Assets:
    """Every symbol of the market, by each of its names."""

    def __init__(self, symbols: Sequence[Symbol]) -> None:
        self.symbols = tuple(symbols)
        self._by_name = {
            name: symbol
            for symbol in symbols
            for name in (symbol, compact_symbol(symbol), asset_id(symbol))
        }

    def find(self, name: str) -> Symbol | None:
        """The symbol called so: BTC/USD, BTCUSD, or the asset's id."""
        return self._by_name.get(name)

    @cached_property
    def all(self) -> list[dict[str, Any]]:
        """Every asset as `GET /v2/assets` shows it."""
        return [asset_json(symbol) for symbol in self.symbols]


@cache
def asset_id(symbol: Symbol) -> str:
    """The id of an asset, derived from its symbol."""
    return derived_id(f"asset:{symbol}")


def class_of(symbol: Symbol) -> str:
    """Alpaca's word for the kind of asset."""
    return CLASSES[asset_class(symbol)]


def exchange_of(symbol: Symbol) -> str:
    """The exchange that an asset is said to be listed on."""
    return EXCHANGES[asset_class(symbol)]


def asset_json(symbol: Symbol) -> dict[str, Any]:
    """One asset as Alpaca shows it; its name says that it is simulated."""
    crypto = asset_class(symbol) is AssetClass.CRYPTO
    common = {
        "id": asset_id(symbol),
        "class": class_of(symbol),
        "exchange": exchange_of(symbol),
        "symbol": symbol,
        "name": f"{symbol} (SIMULATED)",
        "status": "active",
        "tradable": True,
        "marginable": False,
        "shortable": False,
        "easy_to_borrow": False,
        "fractionable": True,
        "attributes": [],
    }
    if crypto:
        steps = ("min_order_size", "min_trade_increment", "price_increment")
        return common | dict.fromkeys(steps, SMALLEST)
    return common | {"margin_requirement_long": "100", "margin_requirement_short": "100"}
