"""How a long history is asked for: in stretches that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from trimtab_ingest.core.plan import SMALLEST, Line

BARS_MAX = 4_000


def stretches(
    line: Line, start: datetime, end: datetime, bars_max: int = BARS_MAX
) -> Iterator[tuple[datetime, datetime]]:
    """The spans of stamps, both ends included, that cover start..end without overlapping."""
    step = line.timeframe.duration * max(1, bars_max // len(line.symbols))
    while start <= end:
        following = start + step
        yield start, min(end, following - SMALLEST)
        start = following
