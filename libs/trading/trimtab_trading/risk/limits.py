"""The owner's limits: the model of `config/risk.yaml`, without a default anywhere.

A number in code would be a limit nobody chose. A key that is missing, or not known, stops the
start. Fractions are fractions of the account's equity unless a key says otherwise; amounts are in
the account's currency.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from trimtab_common.events import UtcTime
from trimtab_common.events.base import Text
from trimtab_common.symbols import AssetClass, Symbol, asset_class
from trimtab_trading.config import ConfigModel

Fraction = Annotated[Decimal, Field(gt=0, le=10)]
SmallFraction = Annotated[Decimal, Field(ge=0, lt=1)]
Amount = Annotated[Decimal, Field(gt=0, le=Decimal("1e12"))]
AmountOrNothing = Annotated[Decimal, Field(ge=0, le=Decimal("1e12"))]


class Rebalance(StrEnum):
    """When a difference between target and holding is traded."""

    DRIFT = "drift"
    """Whenever it is larger than the drift band."""
    ON_CHANGE = "on_change"
    """Only after a strategy changed its target, until that target is reached."""


class BuyingPower(StrEnum):
    """What a purchase may be paid with."""

    SETTLED = "settled"
    """Settled cash: the rule of a cash account."""
    WITH_SALES = "with_sales"
    """All cash, and the proceeds of sales approved before: a margin account, or research."""


class ClassLimits(ConfigModel):
    """The limits of one class of instruments."""

    order_equity_max: Fraction
    """R01: what one purchase may be worth, as a fraction of equity."""
    order_notional_max: Amount
    """R01: the same as an amount; the smaller one counts."""
    order_notional_min: AmountOrNothing
    """Differences worth less are left alone: brokers refuse dust."""
    position_equity_max: Fraction
    """R13: what a position may be worth, open purchases included, as a fraction of equity."""
    position_notional_max: Amount
    """R13: the same as an amount; the smaller one counts."""
    price_collar: Annotated[Decimal, Field(gt=0, lt=1)]
    """R04: how far a strategy's price may lie from ours, as a fraction of ours."""
    cost_allowance: SmallFraction
    """R19: what a purchase may cost more than at the last price, as a fraction, fees included."""
    quantity_decimals: Annotated[int, Field(ge=0, le=9)]
    """0 for whole shares."""
    settlement_sessions: Annotated[int, Field(ge=0, le=5)]
    """R19: sessions until the proceeds of a sale are settled; 1 is T+1, 0 at once."""
    last_entry_minutes: Annotated[int, Field(ge=0, le=240)]
    """R23: no purchase that could only trade in the last minutes of a session."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if not self.order_notional_min < self.order_notional_max:
            raise ValueError(
                f"order_notional_min {self.order_notional_min} is not below "
                f"order_notional_max {self.order_notional_max}: no order could ever be made"
            )
        if self.order_equity_max > self.position_equity_max:
            raise ValueError(
                f"order_equity_max {self.order_equity_max} is above position_equity_max "
                f"{self.position_equity_max}: one order could be more than a whole position"
            )
        return self


class Classes(ConfigModel):
    """Limits by class; every class is named, whether it is traded or not."""

    broad_etf: ClassLimits
    stock: ClassLimits
    crypto: ClassLimits


class AccountLimits(ConfigModel):
    """The limits of the account as a whole, and how it is rebalanced."""

    rebalance: Rebalance
    drift_band: SmallFraction
    """The difference, as a fraction of equity, that is not worth an order."""
    buying_power: BuyingPower
    cash_reserve_equity: SmallFraction
    """R19: cash that is never spent, as a fraction of equity."""
    cash_reserve_amount: AmountOrNothing
    """R19: the same as an amount; the larger one counts."""
    basket_equity_max: Fraction
    """R03: what all purchases wanted in one row may be worth together, open ones included."""
    gross_equity_max: Fraction
    """R14: what all positions and open purchases may be worth together."""
    open_orders_equity_max: Fraction
    """R18: what all open purchases may be worth together."""
    duplicate_seconds: Annotated[int, Field(gt=0, le=3600)]
    """R11: an order like another one within less than this time is taken for a repetition."""
    duplicate_tolerance: SmallFraction
    """R11: how much two quantities may differ and still be alike, as a fraction."""
    bar_age_seconds_max: Annotated[int, Field(gt=0, le=3600)]
    """R24: how much older than its timeframe the last bar may be."""
    valid_bars: Annotated[int, Field(ge=1, le=100)]
    """How many bars of its timeframe an order of a running session stays valid."""
    valid_minutes_after_open: Annotated[int, Field(ge=1, le=390)]
    """How long an order that waits for a session's open stays valid after it."""


class Blackout(ConfigModel):
    """A span of time in which nothing is bought."""

    starts_at: UtcTime
    ends_at: UtcTime
    symbols: tuple[Symbol, ...]
    """Empty: every symbol."""
    reason: Text

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if not self.starts_at < self.ends_at:
            raise ValueError(f"the blackout ends at {self.ends_at}, not after {self.starts_at}")
        return self

    def covers(self, symbol: Symbol) -> bool:
        return not self.symbols or symbol in self.symbols


class RiskLimits(ConfigModel):
    """Everything in `config/risk.yaml`."""

    account: AccountLimits
    classes: Classes
    broad_etfs: tuple[Symbol, ...]
    """The symbols of the class broad_etf; pairs are crypto, all others are stocks."""
    restricted: tuple[Symbol, ...]
    """R22: symbols that are in the universe and must not be traded."""
    blackouts: tuple[Blackout, ...]
    """R23: spans of time in which nothing is bought."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        pairs = [s for s in self.broad_etfs if asset_class(s) is AssetClass.CRYPTO]
        if pairs:
            raise ValueError(f"{', '.join(pairs)} cannot be a broad ETF: pairs are crypto")
        if self.account.cash_reserve_equity + self.account.drift_band >= 1:
            raise ValueError("cash_reserve_equity and drift_band together leave nothing to invest")
        return self

    def class_of(self, symbol: Symbol) -> tuple[str, ClassLimits]:
        """The class of a symbol and its limits."""
        if asset_class(symbol) is AssetClass.CRYPTO:
            return "crypto", self.classes.crypto
        if symbol in self.broad_etfs:
            return "broad_etf", self.classes.broad_etf
        return "stock", self.classes.stock


def without_cash_rules(limits: RiskLimits) -> RiskLimits:
    """The same account as research sees it: every sale is cash at once, nothing is kept back.

    Together with a desk that has no rules this is the backtest's `risk: none`.
    """

    def freed(each: ClassLimits) -> ClassLimits:
        return each.model_copy(update={"cost_allowance": Decimal(0), "settlement_sessions": 0})

    classes = limits.classes
    return limits.model_copy(
        update={
            "account": limits.account.model_copy(
                update={
                    "buying_power": BuyingPower.WITH_SALES,
                    "cash_reserve_equity": Decimal(0),
                    "cash_reserve_amount": Decimal(0),
                }
            ),
            "classes": Classes(
                broad_etf=freed(classes.broad_etf),
                stock=freed(classes.stock),
                crypto=freed(classes.crypto),
            ),
        }
    )
