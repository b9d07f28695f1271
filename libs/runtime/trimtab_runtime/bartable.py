"""Bars as the Arrow tables that the bar store keeps in files, and as columns to compute on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trimtab_common.events import BarClosed, bar_id
from trimtab_common.money import decimal_from_float, to_float
from trimtab_common.symbols import Symbol
from trimtab_common.timeframes import Timeframe

if TYPE_CHECKING:
    import pyarrow as pa

AMOUNTS = ("open", "high", "low", "close", "volume")


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


def schema() -> pa.Schema:
    """The columns of a file."""
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


def table_of(bars: Sequence[BarClosed]) -> pa.Table:
    """Bars of one file as its rows, in the order given."""
    import pyarrow as pa  # noqa: PLC0415

    columns: dict[str, list[Any]] = {
        "opened_at": [bar.opened_at for bar in bars],
        "available_at": [bar.available_at for bar in bars],
        **{name: [to_float(getattr(bar, name)) for bar in bars] for name in AMOUNTS},
        "feed": [bar.feed for bar in bars],
        "revision": [bar.revision for bar in bars],
        "late": [bar.late for bar in bars],
    }
    return pa.table(columns, schema=schema())


def bar_of(symbol: Symbol, timeframe: Timeframe, row: dict[str, Any]) -> BarClosed:
    """The event that a row was made of."""
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


def distinct(table: pa.Table) -> NDArray[np.int64]:
    """The rows to keep, in order of time: of equal keys the one that was stored first."""
    opened = times(table, "opened_at").astype(np.int64)
    feeds = _ranks(table.column("feed"))[1]
    revision = table.column("revision").to_numpy()
    order = np.lexsort((revision, feeds, opened))
    same = (
        (np.diff(opened[order]) == 0)
        & (np.diff(feeds[order]) == 0)
        & (np.diff(revision[order]) == 0)
    )
    return order[np.append(True, ~same)] if len(order) else order


def columns_of(
    table: pa.Table,
    owner: NDArray[np.int64],
    symbols: tuple[Symbol, ...],
    timeframe: Timeframe,
    span: tuple[datetime | None, datetime | None],
    feed: str | None,
) -> StoredBars:
    """A table's bars within a span and of one feed, each once; `owner` numbers their symbols."""
    opened, available = times(table, "opened_at"), times(table, "available_at")
    wanted = np.ones(len(owner), dtype=np.bool_)
    if span[0] is not None:
        wanted &= available >= microsecond(span[0])
    if span[1] is not None:
        wanted &= available <= microsecond(span[1])
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


def times(table: pa.Table, name: str) -> NDArray[np.datetime64]:
    """A column of instants, in microseconds since 1970, UTC."""
    times: NDArray[np.datetime64] = table.column(name).to_numpy().astype("datetime64[us]")
    return times


def microsecond(at: datetime) -> np.datetime64:
    """An aware time as it compares with `times`."""
    return np.datetime64(at.astimezone(UTC).replace(tzinfo=None), "us")
