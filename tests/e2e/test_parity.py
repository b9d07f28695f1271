"""The promise: the live rooms decide what a backtest decides, event for event."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SECONDS_MAX = 300


def parity(tmp_path: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Exit code and the JSON on the last line."""
    command = [sys.executable, "-m", "trimtab", "parity", "--json", *options]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
    )
    assert done.stdout, done.stderr[-2_000:]
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def data(market_data: Path | None, name: str) -> str:
    if market_data is None:
        pytest.skip("TRIMTAB_TEST_DATA names no folder of real market data")
    return str(market_data / name)


@pytest.mark.e2e
@pytest.mark.redis
@pytest.mark.timeout(SECONDS_MAX)
def test_on_a_generated_market_with_rooms_killed_on_the_way(tmp_path: Path) -> None:
    code, found = parity(tmp_path, "--rows", "300", "--kills", "2", "--seed", "3")
    assert found["differences"] == 0, found["first_differences"]
    assert code == 0
    assert found["signals"] > 0
    assert found["fills"] > 0
    assert len(found["killed"]) == 2


@pytest.mark.e2e
@pytest.mark.redis
@pytest.mark.data
@pytest.mark.timeout(SECONDS_MAX)
@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("us_1min_yahoo_2019_12.parquet", "780"),  # two sessions
        ("crypto_1min_bitfinex_2019h1.parquet", "400"),
        ("us_daily_adj_stooq_2000_2017.parquet", "160"),
    ],
)
def test_on_real_markets(tmp_path: Path, market_data: Path | None, name: str, rows: str) -> None:
    options = ["--data", data(market_data, name), "--rows", rows, "--kills", "1"]
    code, found = parity(tmp_path, *options)
    assert found["differences"] == 0, found["first_differences"]
    assert code == 0
    assert found["orders"] > 0


@pytest.mark.e2e
@pytest.mark.redis
@pytest.mark.timeout(SECONDS_MAX)
def test_a_change_that_only_the_rooms_see_is_found(tmp_path: Path) -> None:
    changed = shutil.copytree(ROOT / "config", tmp_path / "config")
    strategies = changed / "strategies.yaml"
    text = strategies.read_text(encoding="utf-8")
    assert "entry_zscore: 2.0" in text
    strategies.write_text(text.replace("entry_zscore: 2.0", "entry_zscore: 1.9"), encoding="utf-8")
    options = ["--rows", "150", "--kills", "0", "--live-config", str(changed)]
    code, found = parity(tmp_path, *options)
    assert code == 1
    assert found["differences"] > 0
    assert found["first_differences"][0]["family"] == "signals"


@pytest.mark.e2e
@pytest.mark.redis
@pytest.mark.timeout(SECONDS_MAX)
def test_with_strategies_on_several_timeframes_at_once(tmp_path: Path) -> None:
    config = shutil.copytree(ROOT / "config", tmp_path / "config")
    strategies = config / "strategies.yaml"
    text = strategies.read_text(encoding="utf-8")
    assert text.count("timeframe: native") == 3
    for timeframe in ("15m", "5m"):
        text = text.replace("timeframe: native", f"timeframe: {timeframe}", 1)
    shorter = text.replace("lookback_rows: 60", "lookback_rows: 12")
    strategies.write_text(shorter.replace("lookback_rows: 120", "lookback_rows: 40"))
    options = ["--config", str(config), "--rows", "350", "--kills", "1", "--seed", "5"]
    code, found = parity(tmp_path, *options)
    assert found["differences"] == 0, found["first_differences"]
    assert code == 0
    assert found["signals"] > 0


@pytest.mark.long
@pytest.mark.e2e
@pytest.mark.redis
@pytest.mark.data
@pytest.mark.timeout(3 * SECONDS_MAX)
@pytest.mark.parametrize("seed", range(10, 20))
@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("us_1min_yahoo_2019_12.parquet", "780"),
        ("crypto_1min_bitfinex_2019h1.parquet", "1500"),
        ("us_daily_adj_stooq_2000_2017.parquet", "400"),
    ],
)
def test_ten_times_in_a_row(
    tmp_path: Path, market_data: Path | None, name: str, rows: str, seed: int
) -> None:
    options = ["--data", data(market_data, name), "--rows", rows, "--kills", "3"]
    code, found = parity(tmp_path, *options, "--seed", str(seed))
    assert found["differences"] == 0, found["first_differences"]
    assert code == 0
    assert len(found["killed"]) == 3
