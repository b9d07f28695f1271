"""A closer look at one symbol: what is wanted, what there is, and what should be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from trimtab_common.money import to_float
from trimtab_common.sides import side_of
from trimtab_common.symbols import Symbol
from trimtab_trading.open_orders import OpenOrder
from trimtab_trading.risk.attribution import divide, needs, one_sided
from trimtab_trading.risk.control import TradingState
from trimtab_trading.risk.limits import Rebalance
from trimtab_trading.risk.netting import plan
from trimtab_trading.risk.state import DeskState, Line
from trimtab_trading.risk.tally import Tally
from trimtab_trading.risk.targets import Standing

ZERO = Decimal(0)
ONE = Decimal(1)


@dataclass(slots=True, kw_only=True)
class Look:
    """What a look at a symbol found."""

    symbol: Symbol
    line: Line
    standing: dict[str, Standing]
    price: Decimal
    held: Decimal
    working: Decimal
    target: Decimal | None = None
    """None where it cannot be known; `note` says why."""
    order: Decimal = ZERO
    """Signed quantity to order."""
    ordered: dict[str, Decimal] = field(default_factory=dict)
    """Whose the order is, unsigned."""
    exchanged: dict[str, Decimal] = field(default_factory=dict)
    """What the strategies exchange among themselves, signed."""
    cancel: tuple[OpenOrder, ...] = ()
    note: str = ""

    @property
    def is_settled(self) -> bool:
        """Nothing is wanted and nothing is under way: the next look may wait for a cause."""
        busy = self.order or self.exchanged or self.working or self.cancel
        return self.target is not None and not busy


def look(state: DeskState, tally: Tally, symbol: Symbol) -> Look | None:
    """Look at a symbol; None if no strategy has ever spoken on it and nothing is to be sold."""
    line, ledger = state.lines[symbol], state.ledger
    standing = state.targets.of(symbol)
    flattening = state.control.state is TradingState.FLATTENING
    if not standing and not flattening:
        return None
    orders = ledger.working(symbol)
    found = Look(
        symbol=symbol,
        line=line,
        standing=standing,
        price=ledger.marks.get(symbol, ZERO),
        held=ledger.held(symbol),
        working=sum((order.signed_remaining for order in orders), ZERO),
    )
    if not found.price.is_finite() or found.price <= 0:
        found.note = "no price of the symbol is known"
        return found
    aim = {} if flattening else _aim(state, tally, found)
    if aim is None:
        unmarked = ", ".join(s for s in ledger.unmarked() if s in state.lines)
        found.note = f"the equity is unknown: no price yet for {unmarked}"
        return found
    found.target = sum(aim.values(), ZERO)
    _compare(state, tally, found, aim, orders)
    return found


def _aim(state: DeskState, tally: Tally, found: Look) -> dict[str, Decimal] | None:
    equity = None if tally.equity is None else to_float(tally.equity)
    book = state.ledger.book(found.symbol)
    return state.aims.of(found.line.instrument, equity, to_float(found.price), book)


def _compare(
    state: DeskState,
    tally: Tally,
    found: Look,
    aim: Mapping[str, Decimal],
    orders: list[OpenOrder],
) -> None:
    instrument = found.line.instrument
    crossing = state.crossings.get(found.symbol)
    lacking = needs(aim, state.ledger.book(found.symbol), orders, crossing)
    tolerance = _tolerance(state, tally, found, aim, lacking)
    todo = plan(
        target=found.target or ZERO,
        held=found.held,
        orders=orders,
        price=found.price,
        unit=instrument.unit,
        tolerance=tolerance,
        least=instrument.limits.order_notional_min,
    )
    found.cancel = todo.cancel
    if todo.waits:
        found.note = "waits for the cancel of an order whose reason is gone"
        return
    found.order = todo.order
    if crossing is None and state.control.state is TradingState.TRADING:
        division = divide(lacking)
        value = sum((q for q in division.exchanged.values() if q > 0), ZERO) * found.price
        if value > tolerance:
            found.exchanged, found.ordered = division.exchanged, division.ordered
            return
    if found.order:
        found.ordered = one_sided(lacking, side_of(found.order))


def _tolerance(
    state: DeskState,
    tally: Tally,
    found: Look,
    aim: Mapping[str, Decimal],
    lacking: Mapping[str, Decimal],
) -> Decimal:
    """The value of a difference that is left alone.

    The band is for drift: who leaves a symbol leaves nothing behind, and who enters it is not
    turned away for being small.
    """
    limits = state.limits.account
    if limits.rebalance is Rebalance.ON_CHANGE or tally.equity is None or not found.target:
        return ZERO
    portions = state.targets.portions(found.symbol)
    leaves = any(not portions.get(strategy) for strategy in lacking)
    enters = any(lacking.get(strategy) == quantity for strategy, quantity in aim.items())
    return ZERO if leaves or enters else max(limits.drift_band * tally.equity, ZERO)


def signals_behind(found: Look) -> tuple[str, ...]:
    """The signals of those the order is for; of all who spoke, if it is for nobody."""
    named = tuple(found.standing[s].signal for s in found.ordered if s in found.standing)
    return named or tuple(each.signal for each in found.standing.values())


def reference_price(found: Look) -> Decimal:
    """The price that those behind the order believed in, carried on to now; the farthest of them.

    It is our own price wherever they saw what we saw when they decided.
    """
    ratios = [each.price_ratio for s, each in found.standing.items() if s in found.ordered]
    ratio = max(ratios, key=lambda ratio: abs(ratio - ONE), default=ONE)
    return found.price if ratio == ONE else found.price * ratio
