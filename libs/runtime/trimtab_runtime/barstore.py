"""The bars that were collected, in Parquet files: `bars/<timeframe>/<symbol>/<period>.parquet`.

One process writes (ingest), any may read. A bar is known by its symbol, timeframe, opening time,
feed and revision, so storing it again changes nothing; a file is replaced in one step, so a
reader sees the old one or the new one. Bars of less than an hour go into one file a day, which
`compact` joins into months; longer ones into one file a year.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trimtab_common.events import BarClosed, bar_id
from trimtab_common.money import decimal_from_float, to_float
from trimtab_common.symbols import Symbol
from trimtab_common.timeframes import Timeframe
from trimtab_runtime.home import Home
from trimtab_runtime.logs import logger

if TYPE_CHECKING:
    import pyarrow as pa

AMOUNTS = ("open", "high", "low", "close", "volume")
DAY_LENGTH, MONTH_LENGTH = len("2024-01-31"), len("2024-01")
FILE_MODE = 0o600
_HOUR = timedelta(hours=1)
_log = logger(__name__)


@dataclass(frozen=True, eq=False, kw_only=True)
class StoredBars:
    """Bars of one timeframe in columns, sorted by (available_at, symbol); times are UTC."""

    symbols: tuple[Symbol, ...]
    """As they were asked for, whether or not there are bars of them."""
    timeframe: Timeframe
    symbol_index: NDArray[np.int64]
    opened_at: NDArray[np.datetime64]
    available_at: NDArray[np.datetime64]
    amounts: NDArray[np.float64]
    """(5, bars): open, high, low, close, volume."""
    late: NDArray[np.bool_]
    """Back-filled or late: not to be traded on."""

    def __len__(self) -> int:
        return len(self.symbol_index)


class BarStore:
    """The bar store of a home. Its methods do file work: call them from a thread."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def append(self, bars: Iterable[BarClosed]) -> int:
        """Store bars in any order; returns how many were new."""
        by_file: dict[Path, list[BarClosed]] = defaultdict(list)
        for bar in bars:
            by_file[self._file_of(bar)].append(bar)
        return sum(self._merge(file, _table(group)) for file, group in by_file.items())

    def read(
        self,
        symbols: Sequence[Symbol],
        timeframe: Timeframe,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        feed: str | None = None,
    ) -> StoredBars:
        """The bars that were available in start ≤ t ≤ end (aware times), each once.

        Of several feeds the last by name holds unless one is asked for, and of its revisions the
        newest.
        """
        import pyarrow as pa  # noqa: PLC0415 - 40 MB that only readers of bars should pay for

        tables, owners = [], []
        for number, symbol in enumerate(symbols):
            for file in self._files(symbol, timeframe, start, end):
                table = self._load(file)
                if table is not None:
                    tables.append(table)
                    owners.append(np.full(table.num_rows, number))
        every = pa.concat_tables([_schema().empty_table(), *tables])
        owner = np.concatenate([np.zeros(0, dtype=np.int64), *owners])
        return _columns(every, owner, tuple(symbols), timeframe, (start, end), feed)

    def latest(self, symbol: Symbol, timeframe: Timeframe) -> datetime | None:
        """When the newest stored bar of a symbol opened; None where there is none."""
        files = self._files(symbol, timeframe, None, None)
        newest_month = max((file.stem[:MONTH_LENGTH] for file in files), default="")
        tables = [self._load(file) for file in files if file.stem.startswith(newest_month)]
        opened: list[datetime] = [
            table.column("opened_at")[-1].as_py() for table in tables if table is not None
        ]
        return max(opened).astimezone(UTC) if opened else None

    def newest(self, symbol: Symbol, until: datetime) -> BarClosed | None:
        """The bar that became available last up to an instant, of whatever timeframe."""
        found = (self._newest(symbol, timeframe, until) for timeframe in Timeframe)
        return max((bar for bar in found if bar), key=lambda bar: bar.available_at, default=None)

    def compact(self, timeframe: Timeframe, *, before: date) -> int:
        """Join the days of all months before this date's month; returns the files saved."""
        saved = 0
        for folder in sorted((self._home.bars / timeframe.value).glob("*")):
            months = defaultdict(list)
            for file in sorted(folder.glob("*.parquet")):
                month = file.stem[:MONTH_LENGTH]
                if len(file.stem) == DAY_LENGTH and month < f"{before:%Y-%m}":
                    months[month].append(file)
            for month, days in months.items():
                target = folder / f"{month}.parquet"
                for day in days:
                    table = self._load(day)
                    if table is not None:
                        self._merge(target, table)
                for day in days:  # a day file left by a crash here is merged again next time
                    day.unlink(missing_ok=True)
                saved += len(days) - 1
        return saved

    def _newest(self, symbol: Symbol, timeframe: Timeframe, until: datetime) -> BarClosed | None:
        for file in reversed(self._files(symbol, timeframe, None, until)):
            table = self._load(file)
            if table is None:
                continue
            available = _times(table, "available_at")
            places = np.flatnonzero(available <= _instant(until))
            if len(places):
                order = np.lexsort((table.column("revision").to_numpy()[places], available[places]))
                return _bar(symbol, timeframe, table.slice(places[order[-1]], 1).to_pylist()[0])
        return None

    def _folder(self, symbol: Symbol, timeframe: Timeframe) -> Path:
        return self._home.bars / timeframe.value / symbol.replace("/", "_")

    def _file_of(self, bar: BarClosed) -> Path:
        is_long = bar.timeframe.duration >= _HOUR
        period = f"{bar.opened_at:%Y}" if is_long else f"{bar.opened_at:%Y-%m-%d}"
        return self._folder(bar.symbol, bar.timeframe) / f"{period}.parquet"

    def _files(
        self, symbol: Symbol, timeframe: Timeframe, start: datetime | None, end: datetime | None
    ) -> list[Path]:
        """The files that may hold bars of a span; names are prefixes of dates."""
        first = f"{start - timeframe.duration:%Y-%m-%d}" if start else ""
        last = f"{end:%Y-%m-%d}" if end else "9"
        return [
            file
            for file in sorted(self._folder(symbol, timeframe).glob("*.parquet"))
            if first[: len(file.stem)] <= file.stem <= last
        ]

    def _merge(self, file: Path, fresh: pa.Table) -> int:
        import pyarrow as pa  # noqa: PLC0415

        stored = self._load(file) if file.exists() else None
        both = fresh if stored is None else pa.concat_tables([stored, fresh])
        kept = _distinct(both)
        new = len(kept) - (stored.num_rows if stored is not None else 0)
        if new:
            self._write(file, both.take(kept))
        return new

    def _write(self, file: Path, table: pa.Table) -> None:
        import pyarrow.parquet as pq  # noqa: PLC0415

        self._home.made(file.parent)
        fresh = file.with_name(f".{file.name}.new")
        pq.write_table(table, fresh, compression="lz4")
        fresh.chmod(FILE_MODE)
        fresh.replace(file)

    def _load(self, file: Path) -> pa.Table | None:
        """A file's bars; one that is broken is put aside, and its bars count as missing."""
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415

        try:
            return pq.ParquetFile(file).read().cast(_schema())
        except FileNotFoundError:  # joined into its month just now
            return None
        except (pa.ArrowInvalid, pa.ArrowTypeError, OSError, ValueError) as error:
            broken = file.with_suffix(".broken")
            file.replace(broken)
            _log.error("a file of bars cannot be read", put_aside=str(broken), error=str(error))
            return None


def _schema() -> pa.Schema:
    import pyarrow as pa  # noqa: PLC0415

    instant = pa.timestamp("us", "UTC")
    return pa.schema(
        [
            ("opened_at", instant),
            ("available_at", instant),
            *((name, pa.float64()) for name in AMOUNTS),
            ("feed", pa.string()),
            ("revision", pa.int32()),
            ("late", pa.bool_()),
        ]
    )


def _table(bars: Sequence[BarClosed]) -> pa.Table:
    import pyarrow as pa  # noqa: PLC0415

    columns: dict[str, list[Any]] = {
        "opened_at": [bar.opened_at for bar in bars],
        "available_at": [bar.available_at for bar in bars],
        **{name: [to_float(getattr(bar, name)) for bar in bars] for name in AMOUNTS},
        "feed": [bar.feed for bar in bars],
        "revision": [bar.revision for bar in bars],
        "late": [bar.late for bar in bars],
    }
    return pa.table(columns, schema=_schema())


def _bar(symbol: Symbol, timeframe: Timeframe, row: dict[str, Any]) -> BarClosed:
    opened_at, available_at = (row[name].astimezone(UTC) for name in ("opened_at", "available_at"))
    return BarClosed.trusted(
        id=bar_id(row["feed"], symbol, timeframe, opened_at, row["revision"]),
        at=available_at,
        symbol=symbol,
        timeframe=timeframe,
        opened_at=opened_at,
        **{name: decimal_from_float(row[name]) for name in AMOUNTS},
        feed=row["feed"],
        revision=row["revision"],
        late=row["late"],
    )


def _distinct(table: pa.Table) -> NDArray[np.int64]:
    """The rows to keep, in order of time: of equal keys the one that was stored first."""
    opened = _times(table, "opened_at").astype(np.int64)
    feeds = _ranks(table.column("feed"))[1]
    revision = table.column("revision").to_numpy()
    order = np.lexsort((revision, feeds, opened))
    same = (
        (np.diff(opened[order]) == 0)
        & (np.diff(feeds[order]) == 0)
        & (np.diff(revision[order]) == 0)
    )
    return order[np.append(True, ~same)] if len(order) else order


def _columns(
    table: pa.Table,
    owner: NDArray[np.int64],
    symbols: tuple[Symbol, ...],
    timeframe: Timeframe,
    span: tuple[datetime | None, datetime | None],
    feed: str | None,
) -> StoredBars:
    opened, available = _times(table, "opened_at"), _times(table, "available_at")
    wanted = np.ones(len(owner), dtype=np.bool_)
    if span[0] is not None:
        wanted &= available >= _instant(span[0])
    if span[1] is not None:
        wanted &= available <= _instant(span[1])
    feeds, feed_rank = _ranks(table.column("feed"))
    if feed is not None:
        wanted &= feed_rank == (feeds.index(feed) if feed in feeds else -1)
    places = np.flatnonzero(wanted)
    # Feeds and revisions are sorted upwards, so the last of equal bars is the one that holds.
    revision = table.column("revision").to_numpy()
    keys = (revision, feed_rank, opened.astype(np.int64), owner)
    order = places[np.lexsort([key[places] for key in keys])]
    again = (np.diff(owner[order]) == 0) & (np.diff(opened[order].astype(np.int64)) == 0)
    order = order[np.append(~again, True)] if len(order) else order
    rank = np.argsort(np.argsort(symbols))
    order = order[np.lexsort((rank[owner[order]], available[order]))] if len(order) else order
    amounts = np.stack([table.column(name).to_numpy() for name in AMOUNTS])
    return StoredBars(
        symbols=symbols,
        timeframe=timeframe,
        symbol_index=owner[order],
        opened_at=opened[order],
        available_at=available[order],
        amounts=amounts[:, order],
        late=table.column("late").to_numpy()[order],
    )


def _ranks(column: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int64]]:
    """The distinct texts of a column in alphabetical order, and which of them each row has."""
    encoded = column.combine_chunks().dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    rank = np.argsort(np.argsort(texts)) if texts else np.zeros(0, dtype=np.int64)
    return sorted(texts), rank[encoded.indices.to_numpy()].astype(np.int64)


def _times(table: pa.Table, name: str) -> NDArray[np.datetime64]:
    times: NDArray[np.datetime64] = table.column(name).to_numpy().astype("datetime64[us]")
    return times


def _instant(at: datetime) -> np.datetime64:
    return np.datetime64(at.astimezone(UTC).replace(tzinfo=None), "us")
