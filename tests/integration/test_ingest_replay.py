"""A replay's rows come out of ingest exactly as the file has them, whoever is killed meanwhile."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.integration.ingest_world import World, a_world
from tests.integration.room_process import wait_for
from tests.markets import minute_market
from tests.unit.ingest.lines import expected
from trimtab_common.events import BarClosed, Event, FeedStale, RowClosed
from trimtab_common.timeframes import Timeframe
from trimtab_runtime.barstore import BarStore
from trimtab_runtime.home import Home

pytestmark = [pytest.mark.e2e, pytest.mark.redis]

SYMBOLS = ("AAPL", "AMZN", "GOOG", "IBM", "MSFT", "SPY")
COARSER = (Timeframe.FIVE_MINUTES, Timeframe.ONE_HOUR)


def rows_of(events: list[Event]) -> int:
    return sum(isinstance(event, RowClosed) for event in events)


def stored_bars(world: World, timeframe: Timeframe) -> int:
    store = BarStore(Home(world.ingest.home))
    return len(store.read(world.market.symbols, timeframe))


def test_every_row_comes_out_as_the_exact_engine_has_it(tmp_path: Path, redis_url: str) -> None:
    market = minute_market(symbols=SYMBOLS, sessions=2, missing=0.05)
    truth = expected(market, *COARSER)
    replay = {"sessions": 2, "missing": 0.05, "speed": "max"}
    with a_world(tmp_path, redis_url, market, simulator=replay) as world:
        world.run(rows_of(truth))
        assert world.events == truth
        bars = sum(isinstance(event, BarClosed) for event in truth)
        timeframes = (Timeframe.ONE_MINUTE, *COARSER)
        wait_for(lambda: sum(stored_bars(world, each) for each in timeframes) == bars)
        assert world.ingest.stop() == 0


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_kills_of_ingest_and_of_the_simulator_change_nothing(
    tmp_path: Path, redis_url: str, seed: int
) -> None:
    market = minute_market(symbols=SYMBOLS, sessions=1, missing=0.1)
    truth = expected(market, *COARSER)
    chance = random.Random(seed)
    kills = [chance.choice(("ingest", "ingest", "simulator")) for _ in range(8)]
    replay = {"sessions": 1, "missing": 0.1, "speed": 3000}
    with a_world(tmp_path, redis_url, market, simulator=replay) as world:
        moments = [time.monotonic() + 2.0 + 2.5 * n + chance.random() for n in range(len(kills))]

        def disturb() -> None:
            if moments and time.monotonic() >= moments[0]:
                moments.pop(0)
                victim = kills.pop()
                process = world.ingest if victim == "ingest" else world.simulator
                process.kill()
                process.start()

        world.run(rows_of(truth), disturb)
        assert len(kills) < 6, "too few kills to mean anything"
        assert world.events == truth
        bars = sum(isinstance(event, BarClosed) for event in truth)
        timeframes = (Timeframe.ONE_MINUTE, *COARSER)
        wait_for(
            lambda: sum(stored_bars(world, each) for each in timeframes) == bars,
            what="a store that holds every bar",
        )


def test_rows_with_hardly_a_bar_close_although_nothing_follows(
    tmp_path: Path, redis_url: str
) -> None:
    market = minute_market(symbols=SYMBOLS, sessions=1, missing=0.7)
    replay = {"sessions": 1, "missing": 0.7, "speed": "max", "ahead": 1}
    with a_world(tmp_path, redis_url, market, timeframes="1m", simulator=replay) as world:
        world.run(40)
        found = [event for event in world.events if isinstance(event, RowClosed)]
        assert (
            found[:40] == [event for event in expected(market) if isinstance(event, RowClosed)][:40]
        )


def test_a_mute_socket_is_noticed_told_and_made_anew(tmp_path: Path, redis_url: str) -> None:
    market = minute_market(symbols=SYMBOLS, sessions=1)
    replay = {"sessions": 1, "speed": 3000}
    with a_world(tmp_path, redis_url, market, timeframes="1m", simulator=replay) as world:
        world.run(20)
        mute = {"switches": {"data_mute": {"probability": 1}}}
        world.simulator.post("/control/faults", mute)
        wait_for(lambda: any(isinstance(event, FeedStale) for event in world.events))
        world.simulator.delete("/control/faults")
        world.run(market.rows_total)
        rows = [event for event in world.events if not isinstance(event, FeedStale)]
        assert rows == expected(market)


def test_sockets_that_break_and_history_that_fails_cost_time_only(
    tmp_path: Path, redis_url: str
) -> None:
    market = minute_market(symbols=SYMBOLS, sessions=1)
    replay = {"sessions": 1, "speed": "max", "ahead": 64}
    with a_world(tmp_path, redis_url, market, timeframes="1m", simulator=replay) as world:
        some = {"probability": 0.2}
        faults = {
            "data_closed": {"probability": 0.05},
            "server_error_before": some | {"path": "/v2/stocks"},
            "reset_after": some | {"path": "/v2/stocks"},
        }
        world.simulator.post("/control/faults", {"switches": faults})
        world.run(market.rows_total)
        assert world.events == expected(market)


def test_a_second_connection_of_the_same_key_is_explained_to_the_owner(
    tmp_path: Path, redis_url: str
) -> None:
    market = minute_market(symbols=SYMBOLS, sessions=1)
    replay = {"sessions": 1, "speed": 3000}
    with a_world(tmp_path, redis_url, market, timeframes="1m", simulator=replay) as world:
        world.run(5)
        limit = {"switches": {"connection_limit": {"probability": 1}}}
        world.simulator.post("/control/faults", limit)
        world.simulator.post("/control/faults", {"switches": {"data_closed": {"next": 1}}})
        wait_for(lambda: "(406)" in str(world.ingest.ask("healthz")), what="an explanation")
        assert world.ingest.ask("healthz")["status"] == "DEGRADED"
        world.simulator.delete("/control/faults")
        world.run(market.rows_total)
        assert world.events == expected(market)


def test_another_market_is_not_appended_to_what_was_published(
    tmp_path: Path, redis_url: str
) -> None:
    market = minute_market(symbols=SYMBOLS, sessions=1)
    replay = {"sessions": 1, "speed": "max", "dir": tmp_path / "one"}
    with a_world(tmp_path, redis_url, market, timeframes="1m", simulator=replay) as world:
        world.run(30)
        world.simulator.kill()
        world.simulator.variables |= {"seed": 7, "dir": tmp_path / "two"}
        world.simulator.start()
        assert world.ingest.wait() == 75
        before = len(world.events)
        world.ingest.start()
        wait_for(lambda: "two markets" in str(world.ingest.ask("readyz")), what="an explanation")
        assert len(world.events) == before


def test_an_emptied_server_is_filled_from_the_row_after_the_last_opened_one(
    tmp_path: Path, redis_url: str
) -> None:
    market = minute_market(symbols=SYMBOLS, sessions=1)
    replay = {"sessions": 1, "speed": "max", "ahead": 64}
    with a_world(tmp_path, redis_url, market, timeframes="1m", simulator=replay) as world:
        world.run(100)
        world.ingest.kill()
        opened = world.simulator.get("/control/state")["rows_opened"]
        for key in world.ingest.server.scan_iter(f"{world.ingest.prefix}*"):
            world.ingest.server.delete(key)
        world.ingest.start()
        wait_for(lambda: rows_of(world.events) > 10, what="rows")
        first = next(event for event in world.events if isinstance(event, RowClosed))
        assert first.at == market.instant_of(opened)
