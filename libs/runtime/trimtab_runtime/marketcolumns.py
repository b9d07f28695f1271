"""Reads the columns of a Parquet or CSV file of bars as they are, whatever their spelling."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Times = NDArray[np.datetime64]

PRICES = ("open", "high", "low", "close")
TIME_NAMES = ("ts", "timestamp", "datetime", "date", "time", "opened_at")
SYMBOL_NAMES = ("symbol", "ticker")
PARQUET_ENDINGS = (".parquet", ".pq")
CSV_ENDINGS = (".csv", ".csv.gz", ".txt")
SEPARATORS = ",;\t|"
NOT_A_VALUE = ["", "nan", "NaN", "NAN", "null", "NULL", "None", "n/a", "N/A", "-"]
HEADER_BYTES_MAX = 65_536
# An epoch counts seconds, or thousandths of them, and so on; the sizes of today's tell which.
EPOCH_UNITS = ((10**11, "s"), (10**14, "ms"), (10**17, "us"), (10**20, "ns"))


class MarketFileError(ValueError):
    """A file that cannot be read as bars; the text says why and what to do."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Columns:
    """A file's rows in its own order. Missing numbers are NaN, missing times NaT."""

    names: tuple[str, ...]
    """The symbols as the file spells them."""
    name_index: NDArray[np.int32]
    """Which of the names; -1 where the file has none."""
    stamps: Times
    """datetime64[us] in UTC."""
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    notes: tuple[str, ...]
    """What had to be assumed."""

    def __len__(self) -> int:
        return len(self.stamps)


def read_columns(path: Path, symbol: str | None) -> Columns:
    """Read a file; `symbol` names the bars of a file that has no such column itself."""
    table = _table(path)
    places = _places(path, table.column_names, symbol)
    notes: list[str] = []
    numbers = {name: _floats(table.column(places[name])) for name in PRICES}
    if "volume" in places:
        volume = _floats(table.column(places["volume"]))
    else:
        volume = np.zeros(table.num_rows)
        notes.append("there is no volume; it counts as 0")
    if "symbol" in places:
        names, name_index = _names(table.column(places["symbol"]))
    else:
        names, name_index = (str(symbol),), np.zeros(table.num_rows, dtype=np.int32)
    return Columns(
        names=names,
        name_index=name_index,
        stamps=_times(path, table.column(places["ts"]), notes),
        volume=volume,
        notes=tuple(notes),
        **numbers,
    )


def _places(path: Path, found: list[str], symbol: str | None) -> dict[str, str]:
    """Which column holds what; spelling and order do not matter, other columns are left alone."""
    by_name: dict[str, str] = {}
    for column in found:
        name = column.strip().lower()
        if name in by_name:
            raise MarketFileError(f"{path}: the column {name!r} stands there twice")
        by_name[name] = column
    places = {name: by_name[name] for name in (*PRICES, "volume") if name in by_name}
    for meaning, spellings in (("ts", TIME_NAMES), ("symbol", SYMBOL_NAMES)):
        spelling = next((spelling for spelling in spellings if spelling in by_name), None)
        if spelling is not None:
            places[meaning] = by_name[spelling]
    missing = [name for name in ("ts", *PRICES) if name not in places]
    if missing and "close" in places and "open" in missing:
        raise MarketFileError(
            f"{path} has closing prices only: an order fills at a bar's open, so bars need the "
            f"columns open, high, low and close; it has {', '.join(found)}"
        )
    if "symbol" not in places and symbol is None:
        missing.append("symbol")
    if missing:
        raise MarketFileError(
            f"{path} has no column {', '.join(missing)}; bars need ts (the bar's open, in UTC), "
            f"symbol, open, high, low, close; it has {', '.join(found)}"
        )
    return places


def _table(path: Path) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - 40 MB that only readers of files should pay for

    if not path.is_file():
        raise MarketFileError(f"there is no file {path}")
    try:
        if path.name.lower().endswith(PARQUET_ENDINGS):
            return _parquet(path)
        if path.name.lower().endswith(CSV_ENDINGS):
            return _csv(path)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OSError) as error:
        raise MarketFileError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
    raise MarketFileError(
        f"{path}: the kind of file is told by its name; it ends in "
        f"{' or '.join((*PARQUET_ENDINGS, *CSV_ENDINGS))}"
    )


def _parquet(path: Path) -> Any:
    import pyarrow.parquet as pq  # noqa: PLC0415

    known = {*PRICES, "volume", *TIME_NAMES, *SYMBOL_NAMES}
    every = pq.read_schema(path).names
    wanted = [name for name in every if name.strip().lower() in known]
    # Where something is missing the complaint should name all that is there.
    return pq.read_table(path, columns=wanted if len(wanted) > len(PRICES) else every)


def _csv(path: Path) -> Any:
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import csv  # noqa: PLC0415

    with pa.input_stream(str(path), compression="detect") as stream:
        start = stream.read(HEADER_BYTES_MAX)
    try:
        header = start.decode("utf-8-sig", "strict" if len(start) < HEADER_BYTES_MAX else "ignore")
    except UnicodeDecodeError:
        raise MarketFileError(f"{path} is not text in UTF-8") from None
    first = header.split("\n", 1)[0].rstrip("\r")
    separator = max(SEPARATORS, key=first.count)
    kinds = {
        column.strip('"'): pa.float64()
        if column.strip().strip('"').lower() in (*PRICES, "volume")
        else pa.string()
        for column in first.split(separator)
    }
    with pa.input_stream(str(path), compression="detect") as stream:
        return csv.read_csv(
            stream,
            parse_options=csv.ParseOptions(delimiter=separator),
            convert_options=csv.ConvertOptions(column_types=kinds, null_values=NOT_A_VALUE),
        )


def _floats(column: Any) -> Floats:
    import pyarrow as pa  # noqa: PLC0415

    values: Floats = column.cast(pa.float64()).to_numpy()
    return values


def _names(column: Any) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    import pyarrow as pa  # noqa: PLC0415

    encoded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    index = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return tuple(encoded.dictionary.to_pylist()), index


def _times(path: Path, column: Any, notes: list[str]) -> Times:
    import pyarrow as pa  # noqa: PLC0415

    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = _times_in_text(path, column)
        kind = column.type
    if pa.types.is_integer(kind):
        return _times_in_numbers(path, column.cast(pa.int64()).to_numpy())
    if pa.types.is_timestamp(kind) and kind.tz is None:
        notes.append("times without a zone are taken as UTC")
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        raise MarketFileError(f"{path}: the column of times holds {kind}")
    utc = column.cast(pa.timestamp("us", getattr(kind, "tz", None)), safe=False)
    times: Times = utc.to_numpy().astype("datetime64[us]")
    return times


def _times_in_text(path: Path, column: Any) -> Any:
    """ISO times, all with or all without an offset from UTC, or counts since 1970."""
    import pyarrow as pa  # noqa: PLC0415

    for kind in (pa.timestamp("us", "UTC"), pa.timestamp("us"), pa.int64()):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    iso = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
    texts = [text for text in column.to_pylist() if text is not None]
    odd = next((text for text in texts if not iso.fullmatch(text)), None)
    found = f"{odd!r:.40}" if odd else "some with an offset from UTC and some without"
    raise MarketFileError(
        f"{path}: times are written as 2024-01-31T14:30:00Z, all of them; found {found}"
    )


def _times_in_numbers(path: Path, counts: NDArray[Any]) -> Times:
    if not np.issubdtype(counts.dtype, np.integer):
        raise MarketFileError(f"{path}: some times are missing among times written as numbers")
    largest = int(np.abs(counts).max(initial=0))
    unit = next((unit for below, unit in EPOCH_UNITS if largest < below), "ns")
    times: Times = counts.astype(f"datetime64[{unit}]").astype("datetime64[us]")
    return times
