"""The risk room as a process: the backtest's orders however often it is killed, and its switch."""

from __future__ import annotations

import shutil
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.integration.room_process import ROOT, RoomProcess, wait_for
from trimtab_common.events import (
    Event,
    OrderApproved,
    RowClosed,
    TradingHalted,
    TradingResumed,
    parse_entry,
)
from trimtab_common.timeframes import Timeframe
from trimtab_runtime.chain import exact_chain
from trimtab_trading.engine import Engine
from trimtab_trading.generated import generated
from trimtab_trading.market import replay
from trimtab_trading.venue import Terms

SYMBOLS = ("AAPL", "MSFT", "QQQ", "SPY")
UNIVERSE = f"""
groups:
  - name: demo
    calendar: XNYS
    timeframes: [5m]
    symbols: [{", ".join(SYMBOLS)}]
    feed: simulated
"""
INPUTS = ("fills", "bars", "signals")
TERMS = Terms(
    slippage_bps=Decimal(2),
    fee_bps=Decimal(1),
    fee_per_order=Decimal(0),
    fee_per_share=Decimal(0),
    volume_share_max=Decimal("0.002"),
)

pytestmark = pytest.mark.redis


class Tape(Engine):
    """The exact engine, which keeps every stream with its marks."""

    def __init__(self, config: Path) -> None:
        self.streams: dict[str, list[Event]] = defaultdict(list)
        cash = Decimal(100_000)
        chain = exact_chain(config, account="main", cash=cash, terms=TERMS)
        super().__init__(chain, lambda family, event: None)

    def put(self, family: str, event: Event) -> None:
        self.streams[family].append(event)
        super().put(family, event)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The shipped limits and strategies on a universe of four symbols."""
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "universe.yaml").write_text(UNIVERSE)
    for name in ("strategies.yaml", "risk.yaml"):
        shutil.copy(ROOT / "config" / name, folder / name)
    return folder


@pytest.fixture
def tape(config: Path) -> Tape:
    lived = Tape(config)
    market = generated(
        seed=5,
        symbols=SYMBOLS,
        calendar_name="XNYS",
        timeframe=Timeframe.FIVE_MINUTES,
        start=date(2024, 3, 4),
        sessions=6,
        missing=0.05,
    )
    for bars, mark in replay(market):
        lived.feed(bars, mark)
    return lived


@pytest.fixture
def room(redis_url, config, tmp_path):
    started = RoomProcess("risk", redis_url, tmp_path / "home", CONFIG_DIR=str(config))
    started.start()
    started.ready()
    yield started
    started.end()


def published(room, family):
    """Everything on a stream."""
    entries = room.server.xrange(room.prefix + family)
    return [parse_entry(fields) for _, fields in entries]


def rows_of(events):
    return sum(isinstance(event, RowClosed) for event in events)


def wait_for_rows(room, count):
    wait_for(lambda: rows_of(published(room, "orders")) >= count, what=f"row {count}")


def test_orders_are_those_of_the_backtest_however_often_the_room_is_killed(room, tape):
    expected = tape.streams["orders"]
    assert sum(isinstance(event, OrderApproved) for event in expected) > 50
    for number in range(3):
        for family in INPUTS:
            events = tape.streams[family]
            third = len(events) // 3
            last = len(events) if number == 2 else (number + 1) * third
            room.publish(*events[number * third : last])
        wait_for_rows(room, number * rows_of(expected) // 3 + 10)  # in the midst of its work
        room.kill()
        room.start()
    wait_for_rows(room, rows_of(expected))
    assert published(room, "orders") == expected
    room.ready()
    state = room.ask("info")
    assert state["state"] == "TRADING"
    assert state["oddities"]["count"] == 0


def test_the_file_halts_and_its_removal_resumes_also_after_a_kill(room, tape):
    for family in INPUTS:
        room.publish(*tape.streams[family])
    wait_for_rows(room, 1)
    (room.home / "HALT").write_text("storm\n")
    wait_for(lambda: room.ask("info")["state"] == "HALTED", what="the halt")
    room.kill()
    room.start()
    room.ready()
    assert room.ask("info")["state_reason"] == "halt-file: storm"
    (room.home / "HALT").unlink()
    wait_for(lambda: room.ask("info")["state"] == "TRADING", what="the resume")
    kinds = [type(event) for event in published(room, "control")]
    assert kinds == [TradingHalted, TradingResumed]
