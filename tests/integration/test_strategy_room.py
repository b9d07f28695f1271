"""The strategy room as a process says what the desk says in a backtest, killed or not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.integration.conftest import free_port
from trimtab_common.events import Event, RowClosed, SignalRaised, encode, parse_entry
from trimtab_common.timeframes import Timeframe
from trimtab_runtime.strategies import read_slots
from trimtab_trading.engine import run
from trimtab_trading.generated import generated
from trimtab_trading.market import Market, replay
from trimtab_trading.strategy_desk import StrategyDesk

ROOT = Path(__file__).parents[2]
SYMBOLS = ("AAPL", "MSFT", "QQQ", "SPY")
TIMEOUT_SECONDS = 60
UNIVERSE = f"""
groups:
  - name: demo
    calendar: XNYS
    timeframes: [5m]
    symbols: [{", ".join(SYMBOLS)}]
    feed: simulated
"""


def market() -> Market:
    return generated(
        seed=5,
        symbols=SYMBOLS,
        calendar_name="XNYS",
        timeframe=Timeframe.FIVE_MINUTES,
        start=date(2024, 3, 4),
        sessions=6,
        missing=0.05,
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The shipped strategies on a universe of its own, as the demo has it."""
    (tmp_path / "universe.yaml").write_text(UNIVERSE)
    shipped = (ROOT / "config" / "strategies.yaml").read_text()
    (tmp_path / "strategies.yaml").write_text(shipped)
    return tmp_path


class Room:
    """The real process; it can be killed and started again."""

    def __init__(self, config: Path, url: str) -> None:
        self._environment = {
            **os.environ,
            "TRIMTAB_REDIS_URL": url,
            "TRIMTAB_STREAM_PREFIX": f"s{config.name[-20:].lower().replace('_', '-')}:",
            "TRIMTAB_CONFIG_DIR": str(config),
            "TRIMTAB_STRATEGY_HTTP_PORT": str(free_port()),
        }
        self.prefix = self._environment["TRIMTAB_STREAM_PREFIX"]
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "trimtab_strategy"]
        return subprocess.Popen(command, env=self._environment, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process = self._start()

    def resident_megabytes(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


@pytest.fixture
def room(config: Path, redis_url: str) -> Iterator[Room]:
    started = Room(config, redis_url)
    yield started
    started.process.kill()
    started.process.wait()


def publish(client: redis.Redis, room: Room, events: list[Event]) -> None:
    pipe = client.pipeline(transaction=False)
    for event in events:
        kind, data = encode(event)
        pipe.xadd(f"{room.prefix}bars", {"type": kind, "data": data})
    pipe.execute()


def published(client: redis.Redis, room: Room) -> list[Event]:
    entries: Any = client.xrange(f"{room.prefix}signals")
    return [parse_entry(fields) for _, fields in entries]


def wait_for_rows(client: redis.Redis, room: Room, rows: int) -> list[Event]:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        events = published(client, room)
        if sum(isinstance(event, RowClosed) for event in events) >= rows:
            return events
        time.sleep(0.1)
    raise AssertionError(f"only {len(events)} events after {TIMEOUT_SECONDS} s")


@pytest.mark.redis
def test_signals_are_those_of_the_backtest_however_often_the_room_is_killed(
    config, redis_url, room
):
    client = redis.Redis.from_url(redis_url)
    rows = list(replay(market()))
    expected = run(rows, [StrategyDesk(read_slots(config))])["signals"]
    assert len({signal.strategy for signal in expected if isinstance(signal, SignalRaised)}) == 3
    third = len(rows) // 3
    for number in range(3):
        part = rows[number * third : (number + 1) * third if number < 2 else len(rows)]
        publish(client, room, [event for bars, mark in part for event in (*bars, mark)])
        wait_for_rows(client, room, number * third + 1)  # in the midst of its work
        room.kill()
    events = wait_for_rows(client, room, len(rows))
    assert [event for event in events if not isinstance(event, RowClosed)] == expected
    assert sum(isinstance(event, RowClosed) for event in events) == len(rows)
    assert room.resident_megabytes() < 130
