"""Real files of bars, or a generated one where there are none: every row is accounted for."""

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trimtab_common.timeframes import Timeframe
from trimtab_runtime.marketcolumns import MarketFileError
from trimtab_runtime.marketfile import MarketFile, read_bars
from trimtab_trading.generated import generated
from trimtab_trading.market import row_mark

pytestmark = pytest.mark.data


@pytest.fixture(scope="session")
def folder(market_data: Path | None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Market data as it lies about in the world, duplicates and gaps of numbers included."""
    if market_data is not None:
        return market_data
    folder = tmp_path_factory.mktemp("data")
    market = generated(
        seed=1, symbols=["SPY", "VEU"], calendar_name="XNYS", timeframe=Timeframe.ONE_MINUTE,
        start=date(2019, 12, 23), sessions=2, missing=0.05,
    )  # fmt: skip
    table = pa.table(
        {
            "symbol": [market.symbols[number] for number in market.symbol_index],
            "ts": pa.array(market.opened_at, pa.timestamp("us", "UTC")),
            **{name: getattr(market, name) for name in ("open", "high", "low", "close", "volume")},
        }
    )
    broken = table.slice(7, 2).set_column(2, "open", pa.array([None, None], pa.float64()))
    raw = pa.concat_tables([table.slice(10, 40), table, broken])
    pq.write_table(raw, folder / "us_1min_yahoo_2019_12_RAW_dups.parquet")
    pq.write_table(table.select(["symbol", "ts", "close"]), folder / "us_close.parquet")
    return folder


def readable(folder: Path) -> list[MarketFile]:
    files = []
    for path in sorted(folder.glob("*.parquet")):
        try:
            files.append(read_bars(path))
        except MarketFileError:
            continue
    return files


def test_every_row_is_kept_or_counted_and_every_bar_is_sound(folder):
    files = readable(folder)
    assert files
    for file in files:
        report = file.report
        assert report.rows_read == report.bars_kept + sum(report.dropped.values()), file.path
        market = file.market
        assert len(market) == report.bars_kept
        keys = np.stack([market.symbol_index, market.opened_at.astype(np.int64)])
        assert np.unique(keys, axis=1).shape[1] == len(market), file.path
        assert row_mark(market, 0).at == market.instant_of(0)


def test_an_uncleaned_file_loses_what_is_wrong_with_it(folder):
    file = read_bars(folder / "us_1min_yahoo_2019_12_RAW_dups.parquet")
    assert file.report.dropped["a price that is no number"] == 2
    assert file.report.dropped["the same bar again"] >= 40
    assert (file.market.symbols, file.market.timeframe, file.market.calendar) == (
        ("SPY", "VEU"), Timeframe.ONE_MINUTE, "XNYS"
    )  # fmt: skip


def test_a_panel_of_closing_prices_is_no_market(folder):
    path = sorted(folder.glob("us_close*"))[0]
    with pytest.raises(MarketFileError, match="closing prices only"):
        read_bars(path)
