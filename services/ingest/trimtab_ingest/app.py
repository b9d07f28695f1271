"""Where ingest is put together: the only place in this room that makes real things."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from trimtab_ingest.adapters.alpaca import AlpacaSource
from trimtab_ingest.adapters.simulator import SimulatedSource
from trimtab_ingest.asking import Asking
from trimtab_ingest.attendants import Attendant, BrokerAttendant, ReplayAttendant
from trimtab_ingest.connection import Connection
from trimtab_ingest.core.closing import LiveRule, ReplayRule
from trimtab_ingest.core.desk import Desk
from trimtab_ingest.core.plan import complaints
from trimtab_ingest.metrics import IngestMetrics
from trimtab_ingest.room import IngestRoom
from trimtab_ingest.settings import Settings, Symbols
from trimtab_ingest.storing import Storing
from trimtab_runtime.barstore import BarStore
from trimtab_runtime.config import load
from trimtab_runtime.errors import ConfigError, Problem
from trimtab_runtime.health import HealthBoard, Impact
from trimtab_runtime.metrics import RoomMetrics
from trimtab_runtime.settings import Mode
from trimtab_trading.config import Universe


def build(settings: Settings, board: HealthBoard, metrics: RoomMetrics) -> IngestRoom:
    """Wire the room to the source that its mode names."""
    measured = IngestMetrics(metrics)
    storing = Storing(
        BarStore(settings.at_home),
        interval_seconds=settings.store_interval_seconds,
        on_stored=measured.stored,
    )
    make = _replaying if settings.mode is Mode.SIM else _trading
    room = make(settings, storing, measured)
    board.register(
        "source", lambda: room.waiting_for, impact=Impact.UNHEALTHY, affects_readiness=True
    )
    board.register("feed", room.feed_complaint)
    board.register("history", room.history_complaint)
    board.register("store", room.store_complaint)
    return room


def _replaying(settings: Settings, storing: Storing, metrics: IngestMetrics) -> IngestRoom:
    """Against the simulator: rows wait until they are whole, and time is the data's own."""
    everything = settings.symbols is Symbols.ALL
    file = settings.config_dir / "universe.yaml"
    universe = None if everything and not file.exists() else load(file, Universe)
    source = SimulatedSource(
        settings.simulator_url, keys=settings.keys, universe=universe, everything=everything
    )
    asking = Asking(pause_seconds=0.05, pause_seconds_max=0.5)

    def attendant(desk: Desk, connections: list[Connection]) -> Attendant:
        return ReplayAttendant(desk, connections[0], source.venue, asking, metrics)

    return IngestRoom(
        source,
        storing,
        asking,
        metrics,
        make_rule=lambda wires: ReplayRule(wires[0]),
        make_attendant=attendant,
        now=lambda: None,
    )


def _trading(settings: Settings, storing: Storing, metrics: IngestMetrics) -> IngestRoom:
    """At the broker: the clock decides how long a row waits."""
    source = AlpacaSource(
        _universe(settings),
        data_url=settings.data_url,
        stream_url=settings.stream_url,
        keys=_keys(settings),
        now=_now,
    )
    asking = Asking(pause_seconds=1.0, pause_seconds_max=30.0)

    def attendant(desk: Desk, connections: list[Connection]) -> Attendant:
        return BrokerAttendant(
            desk,
            connections,
            source.history,
            asking,
            metrics,
            now=_now,
            stale_after=timedelta(seconds=settings.stale_after_seconds),
            mute_after=timedelta(seconds=settings.mute_after_seconds),
            daily_delay=timedelta(seconds=settings.daily_delay_seconds),
        )

    return IngestRoom(
        source,
        storing,
        asking,
        metrics,
        make_rule=lambda wires: LiveRule(
            wires,
            row_grace_seconds=settings.row_grace_seconds,
            daily_grace_seconds=settings.daily_grace_seconds,
            backfill_age=timedelta(seconds=settings.backfill_age_seconds),
        ),
        make_attendant=attendant,
        now=_now,
    )


def _universe(settings: Settings) -> Universe:
    file = settings.config_dir / "universe.yaml"
    universe = load(file, Universe)
    found = complaints(universe, symbols_max=settings.symbols_max)
    if found:
        raise ConfigError(
            Problem(place=str(file), key="", expected=text, found="") for text in found
        )
    return universe


def _now() -> datetime:
    return datetime.now(UTC)


def _keys(settings: Settings) -> tuple[str, str]:
    if settings.keys is not None:
        return settings.keys
    problem = Problem(
        place="environment",
        key="TRIMTAB_ALPACA_KEY_ID and TRIMTAB_ALPACA_SECRET_KEY",
        expected=f"the keys of an Alpaca account, for the mode {settings.mode.value}",
        found="nothing",
    )
    raise ConfigError([problem])
