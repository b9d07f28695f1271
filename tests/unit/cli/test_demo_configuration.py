"""The owner's configuration fitted to another market: nothing is lost without a word."""

import pytest

from trimtab.demo.configuration import write_configuration
from trimtab.failure import Failure
from trimtab.setup import shipped_config
from trimtab_common.calendars import CalendarName
from trimtab_common.timeframes import Timeframe
from trimtab_runtime.config import load
from trimtab_runtime.strategies import read_slots
from trimtab_trading.config import Universe

STRATEGIES = """\
strategies:
  - {{name: fits, uses: fixed_weights, enabled: true, share: 0.5, symbols: all, timeframe: native}}
  - {{name: other, uses: {uses}, enabled: true, share: 0.4, symbols: {symbols}, timeframe: {frame}}}
"""


@pytest.fixture
def write(tmp_path):
    """Write the configuration for a market; returns its folder and what was left out."""

    def for_market(owners=None, *, symbols=("AAPL", "SPY"), calendar="XNYS", timeframe="1m"):
        folder = tmp_path / "written"
        folder.mkdir()
        notes = write_configuration(
            owners or shipped_config(),
            folder,
            symbols=symbols,
            calendar=CalendarName(calendar),
            timeframe=Timeframe(timeframe),
        )
        return folder, notes

    return for_market


@pytest.fixture
def owners(tmp_path):
    """A folder of the owner's with one strategy that fits any market and another one."""

    def folder(*, uses="buy_and_hold", symbols="[SPY]", frame="native"):
        owned = tmp_path / "owned"
        owned.mkdir()
        for source in shipped_config().glob("*.yaml"):
            (owned / source.name).write_bytes(source.read_bytes())
        text = STRATEGIES.format(uses=uses, symbols=symbols, frame=frame)
        (owned / "strategies.yaml").write_text(text)
        return owned

    return folder


@pytest.mark.parametrize(
    ("symbols", "calendar", "timeframe"),
    [
        (("AAPL", "SPY"), "XNYS", "1m"),
        (("AAPL", "SPY"), "XNYS", "1d"),
        (("BTC/USD", "ETH/USD"), "24/7", "1h"),
        (("BTC/USD",), "24/7", "1m"),
    ],
)
def test_the_shipped_strategies_run_on_any_market(write, symbols, calendar, timeframe):
    folder, notes = write(symbols=symbols, calendar=calendar, timeframe=timeframe)
    assert notes == []
    slots = read_slots(folder)
    assert slots
    assert all(slot.symbols == symbols for slot in slots)
    assert {source.name for source in folder.iterdir()} == {
        source.name for source in shipped_config().glob("*.yaml")
    }


def test_the_universe_is_what_the_market_has(write):
    folder, _ = write(symbols=("MSFT", "NVDA"))
    assert load(folder / "universe.yaml", Universe).symbols == ("MSFT", "NVDA")


def test_a_strategy_for_other_symbols_is_left_out_and_named(write, owners):
    folder, notes = write(owners(symbols="[QQQ]"))
    assert [slot.name for slot in read_slots(folder)] == ["fits"]
    assert "other" in notes[0]
    assert "QQQ" in notes[0]


def test_a_strategy_for_finer_bars_is_left_out_and_named(write, owners):
    _, notes = write(owners(frame="1m"), timeframe="1h")
    assert "1m" in notes[0]
    assert "other" in notes[0]


def test_coarser_bars_that_a_strategy_wants_are_collected_too(write, owners):
    folder, notes = write(owners(frame="1h"))
    assert notes == []
    (group,) = load(folder / "universe.yaml", Universe).groups
    assert group.timeframes == (Timeframe.ONE_MINUTE, Timeframe.ONE_HOUR)


def test_a_strategy_of_the_owners_is_found_from_another_folder(
    write, owners, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "class Mine:\n    warmup = 1\n    def targets(self, panel):\n        return panel.close\n"
    )
    folder, _ = write(owners(uses="mine.py:Mine"))
    monkeypatch.chdir(folder)
    assert [slot.name for slot in read_slots(folder)] == ["fits", "other"]


def test_without_any_strategy_that_fits_there_is_no_demo(write, owners):
    folder = owners(symbols="[QQQ]")
    text = (folder / "strategies.yaml").read_text().replace("enabled: true", "enabled: false", 1)
    (folder / "strategies.yaml").write_text(text)
    with pytest.raises(Failure, match="No enabled strategy"):
        write(folder)
