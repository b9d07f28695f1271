"""The bars that were collected, in Parquet files: `bars/<timeframe>/<symbol>/<period>.parquet`.

One process writes (ingest), any may read. A bar is known by its symbol, timeframe, opening time,
feed and revision, so storing it again changes nothing; a file is replaced in one step, so a
reader sees the old one or the new one. Bars of less than an hour go into one file a day, which
`compact` joins into months; longer ones into one file a year.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trimtab_common.events import BarClosed
from trimtab_common.symbols import Symbol
from trimtab_common.timeframes import Timeframe
from trimtab_runtime.bartable import (
    StoredBars,
    bar_of,
    columns_of,
    distinct,
    microsecond,
    schema,
    table_of,
    times,
)
from trimtab_runtime.home import Home
from trimtab_runtime.logs import logger

if TYPE_CHECKING:
    import pyarrow as pa

DAY_LENGTH, MONTH_LENGTH = len("2024-01-31"), len("2024-01")
FILE_MODE = 0o600
_HOUR = timedelta(hours=1)
_log = logger(__name__)


class BarStore:
    """The bar store of a home. Its methods do file work: call them from a thread."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def append(self, bars: Iterable[BarClosed]) -> int:
        """Store bars in any order; returns how many were new."""
        by_file: dict[Path, list[BarClosed]] = defaultdict(list)
        for bar in bars:
            by_file[self._file_of(bar)].append(bar)
        return sum(self._merge(file, table_of(group)) for file, group in by_file.items())

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
        every = pa.concat_tables([schema().empty_table(), *tables])
        owner = np.concatenate([np.zeros(0, dtype=np.int64), *owners])
        return columns_of(every, owner, tuple(symbols), timeframe, (start, end), feed)

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
            available = times(table, "available_at")
            places = np.flatnonzero(available <= microsecond(until))
            if len(places):
                order = np.lexsort((table.column("revision").to_numpy()[places], available[places]))
                return bar_of(symbol, timeframe, table.slice(places[order[-1]], 1).to_pylist()[0])
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
        kept = distinct(both)
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
            return pq.ParquetFile(file).read().cast(schema())
        except FileNotFoundError:  # joined into its month just now
            return None
        except (pa.ArrowInvalid, pa.ArrowTypeError, OSError, ValueError) as error:
            broken = file.with_suffix(".broken")
            file.replace(broken)
            _log.error("a file of bars cannot be read", put_aside=str(broken), error=str(error))
            return None
