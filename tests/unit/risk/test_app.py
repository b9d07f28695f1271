"""The room as it is built: its limits, its health, its measurements, its kill switch."""

import asyncio
import shutil
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.trading.desk_factories import (
    OPEN,
    approved,
    bar,
    cash,
    closed,
    filled,
    position,
    signal,
)
from trimtab_common.events import Health, OrderApproved, RowClosed, TradingHalted, TradingResumed
from trimtab_risk.app import build
from trimtab_risk.handlers import HANDLERS
from trimtab_risk.settings import RiskSettings
from trimtab_runtime.errors import ConfigError
from trimtab_runtime.health import HealthBoard
from trimtab_runtime.metrics import RoomMetrics
from trimtab_trading.risk.desk import RiskDesk

SHIPPED = Path(__file__).parents[3] / "config"
UNIVERSE = """
groups:
  - {name: g, calendar: XNYS, timeframes: [1m], symbols: [AAPL, SPY], feed: simulated}
"""
STRATEGIES = """
strategies:
  - {name: alpha, uses: buy_and_hold, enabled: true, share: 0.5, symbols: all, timeframe: 1m}
  - {name: beta, uses: buy_and_hold, enabled: false, share: 0.5, symbols: all, timeframe: 1m}
"""
MINUTE = OPEN + timedelta(minutes=1)


def config(folder):
    (folder / "universe.yaml").write_text(UNIVERSE)
    (folder / "strategies.yaml").write_text(STRATEGIES)
    shutil.copy(SHIPPED / "risk.yaml", folder / "risk.yaml")
    return folder


class Built:
    """A room with everything it was built from."""

    def __init__(self, folder, mode="sim"):
        home = folder / "home"
        home.mkdir(exist_ok=True)
        self.halt_file = home / "HALT"
        settings = RiskSettings(home=home, config_dir=config(folder), mode=mode)
        self.board = HealthBoard("risk", release="test", mode=mode)
        self.metrics = RoomMetrics("risk", "test", mode)
        self.room = build(settings, self.board, self.metrics)
        self.desk = self.room._desk
        self.announced = []

    def look(self):
        async def announce(event):
            self.announced.append(event)

        asyncio.run(self.room.look(announce))
        return [type(event) for event in self.announced]

    def row(self, *events, price=100):
        bars = [bar("SPY", MINUTE, price)]
        for event in (*events, *bars, signal("SPY", 1.0, price=price)):
            self.desk.handle(event)
        return list(self.desk.close(closed(MINUTE, bars)))

    def measured(self, name, **labels):
        return self.metrics.registry.get_sample_value(name, labels)


def test_it_orders_by_the_shares_and_limits_of_the_configuration(tmp_path):
    [order] = Built(tmp_path).row(cash())
    assert isinstance(order, OrderApproved)
    assert (order.account, order.symbol, order.quantity) == ("main", "SPY", Decimal(500))


@pytest.mark.parametrize("name", ["risk.yaml", "universe.yaml", "strategies.yaml"])
def test_a_missing_file_stops_the_start_and_is_named(tmp_path, name):
    settings = RiskSettings(home=tmp_path, config_dir=config(tmp_path))
    (tmp_path / name).unlink()
    board, metrics = HealthBoard("risk", release="t", mode="sim"), RoomMetrics("risk", "t", "sim")
    with pytest.raises(ConfigError, match=name):
        build(settings, board, metrics)


def test_it_reads_the_streams_of_the_desk_and_knows_its_events(tmp_path):
    room = Built(tmp_path).room
    assert room.families == ("fills", "bars", "signals", "control")
    assert room.wanted == frozenset(HANDLERS)
    assert HANDLERS[RowClosed] is RiskDesk.close


def test_every_event_the_desk_acts_on_is_in_the_table(tmp_path):
    assert set(Built(tmp_path).desk._acts) | {RowClosed} == set(HANDLERS)


def test_info_is_the_desks_summary(tmp_path):
    built = Built(tmp_path)
    built.row(cash())
    told = built.room.info()
    assert (told["cash"], told["state"], told["forced_marks"]) == ("100000", "TRADING", 0)
    assert "buy" in told["decisions"]["SPY"]["outcome"]


class TestKillSwitch:
    def test_the_file_is_announced_when_it_appears_and_when_it_goes(self, tmp_path):
        built = Built(tmp_path)
        assert built.look() == []
        built.halt_file.write_text("storm")
        assert built.look() == [TradingHalted]
        assert built.look() == [TradingHalted]  # not said twice
        built.desk.handle(built.announced[0])
        assert built.desk.state.control.why == "halt-file: storm"
        built.halt_file.unlink()
        assert built.look() == [TradingHalted, TradingResumed]
        built.desk.handle(built.announced[1])
        assert built.look() == [TradingHalted, TradingResumed]
        assert built.desk.state.control.why == ""

    def test_a_halted_room_is_healthy(self, tmp_path):
        built = Built(tmp_path)
        built.halt_file.write_text("storm")
        built.look()
        built.desk.handle(built.announced[0])
        built.board.started()
        assert built.board.report().health is Health.HEALTHY


class TestHealth:
    def test_what_should_not_have_happened_degrades(self, tmp_path):
        built = Built(tmp_path)
        built.board.started()
        built.desk.handle(filled(approved("by-hand"), 10))
        report = built.board.report()
        assert report.health is Health.DEGRADED
        assert "never approved" in report.reasons[0]

    def test_a_holding_without_a_price_degrades(self, tmp_path):
        built = Built(tmp_path)
        built.board.started()
        built.desk.handle(position("AAPL", 5))
        assert built.board.report().reasons == ("prices: no price yet for AAPL",)


def test_it_measures_decisions_refusals_and_the_account(tmp_path):
    built = Built(tmp_path)
    built.row(cash())
    assert built.measured("trimtab_risk_decisions_total", type="OrderApproved") == 1
    assert built.measured("trimtab_account_equity_amount") == 100_000
    assert built.measured("trimtab_open_orders") == 1
    assert built.measured("trimtab_trading_state") == 0
    assert built.measured("trimtab_risk_refusals_total", rule="R19") == 0
    halt = TradingHalted(id="halt:1", at=MINUTE, by="owner", reason="storm")
    other = Built(tmp_path)
    other.row(cash(), halt)
    assert other.measured("trimtab_risk_refusals_total", rule="HALT") == 1
    assert other.measured("trimtab_trading_state") == 2
