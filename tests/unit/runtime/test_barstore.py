"""The bar store: each bar once, the newest revision, and no reader sees half a file."""

import stat
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trimtab_common.events import BarClosed, bar_id
from trimtab_common.timeframes import Timeframe
from trimtab_runtime.barstore import BarStore
from trimtab_runtime.home import Home

MINUTE, HOUR, DAY = Timeframe.ONE_MINUTE, Timeframe.ONE_HOUR, Timeframe.ONE_DAY
NOON = datetime(2024, 1, 31, 12, 0, tzinfo=UTC)


def bar(symbol: str = "AAPL", minutes: int = 0, **fields: Any) -> BarClosed:
    timeframe = fields.pop("timeframe", MINUTE)
    opened_at = NOON + timedelta(minutes=minutes)
    close = Decimal(fields.pop("close", "10.5"))
    fields = dict[str, Any](feed="iex", revision=0, late=False) | fields
    return BarClosed(
        id=bar_id(fields["feed"], symbol, timeframe, opened_at, fields["revision"]),
        at=opened_at + timeframe.duration, symbol=symbol, timeframe=timeframe,
        opened_at=opened_at, open=Decimal(10), high=Decimal(20), low=Decimal(1), close=close,
        volume=Decimal("3.25"), **fields,
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> BarStore:
    return BarStore(Home(tmp_path))


def closes(
    store: BarStore, *symbols: str, timeframe: Timeframe = MINUTE, **span: Any
) -> list[float]:
    found: list[float] = store.read(symbols or ("AAPL",), timeframe, **span).amounts[3].tolist()
    return found


def test_bars_come_back_in_order_of_time_and_symbol(store):
    assert store.append([bar("MSFT", 1), bar("AAPL", 1), bar("BTC/USD", 0), bar("AAPL", 0)]) == 4
    found = store.read(("MSFT", "BTC/USD", "AAPL"), MINUTE)
    symbols = [found.symbols[number] for number in found.symbol_index]
    assert symbols == ["AAPL", "BTC/USD", "AAPL", "MSFT"]
    assert found.opened_at.tolist()[0] == NOON.replace(tzinfo=None)
    assert found.available_at.tolist()[-1] == (NOON + timedelta(minutes=2)).replace(tzinfo=None)
    assert found.amounts[:, 0].tolist() == [10, 20, 1, 10.5, 3.25]


def test_storing_a_bar_again_changes_nothing(store, tmp_path):
    store.append([bar(), bar(minutes=1)])
    before = {path: path.stat().st_ino for path in tmp_path.rglob("*.parquet")}
    assert store.append([bar(), bar(close="11")]) == 0
    assert {path: path.stat().st_ino for path in tmp_path.rglob("*.parquet")} == before
    assert closes(store) == [10.5, 10.5]


def test_the_newest_revision_of_a_bar_holds_in_whatever_order_they_came(store):
    store.append([bar(revision=2, close="12"), bar(revision=1, close="11")])
    store.append([bar(revision=0)])
    assert closes(store) == [12]


def test_feeds_are_kept_apart(store):
    store.append([bar(feed="sip", close="12"), bar(feed="iex", revision=1, close="11")])
    assert closes(store) == [12]
    assert closes(store, feed="iex") == [11]
    assert closes(store, feed="crypto") == []


def test_a_span_is_cut_by_when_bars_became_available(store):
    store.append([bar(minutes=minute, close=str(minute + 1)) for minute in range(5)])
    start, end = NOON + timedelta(minutes=2), NOON + timedelta(minutes=4)
    assert closes(store, start=start, end=end) == [2, 3, 4]
    assert closes(store, start=end) == [4, 5]
    assert closes(store, end=start) == [1, 2]


def test_a_span_reaches_over_files(store):
    day = 24 * 60
    store.append([bar(minutes=-day, close="1"), bar(close="2"), bar(minutes=day, close="3")])
    assert closes(store) == [1, 2, 3]
    assert closes(store, start=NOON, end=NOON + timedelta(days=1)) == [2]


def test_timeframes_are_kept_apart(store):
    store.append([bar(close="1"), bar(timeframe=HOUR, close="2"), bar(timeframe=DAY, close="3")])
    found = [closes(store, timeframe=timeframe) for timeframe in (MINUTE, HOUR, DAY)]
    assert found == [[1], [2], [3]]


def test_a_late_bar_stays_marked(store):
    store.append([bar(late=True), bar(minutes=1)])
    assert store.read(("AAPL",), MINUTE).late.tolist() == [True, False]


def test_what_is_not_there_is_empty(store):
    assert len(store.read((), MINUTE)) == 0
    empty = store.read(("AAPL",), MINUTE)
    assert (len(empty), empty.amounts.shape, empty.opened_at.dtype) == (
        0, (5, 0), np.dtype("datetime64[us]")
    )  # fmt: skip
    assert store.latest("AAPL", MINUTE) is None


def test_the_newest_bar_is_known(store):
    store.append([bar(minutes=3), bar(minutes=-3000), bar("MSFT", 9)])
    assert store.latest("AAPL", MINUTE) == NOON + timedelta(minutes=3)


def test_days_are_joined_into_months_that_are_over(store, tmp_path):
    day = 24 * 60
    store.append([bar(minutes=-day, close="1"), bar(close="2"), bar(minutes=day, close="3")])
    assert store.compact(MINUTE, before=date(2024, 2, 15)) == 1
    names = sorted(path.name for path in tmp_path.rglob("*.parquet"))
    assert names == ["2024-01.parquet", "2024-02-01.parquet"]
    assert closes(store) == [1, 2, 3]
    assert closes(store, start=NOON - timedelta(hours=1), end=NOON + timedelta(hours=1)) == [2]
    assert store.latest("AAPL", MINUTE) == NOON + timedelta(days=1)


def test_a_bar_that_comes_after_its_month_was_joined_is_found_too(store):
    store.append([bar(close="1")])
    store.compact(MINUTE, before=date(2024, 3, 1))
    store.append([bar(minutes=1, close="2")])
    assert closes(store) == [1, 2]
    assert store.latest("AAPL", MINUTE) == NOON + timedelta(minutes=1)
    store.compact(MINUTE, before=date(2024, 3, 1))
    assert closes(store) == [1, 2]


def test_a_broken_file_is_put_aside_and_its_bars_can_be_stored_again(store, tmp_path):
    store.append([bar()])
    (file,) = tmp_path.rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:-20])
    assert closes(store) == []
    assert [path.suffix for path in file.parent.iterdir()] == [".broken"]
    assert store.append([bar()]) == 1
    assert closes(store) == [10.5]


def test_files_belong_to_their_owner_alone(store, tmp_path):
    store.append([bar("BTC/USD")])
    (file,) = tmp_path.rglob("*.parquet")
    assert file.relative_to(tmp_path).as_posix() == "bars/1m/BTC_USD/2024-01-31.parquet"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_the_newest_bar_up_to_an_instant_is_found_whatever_its_timeframe(store):
    hour = bar(timeframe=HOUR, close="11.5")
    first, second = bar(minutes=0, close="10.1"), bar(minutes=1)
    corrected = bar(minutes=1, close="10.7", revision=1)
    store.append([first, hour, corrected, second, bar("MSFT", 5)])
    assert store.newest("AAPL", first.at) == first
    assert store.newest("AAPL", first.at + timedelta(minutes=30)) == corrected
    assert store.newest("AAPL", hour.at) == hour
    assert store.newest("AAPL", NOON) is None
    assert store.newest("TSLA", hour.at) is None
