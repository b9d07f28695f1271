"""What the strategy room may expect of the past, wherever it is read."""

from datetime import timedelta

import pytest

from tests.unit.trading.strategy_rows import bar, minute
from trimtab_common.timeframes import Timeframe
from trimtab_runtime.barstore import BarStore
from trimtab_runtime.home import Home
from trimtab_strategy.adapters.history_process import HistoryProcess
from trimtab_strategy.adapters.no_history import NoHistory
from trimtab_strategy.adapters.stored_history import StoredHistory
from trimtab_trading.strategy_desk import Need


def fill_store(folder, closes, symbol="SPY"):
    bars = [bar(symbol, minute(n), close) for n, close in enumerate(closes, start=1)]
    BarStore(Home(folder / "home")).append(bars)


@pytest.mark.parametrize("adapter", ["in this process", "in a process of its own"])
class TestHistory:
    @pytest.fixture(autouse=True)
    def _chosen(self, adapter):
        self.adapter = adapter

    def history(self, folder, *needs, extra_rows=0):
        home = folder / "home"
        if self.adapter == "in this process":
            return StoredHistory(BarStore(Home(home))).bars(needs, extra_rows)
        return HistoryProcess(home).bars(needs, extra_rows)

    def need(self, rows, symbols=("AAPL", "SPY")):
        return Need(Timeframe.ONE_MINUTE, symbols, rows)

    def test_is_empty_where_nothing_is_stored(self, tmp_path):
        assert self.history(tmp_path, self.need(5)) == []

    def test_gives_the_newest_rows_oldest_first(self, tmp_path):
        fill_store(tmp_path, (1, 2, 3, 4))
        fill_store(tmp_path, (9, 9), symbol="AAPL")
        found = self.history(tmp_path, self.need(3))
        assert [(past.symbol, past.bar[3]) for past in found] == [
            ("AAPL", 9.0),
            ("SPY", 2.0),
            ("SPY", 3.0),
            ("SPY", 4.0),
        ]
        assert found[0].available_at == minute(2)

    def test_gives_more_rows_when_asked_to(self, tmp_path):
        fill_store(tmp_path, range(1, 10))
        assert len(self.history(tmp_path, self.need(3), extra_rows=4)) == 7
        assert len(self.history(tmp_path, self.need(None))) == 9

    def test_goes_back_as_far_as_it_must_over_a_pause(self, tmp_path):
        fill_store(tmp_path, (1, 2, 3))
        later = [bar("SPY", minute(1) + timedelta(days=days), 9) for days in (50, 400)]
        BarStore(Home(tmp_path / "home")).append(later)
        assert [past.bar[3] for past in self.history(tmp_path, self.need(4))] == [2, 3, 9, 9]

    def test_gives_a_bar_once_though_two_needs_name_it(self, tmp_path):
        fill_store(tmp_path, (1, 2, 3))
        assert len(self.history(tmp_path, self.need(3), self.need(2, ("SPY",)))) == 3

    def test_a_broken_file_counts_as_missing(self, tmp_path):
        fill_store(tmp_path, (1, 2, 3))
        (file,) = (tmp_path / "home" / "bars").rglob("*.parquet")
        file.write_bytes(b"no parquet")
        assert self.history(tmp_path, self.need(3)) == []


def test_a_simulation_has_no_past(tmp_path):
    assert NoHistory().bars([Need(Timeframe.ONE_MINUTE, ("SPY",), 5)], 100) == []
