"""Alpaca's own clients between ingest and a simulator: order of events, time-outs, refusals."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.markets import minute_market
from tests.simulator_process import SimulatorProcess, running_simulator
from tests.simulator_streams import watching
from tests.unit.ingest.lines import messages, minute
from trimtab_common.events import Event
from trimtab_ingest.adapters.alpaca_history import TIMEOUT_SECONDS, AlpacaHistory
from trimtab_ingest.adapters.alpaca_stream import explained
from trimtab_ingest.adapters.simulator import SimulatedSource
from trimtab_ingest.asking import Asking
from trimtab_ingest.connection import Connection
from trimtab_ingest.core.closing import ReplayRule, Wire
from trimtab_ingest.core.desk import Desk
from trimtab_ingest.core.plan import Plan
from trimtab_ingest.core.rows import Rows
from trimtab_ingest.ports import Feed, Listener, Unreachable

pytestmark = pytest.mark.e2e

SYMBOLS = ("AAPL", "IBM", "MSFT")
MARKET = minute_market(symbols=SYMBOLS)
DELAY_SECONDS = 0.4
"""At 3000 times the market's speed, twenty rows."""


def a_source(simulator: SimulatorProcess) -> tuple[SimulatedSource, Plan]:
    source = SimulatedSource(simulator.url, keys=None, universe=None, everything=True)
    plan = source.plan()
    assert isinstance(plan, Plan)
    return source, plan


class Deaf:
    """Hears everything but the server's word that it will send every bar from now on."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def connecting(self) -> None: ...

    def subscribed(self) -> None: ...

    def lost(self, reason: str | None) -> None: ...

    async def bar(self, raw: Any) -> None:
        await self._listener.bar(raw)

    async def revision(self, raw: Any) -> None: ...


class HastyFeed:
    """Has history fetched when it connects, as one would think of first."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.line = feed.line

    async def run(self, listener: Listener) -> None:
        listener.subscribed()
        await asyncio.sleep(DELAY_SECONDS)
        await self._feed.run(Deaf(listener))

    def reconnect(self) -> None: ...

    def expect_data(self, seconds: float | None) -> None: ...


class PunctualFeed(HastyFeed):
    """Takes as long to connect, and waits for the server's word."""

    async def run(self, listener: Listener) -> None:
        await asyncio.sleep(DELAY_SECONDS)
        await self._feed.run(listener)


async def listen(
    simulator: SimulatorProcess, kind: Callable[[Feed], Feed], rows: int
) -> list[Event]:
    """What is said of the rows, with history merged as a kind of feed has it."""
    source, plan = a_source(simulator)
    (line,) = plan.lines
    wire = Wire(line, since=time.monotonic())
    desk = Desk(plan, ReplayRule(wire), [wire], Rows(plan, closed_until=None, by_calendar=False))
    connection = Connection(
        kind(source.feeds(plan)[0]),
        wire,
        desk,
        history=source.history,
        venue=source.venue,
        asking=Asking(pause_seconds=0.05, pause_seconds_max=0.5),
        now=lambda: None,
        wake=lambda: None,
    )
    running = asyncio.ensure_future(connection.run())
    said: list[Event] = []
    async with asyncio.timeout(20):
        while len([event for event in said if event.id.startswith("row:")]) < rows:
            await asyncio.sleep(0.01)
            said += desk.collect(time.monotonic(), None).events
            connection.rows_closed.set()
    running.cancel()
    return said


def rows_said(events: list[Event]) -> list[Any]:
    return [event.at for event in events if event.id.startswith("row:")]


async def test_history_before_the_subscription_would_lose_bars_and_after_it_loses_none(
    tmp_path: Path,
) -> None:
    instants = [MARKET.instant_of(row) for row in range(60)]
    found = {}
    for kind in (HastyFeed, PunctualFeed):
        folder = tmp_path / kind.__name__
        with (
            running_simulator(
                folder, symbols=",".join(SYMBOLS), sessions=1, speed=3000
            ) as exchange,
            watching(exchange, "AAPL", rows=5),
        ):
            found[kind] = rows_said(await listen(exchange, kind, 60))[:60]
    assert found[PunctualFeed] == instants
    assert found[HastyFeed] != instants
    assert set(instants) - set(found[HastyFeed]), "the control must lose rows, not reorder them"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("simulator")
    with (
        running_simulator(folder, symbols=",".join(SYMBOLS), sessions=1, ahead=5_000) as simulator,
        watching(simulator, *SYMBOLS, rows=390),
    ):
        yield simulator


def test_history_gives_the_bars_that_were_streamed(exchange: SimulatorProcess) -> None:
    source, plan = a_source(exchange)
    found = source.history.bars(plan.lines[0], minute(0), minute(9))
    expected = [bar for row in messages(MARKET)[:10] for bar in row]
    keys = ("S", "o", "h", "l", "c", "v")
    assert sorted([[bar[key] for key in keys] for bar in found]) == sorted(
        [[bar[key] for key in keys] for bar in expected]
    )


def test_history_has_a_time_limit_and_no_proxy(exchange: SimulatorProcess) -> None:
    history = AlpacaHistory(url=exchange.url, keys=("key", "secret"))
    for client in (history._stocks, history._crypto):
        session: Any = client._session
        assert session.request.keywords == {"timeout": TIMEOUT_SECONDS}
        assert session.trust_env is False


@pytest.mark.parametrize("fault", ["server_error_before", "reset_before"])
def test_history_that_fails_says_why(exchange: SimulatorProcess, fault: str) -> None:
    source, plan = a_source(exchange)
    switch = {"switches": {fault: {"probability": 1, "path": "/v2/stocks"}}}
    exchange.post("/control/faults", switch)
    try:
        with pytest.raises(Unreachable, match="the history of bars"):
            source.history.bars(plan.lines[0], minute(0), minute(9))
    finally:
        exchange.delete("/control/faults")


def test_a_simulator_that_is_not_there_is_named() -> None:
    source = SimulatedSource("http://127.0.0.1:9", keys=None, universe=None, everything=True)
    with pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:9/control/state"):
        source.plan()


class Broken:
    """A listener with a defect."""

    def connecting(self) -> None: ...

    def subscribed(self) -> None: ...

    def lost(self, reason: str | None) -> None: ...

    async def bar(self, raw: Any) -> None:
        raise KeyError("a defect")

    async def revision(self, raw: Any) -> None: ...


async def test_a_defect_in_what_is_done_with_a_bar_is_not_swallowed(tmp_path: Path) -> None:
    with running_simulator(tmp_path, symbols="AAPL", sessions=1, ahead=10) as simulator:
        source, plan = a_source(simulator)
        feed = source.feeds(plan)[0]
        listening: Awaitable[None] = feed.run(Broken())
        with pytest.raises(KeyError, match="a defect"):
            await asyncio.wait_for(listening, 10)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("connection limit exceeded", "406"),
        ("symbol limit exceeded", "TRIMTAB_INGEST_SYMBOLS_MAX"),
        ("auth failed", "TRIMTAB_ALPACA_KEY_ID"),
        ("insufficient subscription", "iex"),
        ("server rejected WebSocket connection: HTTP 429", "waiting longer"),
        ("", "ValueError"),
        ("something new", "something new"),
    ],
)
def test_what_the_server_says_is_explained(text: str, word: str) -> None:
    assert word in explained(ValueError(text) if text else ValueError())
