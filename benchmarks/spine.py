"""The whole spine: real processes, a real server, alpaca-py, twenty symbols."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from benchmarks.figures import Figure, at_least, at_most, shown
from trimtab.demo.exchange import Exchange
from trimtab.demo.scene import Scene, set_scene
from trimtab.demo.wishes import MAX, Wishes
from trimtab.run_system import begin
from trimtab.supervisor.plan import EXCHANGE
from trimtab.supervisor.supervisor import POLL_SECONDS, Supervisor

ROOT = Path(__file__).parents[1]
SYMBOLS = ",".join(f"C{letter}/USD" for letter in "ABCDEFGHIJKLMNOPQRST")
WARM_SECONDS = 4.0
MEASURED_SECONDS = 15.0
PACE_SECONDS = 0.25
RSS_MB_MAX = {"alerting": 100, "risk": 110, "strategy": 130, "ingest": 190, "execution": 190}
HELP_SECONDS_MAX = 0.4


def measure() -> list[Figure]:
    """Rows a second with and without orders, bar to order at wall pace, memory, `--help`."""
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        with running(Path(folder) / "busy", "Busy", MAX) as (supervisor, exchange):
            rows, orders = _rate(supervisor, exchange)
            note = f"{orders / max(rows, 1e-9):.1f} orders a row"
            figures.append(at_least("spine: with orders", rows, 40, "rows/s", note))
            figures.extend(_memory(supervisor))
        with running(Path(folder) / "rest", "Resting", MAX) as (supervisor, exchange):
            rows, _ = _rate(supervisor, exchange)
            figures.append(at_least("spine: without orders", rows, 200, "rows/s"))
        speed = f"{60 / PACE_SECONDS:g}"
        with running(Path(folder) / "pace", "Busy", speed) as (supervisor, exchange):
            _look_after(supervisor, WARM_SECONDS + MEASURED_SECONDS)
            waits = sorted(_waits(supervisor.plan.ports[EXCHANGE]))
        figures.append(at_most("bar → first order: p50", statistics.median(waits), 25, "ms"))
        figures.append(shown("bar → first order: p95", waits[int(len(waits) * 0.95)], "ms"))
    figures.append(at_most("trimtab --help", _help_seconds(), HELP_SECONDS_MAX, "s of CPU"))
    return figures


@contextmanager
def running(folder: Path, strategy: str, speed: str) -> Iterator[tuple[Supervisor, Exchange]]:
    """All rooms on a generated market, trading one strategy; ended on the way out."""
    scene = _scene(folder, strategy, speed)
    supervisor = Supervisor(scene.plan, _say)
    begin(supervisor)
    try:
        _until(supervisor, lambda: not supervisor.waiting_for())
        yield supervisor, Exchange(scene.plan.ports[EXCHANGE])
    finally:
        supervisor.stop()
        scene.claim.release()


def _say(room: str, text: str) -> None:
    sys.stderr.write(f"{room}: {text}\n")


def _scene(folder: Path, strategy: str, speed: str) -> Scene:
    config = folder / "config"
    shutil.copytree(ROOT / "config", config)
    entry = {
        "name": "bench",
        "uses": f"{ROOT / 'benchmarks' / 'busy.py'}:{strategy}",
        "enabled": True,
        "share": 0.9,
        "symbols": "all",
        "timeframe": "native",
    }
    (config / "strategies.yaml").write_text(yaml.safe_dump({"strategies": [entry]}))
    risk = (config / "risk.yaml").read_text()
    (config / "risk.yaml").write_text(re.sub(r"drift_band: \S+", "drift_band: 0.006", risk))
    return set_scene(
        Wishes(
            data=None,
            seconds=None,
            speed=speed,
            symbols=SYMBOLS,
            seed=1,
            home=folder / "home",
            config=config,
            keep=True,
            as_json=True,
        )
    )


def _until(supervisor: Supervisor, done: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        supervisor.step()
        if time.monotonic() > deadline:
            raise RuntimeError(f"not ready: {', '.join(supervisor.waiting_for())}")
        time.sleep(POLL_SECONDS)


def _look_after(supervisor: Supervisor, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        supervisor.step()
        time.sleep(POLL_SECONDS)


def _rate(supervisor: Supervisor, exchange: Exchange) -> tuple[float, float]:
    """(rows a second, orders a second) over the measured time."""
    _look_after(supervisor, WARM_SECONDS)
    first, started = exchange.state(), time.perf_counter()
    _look_after(supervisor, MEASURED_SECONDS)
    last, seconds = exchange.state(), time.perf_counter() - started
    rows = (last["rows_opened"] - first["rows_opened"]) / seconds
    return rows, (last["orders_total"] - first["orders_total"]) / seconds


def _memory(supervisor: Supervisor) -> list[Figure]:
    """Resident memory after some thousand rows."""
    figures = []
    for room, limit in RSS_MB_MAX.items():
        pid = supervisor.children[room].pid
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        megabytes = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
        figures.append(at_most(f"memory: {room}", megabytes, limit, "MB"))
    return figures


def _waits(port: int) -> list[float]:
    """Milliseconds from each row's release to the first order that came after it."""
    released = [_seconds(each["received_at"]) for each in _log(port, "release")]
    orders = sorted(_seconds(each["received_at"]) for each in _log(port, "order"))
    waits = []
    for start, end in pairwise(released):
        place = bisect_right(orders, start)
        if place < len(orders) and orders[place] < end:
            waits.append((orders[place] - start) * 1_000)
    return waits[len(waits) // 5 :]


def _log(port: int, kind: str) -> list[dict[str, Any]]:
    address = f"http://127.0.0.1:{port}/control/log?kind={kind}"
    with urllib.request.urlopen(address, timeout=10) as answer:
        found: list[dict[str, Any]] = json.loads(answer.read())
    return found


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _help_seconds() -> float:
    """CPU seconds of `trimtab --help`, the best of five."""
    best = float("inf")
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", "trimtab", "--help"], check=True, stdout=subprocess.DEVNULL
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        best = min(best, used)
    return best
