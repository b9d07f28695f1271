"""Bars of released rows: stocks and pairs each at their own address."""

from __future__ import annotations

from trimtab_common.symbols import AssetClass, asset_class, parse_symbol
from trimtab_simulator.core.queries import Query
from trimtab_simulator.core.refusals import Refusal, malformed
from trimtab_simulator.core.simulator import Simulator
from trimtab_simulator.core.tape import read_bars_request
from trimtab_simulator.endpoints.contract import Answer, Request


def get_stock_bars(simulator: Simulator, request: Request) -> Answer | Refusal:
    """Pages of bars of tickers."""
    return _bars(simulator, request, AssetClass.STOCK)


def get_crypto_bars(simulator: Simulator, request: Request) -> Answer | Refusal:
    """Pages of bars of pairs."""
    return _bars(simulator, request, AssetClass.CRYPTO)


def get_latest_stock_bars(simulator: Simulator, request: Request) -> Answer | Refusal:
    """The last bar of each ticker."""
    return _latest(simulator, request, AssetClass.STOCK)


def get_latest_crypto_bars(simulator: Simulator, request: Request) -> Answer | Refusal:
    """The last bar of each pair."""
    return _latest(simulator, request, AssetClass.CRYPTO)


def _bars(simulator: Simulator, request: Request, kind: AssetClass) -> Answer | Refusal:
    wanted = _wrong_symbol(request.query, kind) or read_bars_request(
        request.query, simulator.exchange.market
    )
    if isinstance(wanted, Refusal):
        return wanted._replace(status=400)
    return Answer(simulator.tape.bars(wanted, simulator.release.released))


def _latest(simulator: Simulator, request: Request, kind: AssetClass) -> Answer | Refusal:
    refusal = _wrong_symbol(request.query, kind)
    if refusal is not None:
        return refusal
    names = request.query.names("symbols")
    known = [symbol for symbol in names if symbol in simulator.exchange.market.symbols]
    return Answer({"bars": simulator.tape.latest(known, simulator.release.released)})


def _wrong_symbol(query: Query, kind: AssetClass) -> Refusal | None:
    """A symbol that cannot be of this kind; one that is merely unknown has no bars."""
    names = query.names("symbols")
    if not names:
        return malformed("symbols is required")
    for name in names:
        try:
            symbol = parse_symbol(name, crypto=kind is AssetClass.CRYPTO)
        except ValueError:
            return malformed(f"invalid symbol: {name[:40]}")
        if symbol != name or asset_class(symbol) is not kind:
            return malformed(f"invalid symbol: {name[:40]}")
    return None
