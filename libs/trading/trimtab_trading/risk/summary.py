"""What the desk tells about itself: the account, the books, the state, the last decisions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trimtab_common.events import instant
from trimtab_common.money import plain
from trimtab_trading.holding import Holding
from trimtab_trading.risk.state import DeskState


def summary(state: DeskState) -> dict[str, Any]:
    """Everything about the account as JSON values; amounts are decimal strings."""
    ledger, control = state.ledger, state.control
    settled = ledger.settled(state.row_at) if state.row_at else ledger.cash
    return {
        "account": state.account,
        "row": state.row_at and instant(state.row_at),
        "state": control.state.value,
        "state_reason": control.why,
        "equity": plain(ledger.equity()),
        "cash": plain(ledger.cash),
        "settled_cash": plain(settled),
        "unsettled": {instant(due): plain(amount) for due, amount in ledger.unsettled.items()},
        "unpriced": list(ledger.unmarked()),
        "positions": {
            symbol: _holding(position, ledger.marks.get(symbol))
            for symbol, position in sorted(ledger.positions.items())
            if not position.is_blank
        },
        "strategies": _strategies(state),
        "orders": [
            {
                "client_order_id": order.client_order_id,
                "symbol": order.symbol,
                "side": order.side.value,
                "quantity": plain(order.quantity),
                "filled": plain(order.filled),
                "accepted": order.accepted,
                "cancelling": order.cancelling,
            }
            for order in ledger.orders.values()
        ],
        "decisions": dict(sorted(state.decisions.items())),
        "refusals": state.refusals.counts(),
        "oddities": {"count": ledger.oddities_count, "last": list(ledger.oddities)},
    }


def _holding(holding: Holding, mark: Decimal | None) -> dict[str, str | None]:
    average = holding.average_cost
    return {
        "quantity": plain(holding.quantity),
        "average_cost": None if average is None else plain(round(average, 9)),
        "mark": None if mark is None else plain(mark),
        "value": None if mark is None else plain(holding.quantity * mark),
        "unrealised": None if mark is None else plain(holding.unrealised(mark)),
        "realised": plain(holding.realised),
    }


def _strategies(state: DeskState) -> dict[str, dict[str, Any]]:
    """Every strategy's holdings by symbol, and its targets."""
    found: dict[str, dict[str, Any]] = {
        strategy: {"share": plain(share), "holdings": {}, "targets": {}}
        for strategy, share in state.targets.shares.items()
    }
    for symbol in state.ledger.books.symbols():
        mark = state.ledger.marks.get(symbol)
        for strategy, part in state.ledger.books.holdings(symbol).items():
            if not part.is_blank:
                _of(found, strategy)["holdings"][symbol] = _holding(part, mark)
    for symbol in state.targets.symbols():
        for strategy, standing in state.targets.of(symbol).items():
            _of(found, strategy)["targets"][symbol] = plain(standing.weight)
    return dict(sorted(found.items()))


def _of(found: dict[str, dict[str, Any]], strategy: str) -> dict[str, Any]:
    return found.setdefault(strategy, {"share": "0", "holdings": {}, "targets": {}})
