"""Where execution is put together: the only place in this room that makes real things."""

from __future__ import annotations

from datetime import UTC, datetime

from trimtab_execution.adapters.alpaca import AlpacaBroker
from trimtab_execution.adapters.halt_file import HaltFile
from trimtab_execution.adapters.journal import DatabaseJournal
from trimtab_execution.adapters.updates import AlpacaHints
from trimtab_execution.arming import check_armed
from trimtab_execution.broker_desk import BrokerDesk
from trimtab_execution.metrics import ExecutionMetrics
from trimtab_execution.reconciler import Reconciler
from trimtab_execution.room import ExecutionRoom
from trimtab_execution.settings import Settings
from trimtab_runtime.database import connect
from trimtab_runtime.errors import ConfigError, Problem
from trimtab_runtime.health import HealthBoard, Impact
from trimtab_runtime.metrics import RoomMetrics
from trimtab_runtime.settings import Mode

SIMULATED_RECONNECT_SECONDS = 0.05
RECONNECT_SECONDS = 1.0
SIMULATED_KEY = "simulated"


def build(settings: Settings, board: HealthBoard, metrics: RoomMetrics) -> ExecutionRoom:
    """Wire the room to the broker that its mode names."""
    simulated = settings.mode is Mode.SIM
    key_id, secret_key = _keys(settings)
    measured = ExecutionMetrics(metrics)
    broker = AlpacaBroker(
        settings.rest_url,
        key_id=key_id,
        secret_key=secret_key,
        simulated=simulated,
        read_seconds=settings.read_seconds,
    )
    if settings.mode is Mode.LIVE:
        check_armed(settings.at_home.root / "ARM", broker.account().number, datetime.now(UTC))
    home = settings.at_home
    home.made(home.root)
    desk = BrokerDesk(
        broker,
        DatabaseJournal(connect(home.journal, synchronous="FULL")),
        HaltFile(home.halt),
        measured,
        posters=settings.posters,
        place_seconds=settings.place_seconds,
        now=lambda: datetime.now(UTC),
    )
    reconciler = Reconciler(desk, measured, every_seconds=settings.reconcile_seconds)
    hints = AlpacaHints(
        settings.stream_url,
        key_id=key_id,
        secret_key=secret_key,
        reconnect_seconds=SIMULATED_RECONNECT_SECONDS if simulated else RECONNECT_SECONDS,
    )
    board.register("broker", lambda: desk.trouble, impact=Impact.UNHEALTHY)
    board.register("books", lambda: _disagreement(reconciler))
    board.register("update_stream", lambda: None if hints.connected else "not connected")
    return ExecutionRoom(
        desk,
        reconciler,
        hints,
        account=settings.account,
        patience_seconds=None if simulated else settings.patience_seconds,
    )


def _keys(settings: Settings) -> tuple[str, str]:
    if settings.alpaca_key_id is not None and settings.alpaca_secret_key is not None:
        return (
            settings.alpaca_key_id.get_secret_value(),
            settings.alpaca_secret_key.get_secret_value(),
        )
    if settings.mode is Mode.SIM:
        return SIMULATED_KEY, SIMULATED_KEY
    problem = Problem(
        place="environment",
        key="TRIMTAB_ALPACA_KEY_ID and TRIMTAB_ALPACA_SECRET_KEY",
        expected=f"the keys of the {settings.mode.value} account",
        found="nothing",
    )
    raise ConfigError([problem])


def _disagreement(reconciler: Reconciler) -> str | None:
    standing = reconciler.standing
    return f"the broker's books differ: {', '.join(standing)}" if standing else None
