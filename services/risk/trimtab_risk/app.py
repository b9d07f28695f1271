"""Composition root: the only place in this room where real things are made."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from trimtab_common.events import Event
from trimtab_risk.adapters.halt_file import HaltFile
from trimtab_risk.adapters.recorded_past import RecordedPast
from trimtab_risk.core import oddity_reason, price_reason
from trimtab_risk.handlers import HANDLERS
from trimtab_risk.metrics import MeasuredDesk, RiskMetrics
from trimtab_risk.room import RiskRoom
from trimtab_risk.settings import RiskSettings
from trimtab_runtime.chain import read_risk
from trimtab_runtime.delivery.stage_room import StageRoom
from trimtab_runtime.health import HealthBoard
from trimtab_runtime.metrics import RoomMetrics
from trimtab_runtime.settings import Mode
from trimtab_trading.risk import recovery
from trimtab_trading.risk.desk import RiskDesk


def build(settings: RiskSettings, board: HealthBoard, metrics: RoomMetrics) -> RiskRoom:
    """The room with the limits, the universe and the shares that the configuration gives."""
    desk = MeasuredDesk(RiskMetrics(metrics), **read_risk(settings.config_dir, settings.account))
    _register_checks(board, desk)
    is_replay = settings.mode is Mode.SIM
    past = RecordedPast(settings.database_address(), with_targets=not is_replay)

    async def prepare() -> Sequence[Event]:
        return recovery.remember(desk.state, await asyncio.to_thread(past.events))

    inner = StageRoom(
        desk,
        wanted=HANDLERS.keys(),
        patience_seconds=None if is_replay else settings.patience_seconds,
        entries_per_commit=settings.entries_per_commit,
        prepare=prepare,
        info=desk.summary,
    )
    return RiskRoom(
        inner,
        desk,
        HaltFile(settings.at_home.halt),
        poll_seconds=settings.halt_poll_seconds,
    )


def _register_checks(board: HealthBoard, desk: RiskDesk) -> None:
    """A halt is no fault; what the account cannot explain is."""
    ledger = desk.state.ledger
    board.register("ledger", lambda: oddity_reason(ledger.oddities_count, ledger.oddities))
    board.register(
        "prices",
        lambda: price_reason([s for s in ledger.unmarked() if s in desk.state.lines]),
    )
