"""The account and its positions as Alpaca shows them: a cash account without margin."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trimtab_common.events import instant
from trimtab_common.money import plain
from trimtab_common.symbols import Symbol, compact_symbol
from trimtab_simulator.core.assets import asset_id, class_of, exchange_of
from trimtab_simulator.core.exchange import Exchange
from trimtab_trading.broker_ids import derived_id
from trimtab_trading.market import SIMULATED, aware

ZERO = Decimal(0)
SMALLEST = Decimal("1e-9")

CONFIGURATIONS: dict[str, Any] = {
    "disable_overnight_trading": False,
    "fractional_trading": True,
    "max_margin_multiplier": "1",
    "max_options_trading_level": 0,
    "no_shorting": True,
    "ptp_no_exception_entry": False,
    "suspend_trade": False,
    "trade_confirm_email": "none",
}
NOTHING = (
    "accrued_fees",
    "initial_margin",
    "intraday_adjustments",
    "last_maintenance_margin",
    "maintenance_margin",
    "options_buying_power",
    "pending_reg_taf_fees",
    "pending_transfer_in",
    "pending_transfer_out",
    "short_market_value",
    "sma",
)
"""What an account without margin, options and pending transfers has none of."""
BLOCKED = ("account_blocked", "trade_suspended_by_user", "trading_blocked", "transfers_blocked")


def amount(value: Decimal) -> str:
    """An amount as text, rounded to nine places where it has more."""
    return plain(value.quantize(SMALLEST))


def account_json(exchange: Exchange) -> dict[str, Any]:
    """The answer to `GET /v2/account`."""
    ledger = exchange.ledger
    cash = exchange.venue.cash
    worth = ledger.worth(exchange.venue.positions)
    equity = amount(cash + worth)
    spendable = amount(max(ZERO, cash - exchange.reserved()))
    created_at = aware(exchange.market.opened_at[0].item())
    return {
        "id": derived_id("account"),
        "account_number": SIMULATED,
        "status": "ACTIVE",
        "crypto_status": "ACTIVE",
        "currency": "USD",
        "cash": amount(cash),
        "buying_power": spendable,
        "non_marginable_buying_power": spendable,
        "regt_buying_power": spendable,
        "portfolio_value": equity,
        "equity": equity,
        "last_equity": amount(ledger.last_equity),
        "long_market_value": amount(worth),
        "balance_asof": (ledger.last_session or created_at.date()).isoformat(),
        "created_at": instant(created_at),
        "multiplier": "1",
        "shorting_enabled": False,
        "options_approved_level": 0,
        "options_trading_level": 0,
        **dict.fromkeys(NOTHING, "0"),
        **dict.fromkeys(BLOCKED, False),
    }


def positions_json(exchange: Exchange) -> list[dict[str, Any]]:
    """The answer to `GET /v2/positions`, in the order of the symbols."""
    return [position_json(exchange, symbol) for symbol in sorted(exchange.venue.positions)]


def position_json(exchange: Exchange, symbol: Symbol) -> dict[str, Any]:
    """One position that is held; pairs are written without their slash here, as at Alpaca."""
    ledger = exchange.ledger
    held = exchange.venue.positions[symbol]
    cost = ledger.costs[symbol]
    price = ledger.prices.get(symbol, cost.ever / held)
    last_price = ledger.last_prices.get(symbol, price)
    worth = held * price
    return {
        "asset_id": asset_id(symbol),
        "symbol": compact_symbol(symbol),
        "exchange": exchange_of(symbol),
        "asset_class": class_of(symbol),
        "asset_marginable": False,
        "avg_entry_price": amount(cost.ever / held),
        "qty": plain(held),
        "qty_available": plain(held - exchange.promised(symbol)),
        "side": "long",
        "market_value": amount(worth),
        "cost_basis": amount(cost.ever),
        "unrealized_pl": amount(worth - cost.ever),
        "unrealized_plpc": _share(worth - cost.ever, cost.ever),
        "unrealized_intraday_pl": amount(worth - cost.today),
        "unrealized_intraday_plpc": _share(worth - cost.today, cost.today),
        "current_price": amount(price),
        "lastday_price": amount(last_price),
        "change_today": _share(price - last_price, last_price),
    }


def _share(part: Decimal, whole: Decimal) -> str:
    return amount(part / whole) if whole else "0"
