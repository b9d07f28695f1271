"""The owner's strategies are found by their path, and every mistake is said with its place."""

from pathlib import Path

import numpy as np
import pytest

from tests.unit.trading.strategy_rows import walk
from trimtab_runtime.errors import ConfigError
from trimtab_runtime.strategies import read_slots, strategy_class
from trimtab_trading.causality import check
from trimtab_trading.strategies import MeanReversion

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "user_data" / "strategies" / "example.py"

MINE = """
from __future__ import annotations
from dataclasses import dataclass
import numpy as np

@dataclass(frozen=True)
class Mine:
    rows: int = 5
    warmup = 1

    def targets(self, panel):
        return np.zeros(panel.close.shape)
"""


def written(folder, text, name="mine.py"):
    file = folder / name
    file.write_text(text)
    return file


def test_a_built_in_is_found_by_its_name():
    assert strategy_class("mean_reversion") is MeanReversion


def test_a_class_is_found_by_the_path_of_its_file(tmp_path):
    found = strategy_class(f"{written(tmp_path, MINE)}:Mine")
    assert found(rows=7).rows == 7


def test_a_relative_path_begins_at_the_working_folder(tmp_path, monkeypatch):
    written(tmp_path, MINE)
    monkeypatch.chdir(tmp_path)
    assert strategy_class("mine.py:Mine").__name__ == "Mine"


def test_two_files_of_one_name_stay_apart(tmp_path):
    (tmp_path / "other").mkdir()
    one = strategy_class(f"{written(tmp_path, MINE)}:Mine")
    other = strategy_class(f"{written(tmp_path / 'other', MINE)}:Mine")
    assert one.__module__ != other.__module__


def test_a_file_is_read_anew_each_time(tmp_path):
    file = written(tmp_path, MINE)
    assert strategy_class(f"{file}:Mine")().rows == 5
    written(tmp_path, MINE.replace("rows: int = 5", "rows: int = 50_000"))
    assert strategy_class(f"{file}:Mine")().rows == 50_000


@pytest.mark.parametrize(
    ("uses", "complaint"),
    [
        ("mean_revertion", r"no built-in strategy 'mean_revertion' \(did you mean mean_reversion"),
        ("nothing_like_it", "there are buy_and_hold, fixed_weights, mean_reversion"),
        ("nowhere/mine.py:Mine", r"nowhere/mine.py is no file \(looked for /"),
    ],
)
def test_what_cannot_be_found_is_said_with_what_there_is(uses, complaint):
    with pytest.raises(ValueError, match=complaint):
        strategy_class(uses)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (MINE.replace("Mine", "Other"), "mine.py has no class Mine; it has Other"),
        ("x = 1", "has no class Mine; it has none at all"),
        ("x = 1\ndef broken(:\n", "mine.py, line 2: SyntaxError: "),
        ("x = 1\n\ny = x / 0\n", "mine.py, line 3: ZeroDivisionError: division by zero"),
        ("import no_such_library", "line 1: ModuleNotFoundError: No module named"),
        ("Mine = 3", "has no class Mine"),
    ],
)
def test_a_file_that_fails_is_said_with_its_line(tmp_path, text, complaint):
    with pytest.raises(ValueError, match=complaint):
        strategy_class(f"{written(tmp_path, text)}:Mine")


def test_the_example_runs_and_knows_no_future():
    example = strategy_class(f"{EXAMPLE}:AboveAverage")(rows=20)
    panel = walk(200, 3, missing=0.1)
    assert check(example, panel, cuts=20, generator=np.random.default_rng(1)) == []


class TestTheShippedConfiguration:
    def test_reads_into_slots_that_leave_cash(self, monkeypatch):
        monkeypatch.chdir(ROOT)
        slots = read_slots(ROOT / "config")
        assert [slot.name for slot in slots] == ["mean-reversion", "momentum", "allocation"]
        assert all(slot.rows for slot in slots)
        assert float(sum(slot.share for slot in slots)) <= 0.95

    def test_shows_strategies_that_would_run_too(self, tmp_path, monkeypatch):
        monkeypatch.chdir(ROOT)
        text = (ROOT / "config" / "strategies.yaml").read_text()
        everything = text.replace("enabled: false", "enabled: true").replace(
            "share: 0.", "share: 0.0"
        )
        written(tmp_path, everything, "strategies.yaml")
        written(tmp_path, (ROOT / "config" / "universe.yaml").read_text(), "universe.yaml")
        names = {slot.name for slot in read_slots(tmp_path)}
        assert names == {"mean-reversion", "momentum", "allocation", "daily-momentum", "example"}


UNIVERSE = """
groups:
  - {name: g, calendar: XNYS, timeframes: [1m], symbols: [SPY], feed: simulated}
"""
STRATEGIES = """
strategies:
  - {name: s, uses: USES, enabled: ENABLED, share: 0.5, symbols: SYMBOLS, timeframe: native}
"""


def configured(folder, *, uses="buy_and_hold", enabled="true", symbols="all"):
    text = STRATEGIES.replace("USES", uses).replace("ENABLED", enabled)
    written(folder, text.replace("SYMBOLS", symbols), "strategies.yaml")
    written(folder, UNIVERSE, "universe.yaml")
    return folder


def test_what_is_disabled_is_not_even_looked_for(tmp_path):
    assert read_slots(configured(tmp_path, uses="gone", enabled="false")) == ()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"uses": "gone"}, r"strategies.yaml: strategies: strategy s: there is no built-in"),
        ({"symbols": "[TLT]"}, "strategy s: TLT is in no group of the universe"),
        ({"symbols": "every"}, r"strategies\[0\].symbols: expected a list; found 'every'"),
        ({"symbols": "[spy]"}, r"symbols\[0\]: expected a symbol such as AAPL"),
    ],
)
def test_a_mistake_in_the_files_is_said_with_its_place(tmp_path, changes, complaint):
    with pytest.raises(ConfigError, match=complaint):
        read_slots(configured(tmp_path, **changes))
