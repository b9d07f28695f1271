"""Ingest as the real process between a real simulator and a real server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.integration.room_process import RoomProcess
from tests.simulator_process import SimulatorProcess, running_simulator
from trimtab_common.events import Event, instant, parse_entry
from trimtab_trading.market import Market

TIMEOUT_SECONDS = 60.0
UNIVERSE = """
groups:
  - {{name: stocks, calendar: XNYS, timeframes: [{timeframes}], feed: iex, symbols: [{symbols}]}}
"""


class World:
    """A simulator, ingest, and somebody who opens rows as execution would."""

    def __init__(self, simulator: SimulatorProcess, ingest: RoomProcess, market: Market) -> None:
        self.simulator = simulator
        self.ingest = ingest
        self.market = market
        self._opened = 0
        self._last = "0-0"
        self._marks: list[str] = []

    @property
    def events(self) -> list[Event]:
        """All that ingest has said on `bars`."""
        entries: Any = self.ingest.server.xrange(self.ingest.prefix + "bars")
        return [parse_entry(fields) for _, fields in entries]

    def rows_closed(self) -> int:
        """How many rows have their mark."""
        entries: Any = self.ingest.server.xrange(
            self.ingest.prefix + "bars", min=f"({self._last}", count=5_000
        )
        for entry, fields in entries:
            self._last = entry.decode()
            if fields[b"type"] == b"RowClosed":
                self._marks.append(instant(parse_entry(fields).at))
        return len(self._marks)

    def open_rows(self) -> None:
        """Use the rows that are closed; whatever goes wrong is tried again next time."""
        self.rows_closed()
        rows = {instant(self.market.instant_of(row)) for row in range(self.market.rows_total)}
        own = [mark for mark in self._marks if mark in rows]
        while self._opened < len(own):
            try:
                self.simulator.open(own[self._opened])
            except (requests.RequestException, AssertionError):
                return  # it was killed just now, or has not released the row again
            self._opened += 1

    def run(self, rows: int, disturb: Callable[[], None] = lambda: None) -> None:
        """Open rows until so many are closed; `disturb` is called all the time."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while self.rows_closed() < rows:
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"{self.rows_closed()} of {rows} rows after {TIMEOUT_SECONDS:.0f} s: "
                    f"{self.ingest.ask('healthz')}\n{self.ingest.stderr()[-3000:]}"
                )
            disturb()
            self.open_rows()
            time.sleep(0.01)


@contextmanager
def a_world(
    folder: Path,
    redis_url: str,
    market: Market,
    *,
    timeframes: str = "1m, 5m, 1h",
    simulator: Mapping[str, object],
    settings: Mapping[str, str] | None = None,
) -> Iterator[World]:
    """The simulator serves, ingest runs; `market` must be what the simulator replays."""
    config = folder / "config"
    config.mkdir()
    symbols = ", ".join(market.symbols)
    (config / "universe.yaml").write_text(UNIVERSE.format(timeframes=timeframes, symbols=symbols))
    with running_simulator(folder / "simulator", symbols=symbols, **simulator) as exchange:
        ingest = RoomProcess(
            "ingest",
            redis_url,
            folder / "home",
            CONFIG_DIR=str(config),
            SIMULATOR_URL=exchange.url,
            STORE_INTERVAL_SECONDS="0.3",
            **(settings or {}),
        )
        ingest.start()
        try:
            yield World(exchange, ingest, market)
        finally:
            ingest.end()
