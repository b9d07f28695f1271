"""What this room does about each event: the desk does it, the table is its contents page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from trimtab_common.events import BarClosed, Event, RowClosed
from trimtab_trading.strategy_desk import StrategyDesk

HANDLERS: Mapping[type[Event], Callable[..., Iterable[Event]]] = {
    BarClosed: StrategyDesk.on_bar,
    RowClosed: StrategyDesk.close,
}
