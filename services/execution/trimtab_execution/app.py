"""Where execution is put together: the only place in this room that makes real things."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

from trimtab_execution.adapters.alpaca import AlpacaBroker
from trimtab_execution.adapters.arm_file import ArmFile
from trimtab_execution.adapters.crashing import Crash, CrashingBroker, CrashingJournal
from trimtab_execution.adapters.halt_file import HaltFile
from trimtab_execution.adapters.journal import DatabaseJournal
from trimtab_execution.adapters.request_budget import RequestBudget
from trimtab_execution.adapters.updates import AlpacaHints
from trimtab_execution.broker_desk import BrokerDesk
from trimtab_execution.core.clock import BrokerClock
from trimtab_execution.core.permission import Permission
from trimtab_execution.metrics import ExecutionMetrics
from trimtab_execution.ports import Broker, Journal, OutcomeUnknown, Switch
from trimtab_execution.reconciler import Reconciler
from trimtab_execution.room import ExecutionRoom
from trimtab_execution.settings import Settings
from trimtab_runtime.database import connect
from trimtab_runtime.errors import ConfigError, Problem
from trimtab_runtime.first_start import hold_first_start
from trimtab_runtime.health import HealthBoard, Impact
from trimtab_runtime.metrics import RoomMetrics
from trimtab_runtime.settings import Mode

SIMULATED_KEY = "simulated"
BUSY_SECONDS = 5.0
"""One of five waits for a locked journal, before the process ends and begins anew."""


def build(settings: Settings, board: HealthBoard, metrics: RoomMetrics) -> ExecutionRoom:
    """Wire the room to the broker that its mode names."""
    simulated = settings.mode is Mode.SIM
    measured = ExecutionMetrics(metrics)
    clock = BrokerClock(_now)
    broker, journal = _outside(settings)
    permission = Permission(_switches(settings), clock, simulated=simulated)
    desk = BrokerDesk(
        broker,
        journal,
        permission.veto,
        measured,
        posters=settings.posters,
        place_seconds=settings.place_seconds,
    )
    reconciler = Reconciler(
        broker,
        journal,
        desk,
        permission,
        clock,
        measured,
        account=settings.account,
        every_seconds=settings.reconcile_seconds,
    )
    key_id, secret_key = _keys(settings)
    hints = AlpacaHints(
        settings.stream_url, key_id=key_id, secret_key=secret_key, simulated=simulated
    )
    board.register("broker", lambda: _trouble(desk), impact=Impact.UNHEALTHY)
    board.register("books", lambda: _disagreement(reconciler))
    board.register("update_stream", lambda: None if hints.connected else "not connected")
    return ExecutionRoom(
        desk,
        reconciler,
        hints,
        clock,
        measured,
        account=settings.account,
        patience_seconds=None if simulated else settings.patience_seconds,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _outside(settings: Settings) -> tuple[Broker, Journal]:
    """The two things that outlive the process."""
    home = settings.at_home
    home.made(home.root)
    if settings.hold_first_start:
        hold_first_start(home, settings.mode.value, by=settings.room)
    address = settings.journal_address()
    journal = DatabaseJournal(connect(address, synchronous="FULL", busy_seconds=BUSY_SECONDS))
    if settings.crash_at is None:
        return _alpaca(settings), journal
    if settings.mode is not Mode.SIM:
        mode = settings.mode.value
        raise _refused("TRIMTAB_CRASH_AT", "nothing where orders are real", f"mode {mode}")
    crash = Crash(settings.crash_at)
    return CrashingBroker(_alpaca(settings), crash), CrashingJournal(journal, crash)


def _alpaca(settings: Settings) -> AlpacaBroker:
    simulated = settings.mode is Mode.SIM
    key_id, secret_key = _keys(settings)
    return AlpacaBroker(
        settings.rest_url,
        key_id=key_id,
        secret_key=secret_key,
        simulated=simulated,
        read_seconds=settings.read_seconds,
        budget=None if simulated else RequestBudget(),
    )


def _switches(settings: Settings) -> list[Switch]:
    """Who may say stop. Live, somebody must have said go, for the account of these keys."""
    switches: list[Switch] = [HaltFile(settings.at_home.halt)]
    if settings.mode is Mode.LIVE:
        arm = ArmFile(settings.at_home.root / "ARM", _account_number(settings), _now)
        complaint = arm.halted()
        if complaint is not None:
            raise _refused("TRIMTAB_MODE=live", "an armed account", complaint)
        switches.append(arm)
    return switches


def _account_number(settings: Settings) -> str:
    """Whose keys these are, by the broker's word."""
    try:
        with closing(_alpaca(settings)) as broker:
            return broker.account().number
    except OutcomeUnknown as reason:
        expected = f"the account to which the keys belong, from {settings.rest_url}"
        raise _refused("TRIMTAB_MODE=live", expected, f"no answer: {reason}") from None


def _keys(settings: Settings) -> tuple[str, str]:
    if settings.alpaca_key_id is not None and settings.alpaca_secret_key is not None:
        return (
            settings.alpaca_key_id.get_secret_value(),
            settings.alpaca_secret_key.get_secret_value(),
        )
    if settings.mode is Mode.SIM:
        return SIMULATED_KEY, SIMULATED_KEY
    raise _refused(
        "TRIMTAB_ALPACA_KEY_ID and TRIMTAB_ALPACA_SECRET_KEY",
        f"the keys of the {settings.mode.value} account",
        "nothing",
    )


def _refused(key: str, expected: str, found: str) -> ConfigError:
    return ConfigError([Problem(place="environment", key=key, expected=expected, found=found)])


def _trouble(desk: BrokerDesk) -> str | None:
    if desk.trouble is None and desk.in_doubt:
        return f"the outcome of {len(desk.in_doubt)} orders is unknown"
    return desk.trouble


def _disagreement(reconciler: Reconciler) -> str | None:
    standing = reconciler.doubt.standing
    return f"the broker's books differ: {', '.join(standing)}" if standing else None
