"""A bar that is believed: the event, and its figures as the feed gave them."""

from __future__ import annotations

from typing import NamedTuple

from trimtab_common.events import BarClosed, bar_id

Figures = tuple[float, float, float, float, float]
"""Open, high, low, close and volume. What is made of bars is made of these, so that the exact
engine, which reads floats from a file, comes to the same."""


class Candle(NamedTuple):
    """One bar of a line."""

    bar: BarClosed
    figures: Figures


def revised(bar: BarClosed, revision: int) -> BarClosed:
    """The same bar as a later word on the matter."""
    number = bar_id(bar.feed, bar.symbol, bar.timeframe, bar.opened_at, revision)
    return BarClosed.trusted(**(dict(bar) | {"id": number, "revision": revision}))


def late(bar: BarClosed) -> BarClosed:
    """The same bar, marked: its row was closed without it, or nobody should trade on it."""
    return BarClosed.trusted(**(dict(bar) | {"late": True}))
