"""Dividends, transfers and splits as the control endpoint takes them."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from trimtab_common.money import Money, Price, Quantity, SignedQuantity, round_to_cents
from trimtab_common.symbols import Symbol
from trimtab_simulator.core.exchange import Exchange
from trimtab_simulator.core.records import Change, Reason
from trimtab_simulator.core.refusals import Refusal, invalid

ONE = Decimal(1)
ZERO = Decimal(0)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Dividend(_Body):
    """Cash for every unit held."""

    reason: Literal["dividend"]
    symbol: Symbol
    per_share: Price


class Transfer(_Body):
    """Cash that comes in (or, negative, goes out); a fee is negative."""

    reason: Literal["transfer", "fee"]
    amount: Money


class Split(_Body):
    """Every unit becomes `ratio` units."""

    reason: Literal["split"]
    symbol: Symbol
    ratio: Quantity


class PositionChange(_Body):
    """Units that come in or go out: a journal entry, a fee taken in coins."""

    reason: Literal["position"]
    symbol: Symbol
    quantity: SignedQuantity


_BODY: TypeAdapter[Dividend | Transfer | Split | PositionChange] = TypeAdapter(
    Annotated[Dividend | Transfer | Split | PositionChange, Field(discriminator="reason")]
)


def read_adjustment(body: bytes, exchange: Exchange) -> Change | Refusal:
    """The change that a body asks for, given what the account holds now."""
    try:
        asked = _BODY.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return invalid(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    reason = Reason(asked.reason)
    if isinstance(asked, Transfer):
        return Change(reason, None, asked.amount, ZERO, ONE)
    if asked.symbol not in exchange.market.symbols:
        return invalid(f'asset "{asked.symbol}" not found')
    held = exchange.venue.positions.get(asked.symbol, ZERO)
    if isinstance(asked, Dividend):
        return Change(reason, asked.symbol, round_to_cents(held * asked.per_share), ZERO, ONE)
    if isinstance(asked, Split):
        return Change(reason, asked.symbol, ZERO, held * asked.ratio - held, asked.ratio)
    return Change(reason, asked.symbol, ZERO, asked.quantity, ONE)
