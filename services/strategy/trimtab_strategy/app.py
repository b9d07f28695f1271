"""Composition root: the only place in this room where real things are made."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from trimtab_common.events import Event
from trimtab_runtime.delivery.stage_room import StageRoom
from trimtab_runtime.errors import ConfigError, Problem
from trimtab_runtime.health import HealthBoard
from trimtab_runtime.logs import logger
from trimtab_runtime.metrics import RoomMetrics
from trimtab_runtime.settings import Mode
from trimtab_runtime.strategies import STRATEGIES_FILE, read_slots
from trimtab_strategy.adapters.history_process import HistoryProcess
from trimtab_strategy.adapters.no_history import NoHistory
from trimtab_strategy.core import cold_reason, fault_reason, unfit
from trimtab_strategy.handlers import HANDLERS
from trimtab_strategy.metrics import MeasuredDesk, StrategyMetrics
from trimtab_strategy.ports import History
from trimtab_strategy.settings import StrategySettings
from trimtab_trading.strategy_desk import StrategyDesk

_log = logger(__name__)


def build(settings: StrategySettings, board: HealthBoard, metrics: RoomMetrics) -> StageRoom:
    """The room with the strategies that the configuration asks for."""
    slots = read_slots(settings.config_dir)
    place = str(settings.config_dir / STRATEGIES_FILE)
    complaints = unfit(slots)
    if complaints:
        raise ConfigError(
            Problem(place=place, key="strategies", expected=complaint, found="")
            for complaint in complaints
        )
    desk = MeasuredDesk(slots, StrategyMetrics(metrics))
    is_replay = settings.mode is Mode.SIM
    history = NoHistory() if is_replay else HistoryProcess(settings.home)
    _register_checks(board, desk)

    async def prepare() -> Sequence[Event]:
        board.starting("reading history from the bar store")
        await live_through_history(desk, history, settings.rebuild_rows)
        return ()

    return StageRoom(
        desk,
        wanted=HANDLERS.keys(),
        patience_seconds=None if is_replay else settings.patience_seconds,
        entries_per_commit=settings.entries_per_commit,
        prepare=prepare,
        info=desk.info,
    )


async def live_through_history(desk: StrategyDesk, history: History, rebuild_rows: int) -> None:
    """Let strategies that know nothing yet live through the past before their first row."""
    past = await asyncio.to_thread(history.bars, desk.needs(), rebuild_rows)
    rows = desk.warm(past)
    _log.info("history was lived through", bars=len(past), rows=rows)


def _register_checks(board: HealthBoard, desk: StrategyDesk) -> None:
    board.register("history", lambda: cold_reason(desk.info()["strategies"]))
    board.register("strategies", lambda: fault_reason(desk.info()["strategies"]))
