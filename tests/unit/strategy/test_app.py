"""The room as it is built: its strategies, its past, its health and its measurements."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.trading.strategy_rows import bar, closed, minute
from trimtab_common.events import BarClosed, RowClosed
from trimtab_runtime.barstore import BarStore
from trimtab_runtime.errors import ConfigError
from trimtab_runtime.health import HealthBoard
from trimtab_runtime.home import Home
from trimtab_runtime.metrics import RoomMetrics
from trimtab_strategy.adapters.stored_history import StoredHistory
from trimtab_strategy.app import build, live_through_history
from trimtab_strategy.handlers import HANDLERS
from trimtab_strategy.metrics import MeasuredDesk
from trimtab_strategy.settings import StrategySettings

UNIVERSE = """
groups:
  - {name: g, calendar: XNYS, timeframes: [1m], symbols: [AAPL, SPY], feed: simulated}
"""
REVERSION = """
strategies:
  - name: reversion
    uses: mean_reversion
    enabled: true
    share: 0.5
    symbols: all
    timeframe: native
    parameters: {lookback_rows: 4, entry_zscore: 1.5}
"""
SKETCH = """
strategies:
  - {name: sketch, uses: "FILE:Sketch", enabled: true, share: 0.5, symbols: all, timeframe: 1m}
"""
FALL = (10, 10, 11, 5)


def config(folder: Path, strategies: str = REVERSION) -> Path:
    (folder / "universe.yaml").write_text(UNIVERSE)
    (folder / "strategies.yaml").write_text(strategies)
    return folder


def built(folder, mode="sim", strategies=REVERSION):
    settings = StrategySettings(
        home=folder / "home", config_dir=config(folder, strategies), mode=mode
    )
    board = HealthBoard("strategy", release="test", mode=mode)
    metrics = RoomMetrics("strategy", "test", mode)
    return build(settings, board, metrics), board, metrics


def fill_store(folder, closes=FALL, symbol="SPY"):
    bars = [bar(symbol, minute(n), close) for n, close in enumerate(closes, start=1)]
    BarStore(Home(folder / "home")).append(bars)


def one_row(desk, at, **closes):
    bars = [bar(symbol, at, close) for symbol, close in closes.items()]
    for each in bars:
        desk.handle(each)
    return list(desk.close(closed(at, bars=bars)))


def test_the_desk_of_the_room_reads_bars_and_marks(tmp_path):
    room, _, _ = built(tmp_path)
    assert isinstance(room.stage, MeasuredDesk)
    assert set(HANDLERS) == room.wanted == {BarClosed, RowClosed}
    assert (room.name, room.families) == ("strategy", ("bars",))


def test_info_shows_each_strategy(tmp_path):
    room, _, _ = built(tmp_path)
    assert room.info()["strategies"]["reversion"]["rows_needed"] == 4


def test_a_strategy_without_warmup_is_refused_with_the_file(tmp_path):
    sketch = tmp_path / "sketch.py"
    sketch.write_text(
        "class Sketch:\n    def targets(self, panel):\n        return panel.close * 0\n"
    )
    with pytest.raises(ConfigError, match=r"strategies\.yaml: .*sketch does not say its warmup"):
        built(tmp_path, strategies=SKETCH.replace("FILE", str(sketch)))


async def test_a_paper_room_lives_through_the_bar_store_first(tmp_path):
    fill_store(tmp_path)
    room, _, _ = built(tmp_path, mode="paper")
    await room._prepare()
    (first, second) = one_row(room.stage, minute(5), AAPL=1, SPY=6)
    assert (first.symbol, first.weight) == ("AAPL", 0.0)
    assert (second.symbol, second.weight) == ("SPY", 0.5)
    assert second.reason == "target 0.5, told again after a new start"


async def test_a_simulation_never_looks_at_the_bar_store(tmp_path):
    fill_store(tmp_path)  # of an earlier run of the same days
    room, _, _ = built(tmp_path, mode="sim")
    await room._prepare()
    assert room.info()["strategies"]["reversion"]["rows"] == 0


def test_health_tells_of_cold_and_of_failing_strategies(tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text(
        "class Sketch:\n    warmup = 2\n"
        "    def targets(self, panel):\n        raise KeyError('VIX')\n"
    )
    room, board, metrics = built(tmp_path, strategies=SKETCH.replace("FILE", str(broken)))
    board.started()
    assert board.report().reasons == ("history: sketch has 0 of 2 rows of history",)
    for n in (1, 2):
        one_row(room.stage, minute(n), SPY=1)
    (reason,) = board.report().reasons
    assert reason == (
        "strategies: sketch at 2024-03-05T14:32:00Z KeyError: 'VIX'; its targets stand"
    )
    assert b'trimtab_strategy_faults_total{strategy="sketch"} 1.0' in metrics.exposition()


def test_signals_and_decisions_are_counted(tmp_path):
    room, _, metrics = built(tmp_path)
    assert b'trimtab_strategy_signals_total{strategy="reversion"} 0.0' in metrics.exposition()
    for n, close in enumerate(FALL, start=1):
        one_row(room.stage, minute(n), SPY=close)
    exposition = metrics.exposition()
    assert b'trimtab_strategy_signals_total{strategy="reversion"} 1.0' in exposition
    assert b"trimtab_strategy_decision_seconds_count 4.0" in exposition


async def test_what_was_lived_through_is_what_the_store_holds(tmp_path):
    fill_store(tmp_path)
    room, _, _ = built(tmp_path)
    desk, store = room.stage, BarStore(Home(tmp_path / "home"))
    await live_through_history(desk, StoredHistory(store), 0)
    assert desk.info()["strategies"]["reversion"]["targets"] == {"SPY": 0.5}
    assert one_row(desk, minute(5), SPY=20)[0].price == Decimal(20)
