"""Files of bars, in every spelling owners have, become markets or are refused with the reason."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trimtab_common.timeframes import Timeframe
from trimtab_runtime.marketcolumns import MarketFileError
from trimtab_runtime.marketfile import MarketFile, read_bars

HEADER = "symbol,ts,open,high,low,close,volume\n"
WEDNESDAY = datetime(2024, 1, 3, tzinfo=UTC)
DAYS = "AAPL,2024-01-03,10,12,9,11,5\nAAPL,2024-01-04,10,12,9,11,5\n"


def read(folder: Path, text: str, name: str = "bars.csv", **options: Any) -> MarketFile:
    (folder / name).write_text(text, encoding="utf-8")
    return read_bars(folder / name, **options)


def refusal(folder: Path, text: str, **options: Any) -> str:
    with pytest.raises(MarketFileError) as refused:
        read(folder, text, **options)
    return str(refused.value)


def opened(file: MarketFile) -> list[str]:
    return [at.isoformat() for at in file.market.opened_at.tolist()]


@pytest.mark.parametrize(
    "text",
    [
        HEADER + DAYS,
        "﻿" + HEADER + DAYS,
        (HEADER + DAYS).replace(",", ";"),
        (HEADER + DAYS).replace(",", "\t").replace("\n", "\r\n"),
        "Symbol,Date,Open,High,Low,Close,Adj Close,Volume\n"
        "AAPL,2024-01-03,10,12,9,11,1,5\nAAPL,2024-01-04,10,12,9,11,1,5\n",
        "volume,close,low,high,open,timestamp,ticker\n"
        "5,11,9,12,10,1704240000,AAPL\n5,11,9,12,10,1704326400,AAPL\n",
        (HEADER + DAYS)
        .replace("2024-01-03", "1704240000000")
        .replace("2024-01-04", "1704326400000"),
        (HEADER + DAYS).replace("-03", "-03 05:00:00+00:00").replace("-04", "-04T00:00:00-05:00"),
        HEADER + DAYS[::-1].strip()[::-1] + "\nAAPL,2024-01-03,10,12,9,11,5\n",
    ],
)
def test_the_spelling_of_a_file_does_not_matter(tmp_path, text):
    file = read(tmp_path, text)
    market = file.market
    assert (market.symbols, market.calendar, market.timeframe) == (("AAPL",), "XNYS", "1d")
    assert opened(file) == ["2024-01-03T14:30:00", "2024-01-04T14:30:00"]
    assert str(market.available_at[0]) == "2024-01-03T21:00:00.000000"
    assert [market.open[0], market.high[0], market.low[0], market.close[0]] == [10, 12, 9, 11]
    assert market.feed == "simulated"


def test_compressed_text_and_parquet_are_read_too(tmp_path):
    packed = tmp_path / "bars.csv.gz"
    packed.write_bytes(gzip.compress((HEADER + DAYS).encode()))
    stamps = pa.array([WEDNESDAY, WEDNESDAY + timedelta(days=1)], pa.timestamp("ms", "UTC"))
    amounts = {name: [10.0, 10.0] for name in ("open", "high", "low", "close")}
    table = pa.table({"symbol": ["AAPL"] * 2, "ts": stamps, **amounts, "other": ["x", "y"]})
    pq.write_table(table, tmp_path / "bars.parquet")
    first, second = read_bars(packed), read_bars(tmp_path / "bars.parquet")
    assert opened(first) == opened(second)
    assert second.market.volume.tolist() == [0, 0]
    assert second.report.notes == ("there is no volume; it counts as 0",)


def test_a_file_without_symbols_can_be_told_its_symbol(tmp_path):
    text = "Date,Open,High,Low,Close\n2024-01-03,1,1,1,1\n2024-01-04,1,1,1,1\n"
    assert read(tmp_path, text, symbol="BRK-B").market.symbols == ("BRK.B",)
    assert "no column symbol" in refusal(tmp_path, text)


def test_every_impossible_row_is_left_out_and_counted_by_its_rule(tmp_path):
    rows = ["10,12,9,11,5", "nan,12,9,11,5", ",12,9,11,5", "1e400,12,9,11,5", "-10,12,9,11,5",
            "0,12,9,11,5", "10,8,9,10,5", "13,12,9,11,5", "10,12,9,8,5", "10,12,9,11,-1",
            "10,12,9,11,1e18", "10,12,9,11,", "1e16,2e16,9,11,1"]  # fmt: skip
    days = [f"2024-01-{day:02}" for day in (2, 3, 4, 5, 8, 9, 10, 11, 12, 16, 17, 18, 19)]
    text = HEADER + "".join(f"AAPL,{day},{row}\n" for day, row in zip(days, rows, strict=True))
    file = read(tmp_path, text)
    assert file.report.dropped == {
        "a price that is no number": 3,
        "a price of 0 or less": 2,
        "a price beyond reason": 1,
        "high below low": 1,
        "open outside high and low": 1,
        "close outside high and low": 1,
        "a negative volume": 1,
        "a volume beyond reason": 1,
    }
    assert (file.report.rows_read, file.report.bars_kept) == (13, 2)
    assert file.market.volume.tolist() == [5, 0]


def test_of_two_rows_for_one_bar_the_later_one_in_the_file_stays(tmp_path):
    file = read(tmp_path, HEADER + DAYS + "AAPL,2024-01-03,10,12,9,10.5,5\n")
    assert file.market.close.tolist() == [10.5, 11]
    assert file.report.dropped == {"the same bar again": 1}


def test_only_regular_hours_are_kept_of_stocks(tmp_path):
    minutes = ["14:28", "14:29", "14:30", "14:31", "20:59", "21:00", "23:59"]
    text = HEADER + "".join(f"AAPL,2024-01-03T{at}:00Z,1,1,1,1,1\n" for at in minutes)
    file = read(tmp_path, text + "AAPL,2024-01-06T15:00:00Z,1,1,1,1,1\n")
    assert [at[11:16] for at in opened(file)] == ["14:30", "14:31", "20:59"]
    assert file.report.dropped == {"outside the sessions": 5}


def test_a_bar_that_begins_nowhere_is_left_out(tmp_path):
    stamps = ["14:30:00", "14:31:00", "14:32:00", "14:32:30"]
    text = HEADER + "".join(f"AAPL,2024-01-03T{at}Z,1,1,1,1,1\n" for at in stamps)
    file = read(tmp_path, text)
    assert file.report.dropped == {"not where a bar begins": 1}


@pytest.mark.parametrize(
    ("spelling", "symbol"),
    [("BTCUSD", "BTC/USD"), ("BTC/USD", "BTC/USD"), ("BTC-USD", "BTC/USD"), ("ADABTC", "ADA/BTC")],
)
def test_pairs_trade_around_the_clock(tmp_path, spelling, symbol):
    text = HEADER + "".join(f"{spelling},2024-01-0{day},1,1,1,1,1\n" for day in range(1, 9))
    market = read(tmp_path, text).market
    assert (market.symbols, market.calendar) == ((symbol,), "24/7")
    assert len(market) == 8
    assert str(market.available_at[0]) == "2024-01-02T00:00:00.000000"


def test_a_stray_weekend_row_does_not_make_a_stock_a_pair(tmp_path):
    file = read(tmp_path, HEADER + DAYS + "AAPL,2024-01-06,10,12,9,11,5\n")
    assert (file.market.calendar, file.report.dropped) == ("XNYS", {"outside the sessions": 1})


def test_names_that_are_no_symbols_can_be_replaced(tmp_path):
    text = HEADER + DAYS + DAYS.replace("AAPL", "SP500_ARCH")
    file = read(tmp_path, text)
    assert file.market.symbols == ("AAPL",)
    assert file.report.dropped == {"no known symbol": 2}
    assert "SP500_ARCH" in file.report.notes[-1]
    renamed = read(tmp_path, text, rename={"SP500_ARCH": "SPX"})
    assert renamed.market.symbols == ("AAPL", "SPX")


def test_the_usual_distance_of_stamps_is_the_timeframe(tmp_path):
    hours = [0, 1, 2, 3, 7, 8]
    text = HEADER + "".join(f"BTC/USD,2024-01-01T{hour:02}:00Z,1,1,1,1,1\n" for hour in hours)
    assert read(tmp_path, text).market.timeframe is Timeframe.ONE_HOUR


def test_one_bar_has_no_timeframe_unless_it_is_told(tmp_path):
    one = HEADER + "AAPL,2024-01-03,10,12,9,11,5\n"
    assert "say which timeframe" in refusal(tmp_path, one)
    assert len(read(tmp_path, one, timeframe=Timeframe.ONE_DAY).market) == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "cannot be read"),
        (HEADER, "has no rows"),
        ("symbol,ts,close\nAAPL,2024-01-03,1\n", "closing prices only: an order fills at"),
        ("symbol,open,high,low,close\nAAPL,1,1,1,1\n", "no column ts"),
        (HEADER.replace("volume", "Open") + DAYS, "'open' stands there twice"),
        (HEADER + 'AAPL,2024-01-03,"1,000.5",12,9,11,5\n', "1,000.5"),
        (HEADER + "AAPL,03/01/2024,1,1,1,1,1\n", "found '03/01/2024'"),
        (HEADER + "AAPL,2024-01-03T15:00Z,1,1,1,1,1\nAAPL,2024-01-03T16:00,1,1,1,1,1\n",
         "some with an offset from UTC and some without"),
        (HEADER + DAYS.replace("AAPL", "aapl"), "no symbols of XNYS: aapl"),
        (HEADER + "AAPL,2024-01-01,1,1,1,1,1\nAAPL,2024-02-01,1,1,1,1,1\n", "no timeframe lasts"),
        (HEADER + DAYS.replace("2024", "1950"), "2 rows with outside the sessions"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_the_reason(tmp_path, text, complaint):
    message = refusal(tmp_path, text)
    assert complaint in message
    assert "bars.csv" in message


def test_other_kinds_of_files_are_refused(tmp_path):
    assert "told by its name" in refusal(tmp_path, HEADER, name="bars.json")
    with pytest.raises(MarketFileError, match="there is no file"):
        read_bars(tmp_path / "none.csv")
    (tmp_path / "bars.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(MarketFileError, match="cannot be read"):
        read_bars(tmp_path / "bars.parquet")
    (tmp_path / "bars.csv").write_bytes("symbol,ts".encode("utf-16"))
    with pytest.raises(MarketFileError, match="not text in UTF-8"):
        read_bars(tmp_path / "bars.csv")


def week(folder: Path, **options: Any) -> MarketFile:
    text = HEADER + "".join(
        f"{symbol},2024-01-0{day},1,1,1,1,{day}\n"
        for symbol in ("MSFT", "AAPL")
        for day in range(2, 6)
    )
    return read(folder, text, **options)


def test_bars_stand_in_order_of_time_and_symbol(tmp_path):
    market = week(tmp_path).market
    assert market.symbols == ("AAPL", "MSFT")
    assert market.symbol_index.tolist() == [0, 1] * 4
    assert market.volume.tolist() == [2, 2, 3, 3, 4, 4, 5, 5]


def test_a_part_of_a_file_can_be_taken(tmp_path):
    part = week(tmp_path, symbols=["MSFT"]).market
    assert (part.symbols, len(part)) == (("MSFT",), 4)
    assert week(tmp_path, rows=2).market.volume.tolist() == [2, 2, 3, 3]
    assert len(week(tmp_path, rows=99).market) == 8
    start, end = datetime(2024, 1, 3, tzinfo=UTC), datetime(2024, 1, 4, 21, tzinfo=UTC)
    assert week(tmp_path, start=start, end=end).market.volume.tolist() == [3, 3, 4, 4]
    assert week(tmp_path, start=start, rows=1).market.volume.tolist() == [3, 3]


def test_a_cut_that_leaves_nothing_is_refused(tmp_path):
    with pytest.raises(MarketFileError, match=r"no bars of TSLA; it has AAPL, MSFT"):
        week(tmp_path, symbols=["TSLA"])
    with pytest.raises(MarketFileError, match="nothing is left"):
        week(tmp_path, start=datetime(2025, 1, 1, tzinfo=UTC))
    with pytest.raises(MarketFileError, match="has no time zone"):
        week(tmp_path, start=WEDNESDAY.replace(tzinfo=None))
