"""Three stages as processes over a real server give the backtest's events, however often killed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.integration import tiny_rooms
from trimtab_common.events import Event, RowClosed, parse_entry
from trimtab_trading.engine import run

FAMILIES = ("bars", "signals", "orders", "fills")
ROOMS = ("ingest", "execution", "strategy", "risk")
SYMBOLS = 6
TIMEOUT_SECONDS = 60


class Processes:
    """The rooms as processes that are started again whenever they end."""

    def __init__(self, url: str, prefix: str, seed: int, rows: int) -> None:
        self._arguments = [url, prefix, str(seed), str(rows), str(SYMBOLS)]
        self.running = {room: self._start(room) for room in ROOMS}
        self.kills = 0

    def _start(self, room: str) -> subprocess.Popen[bytes]:
        script = str(Path(tiny_rooms.__file__))
        return subprocess.Popen([sys.executable, script, room, *self._arguments])

    def kill(self, room: str) -> None:
        self.running[room].send_signal(signal.SIGKILL)
        self.running[room].wait()
        self.running[room] = self._start(room)
        self.kills += 1

    def freeze_and_replace(self, room: str) -> subprocess.Popen[bytes]:
        """The old process sleeps while a new one takes over: a zombie in the making."""
        old = self.running[room]
        old.send_signal(signal.SIGSTOP)
        self.running[room] = self._start(room)
        return old

    def end(self) -> None:
        for process in self.running.values():
            process.kill()
            process.wait()


@pytest.fixture
def processes() -> Iterator[list[Processes]]:
    started: list[Processes] = []
    yield started
    for group in started:
        group.end()


def recorded(server: redis.Redis, prefix: str) -> dict[str, list[Event]]:
    found = {}
    for family in FAMILIES:
        entries: Any = server.xrange(prefix + family)
        events = [parse_entry(fields) for _, fields in entries]
        found[family] = [event for event in events if not isinstance(event, RowClosed)]
    return found


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)


def wait_for_the_last_row(server: redis.Redis, prefix: str, expected: int) -> None:
    def complete() -> bool:
        return sum(map(len, recorded(server, prefix).values())) >= expected

    wait_for(complete)


@pytest.mark.redis
@pytest.mark.parametrize(
    ("seed", "kill_every"),
    [(1, None), *(pytest.param(n, 0.4, marks=pytest.mark.long) for n in range(2, 9))],
)
def test_rooms_say_exactly_what_the_backtest_says(
    redis_url: str, processes: list[Processes], seed: int, kill_every: float | None
) -> None:
    rows = 250
    expected = run(tiny_rooms.market(seed, rows, SYMBOLS), list(tiny_rooms.stages().values()))
    prefix, server = f"t{seed}-{time.time_ns()}:", redis.Redis.from_url(redis_url)
    group = Processes(redis_url, prefix, seed, rows)
    processes.append(group)
    if kill_every:
        chance = random.Random(seed)
        for _ in range(16):
            time.sleep(chance.uniform(0, 2 * kill_every))
            group.kill(chance.choice(ROOMS))
    wait_for_the_last_row(server, prefix, sum(map(len, expected.values())))
    found = recorded(server, prefix)
    for family in FAMILIES:
        assert found[family] == expected[family], family


@pytest.mark.redis
def test_a_process_that_was_replaced_while_it_slept_can_do_no_harm(
    redis_url: str, processes: list[Processes]
) -> None:
    seed, rows = 7, 250
    expected = run(tiny_rooms.market(seed, rows, SYMBOLS), list(tiny_rooms.stages().values()))
    prefix, server = f"z-{time.time_ns()}:", redis.Redis.from_url(redis_url)
    group = Processes(redis_url, prefix, seed, rows)
    processes.append(group)
    wait_for(lambda: all(server.xlen(prefix + family) > 20 for family in FAMILIES))
    sleepers = [group.freeze_and_replace(room) for room in ("strategy", "risk", "execution")]
    replaced = [f"{prefix}room:{room}" for room in ("strategy", "risk", "execution")]
    wait_for(lambda: all(server.hget(key, "generation") == b"2" for key in replaced))
    for sleeper in sleepers:
        sleeper.send_signal(signal.SIGCONT)
    wait_for_the_last_row(server, prefix, sum(map(len, expected.values())))
    for sleeper in sleepers:
        assert sleeper.wait(timeout=20) != 0, "a replaced process must end by itself"
    assert recorded(server, prefix) == expected
