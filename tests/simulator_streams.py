"""Alpaca's own streams in threads, for tests that watch or trade against the simulator."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from alpaca.data.live import CryptoDataStream, StockDataStream
from alpaca.trading.stream import TradingStream

from tests.simulator_process import KEY, SECRET, SimulatorProcess

PATIENCE_SECONDS = 15.0
POLL_SECONDS = 0.01
BACKOFF_SECONDS = 0.05

Stream = StockDataStream | CryptoDataStream | TradingStream


class Watched(list[Any]):
    """What a stream has brought so far; `wait_for` waits until there are so many."""

    def wait_for(self, count: int) -> list[Any]:
        until(lambda: len(self) >= count, f"{count} messages, there are {len(self)}")
        return list(self)


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds, or fail and say what did not come."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {PATIENCE_SECONDS:.0f} s for {what}")
        time.sleep(POLL_SECONDS)


@contextlib.contextmanager
def watching(
    simulator: SimulatorProcess, *symbols: str, rows: int = 0, raw_data: bool = False
) -> Iterator[Watched]:
    """Bars as they come over the socket; begins when so many rows are released."""
    crypto = "/" in symbols[0]
    kind = CryptoDataStream if crypto else StockDataStream
    path = "/v1beta3/crypto/us" if crypto else "/v2/iex"
    stream = kind(KEY, SECRET, raw_data=raw_data, url_override=simulator.socket_url + path)
    bars = Watched()

    async def on_bar(bar: Any) -> None:
        bars.append(bar)

    stream.subscribe_bars(on_bar, *symbols)
    with running(stream):
        until(
            lambda: simulator.get("/control/state")["rows_released"] >= rows,
            f"{rows} released rows",
        )
        yield bars


@contextlib.contextmanager
def trading(simulator: SimulatorProcess, *, key: str = KEY) -> Iterator[Watched]:
    """Trade updates as they come over the socket; begins when it listens."""
    stream = TradingStream(
        key, SECRET, raw_data=True, url_override=f"{simulator.socket_url}/stream"
    )
    updates = Watched()
    heard = threading.Event()

    async def on_update(update: Any) -> None:
        updates.append(update["data"])

    listen = stream._dispatch

    async def dispatch(message: Any) -> None:
        if message.get("stream") == "listening":
            heard.set()
        await listen(message)

    vars(stream)["_dispatch"] = dispatch
    stream.subscribe_trade_updates(on_update)
    with running(stream):
        assert heard.wait(PATIENCE_SECONDS), "the stream of trade updates did not begin"
        yield updates


@contextlib.contextmanager
def running(stream: Stream) -> Iterator[None]:
    """A stream in a thread of its own; it comes back quickly when its socket breaks."""
    stream._reconnect_min_backoff = BACKOFF_SECONDS
    stream._reconnect_max_backoff = BACKOFF_SECONDS
    thread = threading.Thread(target=stream.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop: asyncio.AbstractEventLoop | None = stream._loop
        if loop is not None and loop.is_running():
            asyncio.run_coroutine_threadsafe(_leave(stream), loop)
        thread.join(PATIENCE_SECONDS)


async def _leave(stream: Stream) -> None:
    """Stop, without the five seconds that the client would wait for one more message."""
    await stream.stop_ws()
    await stream.close()
