"""One hop over a real server: bars in, a signal out for each, against plain redis-py in batches."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from benchmarks.figures import Figure, at_least, median, shown
from trimtab_common.events import (
    BarClosed,
    Event,
    RowClosed,
    SignalRaised,
    bar_id,
    encode,
    instant,
)
from trimtab_common.timeframes import Timeframe
from trimtab_runtime.delivery.life import Life
from trimtab_runtime.delivery.metrics import DeliveryMetrics
from trimtab_runtime.delivery.session import Session
from trimtab_runtime.delivery.stage_room import StageRoom
from trimtab_runtime.embedded import start
from trimtab_runtime.ending import end
from trimtab_runtime.home import Home
from trimtab_runtime.metrics import RoomMetrics
from trimtab_trading.stage import Input

EVENTS = 12_000
ROUNDS = 5
BATCH = 100
PACED = 300
PACE_SECONDS = 0.004
START = datetime(2024, 3, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ONE = Timeframe("1m")


def bar(number: int) -> BarClosed:
    opened_at = START + number * MINUTE
    price = Decimal(100 + number % 50)
    return BarClosed(
        id=bar_id("bench", "SPY", ONE, opened_at),
        at=opened_at + MINUTE,
        symbol="SPY",
        timeframe=ONE,
        opened_at=opened_at,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=Decimal(100),
        feed="bench",
    )


def signal(cause: BarClosed) -> SignalRaised:
    return SignalRaised.trusted(
        id=f"signal:bench:SPY:{instant(cause.at)}",
        at=cause.at,
        strategy="bench",
        symbol=cause.symbol,
        weight=0.5,
        previous_weight=0.0,
        timeframe=cause.timeframe,
        price=cause.close,
        reason="bench",
    )


class Echo:
    """A stage that answers every bar with a signal."""

    name, output = "strategy", "signals"
    inputs = (Input("bars"),)
    asides: tuple[str, ...] = ()

    def handle(self, event: Event) -> Iterable[Event]:
        return (signal(event),) if isinstance(event, BarClosed) else ()

    def close(self, row: RowClosed) -> Iterable[Event]:
        return ()

    def snapshot(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        return None


@dataclass(frozen=True)
class Bench:
    """A server and a prefix of its own for each run."""

    url: str
    prefix: str

    @property
    def bars(self) -> str:
        return self.prefix + "bars"

    @property
    def signals(self) -> str:
        return self.prefix + "signals"


async def fill(redis: Redis, bench: Bench, count: int) -> None:
    """Put the bars there before anybody reads."""
    pipe = redis.pipeline(transaction=False)
    for number in range(count):
        kind, data = encode(bar(number))
        pipe.xadd(bench.bars, {"type": kind, "data": data})
    await pipe.execute()


async def until(redis: Redis, stream: str, count: int) -> float:
    """Seconds until the stream holds that many entries."""
    started = time.perf_counter()
    while await redis.xlen(stream) < count:  # noqa: ASYNC110 - a stream's length wakes nobody
        await asyncio.sleep(0.005)
    return time.perf_counter() - started


async def ours(bench: Bench) -> None:
    """The rooms' own loop, with fence, order record and metrics."""
    room = StageRoom(Echo(), wanted={BarClosed}, patience_seconds=None)
    session = Session(
        bench.url, room="strategy", prefix=bench.prefix, families=room.families, wanted=room.wanted
    )
    await session.begin()
    room_metrics = RoomMetrics("strategy", "bench", "sim")
    metrics = DeliveryMetrics(room_metrics, "strategy", session.keys, room.families)
    metrics.follow(session)
    life = Life(on_progress=lambda: None, on_ready=lambda: None, on_commit=metrics.count)
    try:
        await room.live(session, life)
    finally:
        await session.end()


async def plain(bench: Bench) -> None:
    """redis-py alone: read a hundred, validate, publish and acknowledge in one MULTI."""
    redis: Any = Redis.from_url(bench.url)
    await redis.xgroup_create(bench.bars, "plain", "0", mkstream=True)
    where = {bench.bars: ">"}
    while True:
        found = await redis.xreadgroup("plain", "a", where, count=BATCH, block=200)
        for _, entries in found or []:
            pipe = redis.pipeline(transaction=True)
            for _, raw in entries:
                event = BarClosed.model_validate_json(raw[b"data"])
                kind, data = encode(signal(event))
                pipe.xadd(bench.signals, {"type": kind, "data": data})
            pipe.xack(bench.bars, "plain", *[entry_id for entry_id, _ in entries])
            await pipe.execute()


WAYS = {"plain": plain, "ours": ours}


async def throughput(bench: Bench, way: str) -> float:
    """Events per second through a backlog."""
    redis: Any = Redis.from_url(bench.url)
    await fill(redis, bench, EVENTS)
    task = asyncio.ensure_future(WAYS[way](bench))
    while not await redis.xlen(bench.signals):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.001)
    already = await redis.xlen(bench.signals)
    seconds = await until(redis, bench.signals, EVENTS)
    await end([task])
    await redis.delete(bench.bars, bench.signals)
    await redis.aclose()
    return float((EVENTS - already) / seconds)


async def latency(bench: Bench, way: str) -> float:
    """Median milliseconds from a bar's XADD to its signal's arrival, one at a time."""
    redis: Any = Redis.from_url(bench.url)
    task = asyncio.ensure_future(WAYS[way](bench))
    last, times = "0-0", []
    for number in range(PACED):
        kind, data = encode(bar(number))
        started = time.perf_counter()
        await redis.xadd(bench.bars, {"type": kind, "data": data})
        found = await redis.xread({bench.signals: last}, block=2_000)
        times.append((time.perf_counter() - started) * 1_000)
        last = found[0][1][-1][0]
        await asyncio.sleep(PACE_SECONDS)
    await end([task])
    await redis.aclose()
    return median(times[PACED // 10 :])


def measure() -> list[Figure]:
    """Interleaved rounds; the median of the ratios within each round."""
    with tempfile.TemporaryDirectory() as folder:
        server = start(Home(Path(folder)))
        try:
            rates: dict[str, list[float]] = {way: [] for way in WAYS}
            waits: dict[str, list[float]] = {way: [] for way in WAYS}
            for turn in range(ROUNDS):
                for way in WAYS:
                    bench = Bench(server.url, f"b{os.getpid()}-{turn}-{way}:")
                    rates[way].append(asyncio.run(throughput(bench, way)))
                    paced = Bench(server.url, f"p{os.getpid()}-{turn}-{way}:")
                    waits[way].append(asyncio.run(latency(paced, way)))
        finally:
            server.stop()

    ratio = median([a / b for a, b in zip(rates["ours"], rates["plain"], strict=True)])
    return [
        shown("hop: plain redis-py", median(rates["plain"]), "events/s"),
        at_least("hop: ours / plain", ratio, 0.95, "x", "with fence, order record, metrics"),
        shown("hop: p50 plain", median(waits["plain"]), "ms"),
        shown("hop: p50 ours", median(waits["ours"]), "ms", "differences under 30 % are noise"),
    ]
