"""Where the simulator's real things are made."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from trimtab_runtime.errors import ConfigError, Problem
from trimtab_runtime.health import HealthBoard
from trimtab_runtime.marketfile import read_bars
from trimtab_runtime.metrics import RoomMetrics
from trimtab_runtime.processes import Held
from trimtab_simulator.adapters.pump import Pump
from trimtab_simulator.adapters.record_log import FileRecordLog, Unreadable
from trimtab_simulator.adapters.room_endpoints import RoomEndpoints
from trimtab_simulator.adapters.sockets import Sockets
from trimtab_simulator.adapters.web import PortTaken, WebServer
from trimtab_simulator.core.exchange import Exchange, mixed
from trimtab_simulator.core.faults import Faults
from trimtab_simulator.core.keys import Keys, Pair
from trimtab_simulator.core.release import Release
from trimtab_simulator.core.simulator import OtherLog, Simulator, first_record
from trimtab_simulator.handlers import HANDLERS
from trimtab_simulator.metrics import SimulatorMetrics
from trimtab_simulator.settings import SimulatorSettings
from trimtab_trading.generated import generated
from trimtab_trading.market import SIMULATED, Market
from trimtab_trading.venue import Terms, Venue

__all__ = ["PortTaken", "SimulatorRoom", "build", "market_of"]


@dataclass(frozen=True)
class SimulatorRoom:
    """The room, ready to be run."""

    simulator: Simulator
    server: WebServer
    pump: Pump
    board: HealthBoard
    log: FileRecordLog
    address: tuple[str, int]

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until told to stop. What was asked before is answered, then the sockets close."""
        await self.server.start(*self.address)
        self.board.started()
        self._announce()
        tasks = (
            asyncio.create_task(stop.wait(), name="stop"),
            asyncio.create_task(self.pump.run(), name="release of rows"),
            asyncio.create_task(self.server.broken(), name="a broken handler"),
        )
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await self.server.stop()
            self.log.close()

    def _announce(self) -> None:
        market = self.simulator.exchange.market
        host = self.address[0]
        sys.stdout.write(
            f"simulator: http://{host}:{self.server.port} ({SIMULATED}: {market.source}, "
            f"{market.rows_total} rows of {len(market.symbols)} symbols, "
            f"{self.simulator.exchange.rows_opened} opened)\n"
        )
        sys.stdout.flush()


def build(settings: SimulatorSettings) -> SimulatorRoom:
    """Make the room; call it in a running event loop.

    Raises:
        ConfigError: where the market or the folder cannot be used; the text says what to do.
    """
    market = market_of(settings)
    metrics = RoomMetrics(settings.room, settings.release, settings.mode.value)
    own_metrics = SimulatorMetrics(metrics)
    board = HealthBoard(settings.room, release=settings.release, mode=settings.mode.value)
    board.describe = lambda: {
        "label": SIMULATED,
        "source": market.source,
        "rows_total": market.rows_total,
    }
    keys, faults = Keys(_pair(settings)), Faults()
    sockets = Sockets(
        keys, faults, own_metrics, one_connection_per_key=settings.sim_one_connection_per_key
    )
    log = _log(settings.folder)
    simulator = Simulator(
        exchange=Exchange(market, Venue(_terms(settings), settings.sim_cash)),
        release=_release(settings, market),
        log=log,
        listeners=sockets,
        faults=faults,
        wall_clock=time.time,
        funds_checked_on_arrival=settings.sim_funds_checked_on_arrival,
    )
    _recover(simulator, settings.folder)
    own_metrics.rows_opened.set_function(lambda: simulator.exchange.rows_opened)
    room = RoomEndpoints(board, metrics)
    return SimulatorRoom(
        simulator=simulator,
        server=WebServer(simulator, sockets, room, keys, own_metrics, HANDLERS),
        pump=Pump(simulator, sockets, own_metrics, board.heartbeat("release")),
        board=board,
        log=log,
        address=(settings.http_host, settings.http_port),
    )


def market_of(settings: SimulatorSettings) -> Market:
    """The market in the settings' file, or the one generated from their seed."""
    try:
        market = _market(settings)
    except (ValueError, OSError) as error:
        key = "TRIMTAB_SIM_FILE" if settings.sim_file else "TRIMTAB_SIM_SYMBOLS, _START"
        raise _problem(key, f"what makes a market ({error})", "") from None
    complaint = mixed(market)
    if complaint:
        expected = f"stocks with the calendar XNYS, or pairs with 24/7 ({complaint})"
        raise _problem("TRIMTAB_SIM_SYMBOLS, _CALENDAR", expected, "")
    return market


def _market(settings: SimulatorSettings) -> Market:
    if settings.sim_file is None:
        whole = generated(
            seed=settings.sim_seed,
            symbols=settings.symbols,
            calendar_name=settings.sim_calendar,
            timeframe=settings.sim_timeframe,
            start=settings.sim_start,
            sessions=settings.sim_sessions,
            missing=settings.sim_missing,
        )
        return whole if settings.sim_rows is None else whole.first_rows(settings.sim_rows)
    chosen, rows = settings.chosen_symbols, settings.sim_rows
    return read_bars(settings.sim_file, symbols=chosen, rows=rows).market


def _log(folder: Path) -> FileRecordLog:
    try:
        return FileRecordLog(folder)
    except Held as error:
        expected = f"a folder that no other simulator uses ({error})"
        raise _problem("TRIMTAB_SIM_DIR", expected, "") from None


def _recover(simulator: Simulator, folder: Path) -> None:
    try:
        simulator.recover(first_record(simulator.exchange))
    except (OtherLog, Unreadable) as error:
        expected = (
            f"the memory of this simulation, or an empty folder; move {folder} away, or name "
            f"another one ({error})"
        )
        raise _problem("TRIMTAB_SIM_DIR", expected, "") from None


def _release(settings: SimulatorSettings, market: Market) -> Release:
    return Release(
        market,
        speed=settings.speed,
        ahead=settings.sim_ahead,
        pause_max=timedelta(minutes=settings.sim_pause_minutes),
    )


def _terms(settings: SimulatorSettings) -> Terms:
    return Terms(
        slippage_bps=settings.sim_slippage_bps,
        fee_bps=settings.sim_fee_bps,
        fee_per_order=settings.sim_fee_per_order,
        fee_per_share=settings.sim_fee_per_share,
        volume_share_max=settings.sim_volume_share_max,
    )


def _pair(settings: SimulatorSettings) -> Pair | None:
    if settings.alpaca_key_id is None or settings.alpaca_secret_key is None:
        return None
    return Pair(
        settings.alpaca_key_id.get_secret_value(), settings.alpaca_secret_key.get_secret_value()
    )


def _problem(key: str, expected: str, found: str) -> ConfigError:
    return ConfigError([Problem(place="environment", key=key, expected=expected, found=found)])
