"""Which rows are public: as fast as they are used, or as the market's own clock would have it."""

from __future__ import annotations

from datetime import timedelta

from trimtab_trading.market import Market

MAX = "max"


class Release:
    """Counts released rows and says when the next one is due. Knows no clock itself.

    At full speed a row is released while somebody listens and it lies at most `ahead` rows beyond
    the last opened one. Once that many are waiting, half of them are used before more follow:
    whoever reads gets many rows at a time instead of one. At speed N a row is due N times sooner
    than in the market; a pause longer than `pause_max` (a night, a weekend) counts as one bar.
    """

    def __init__(
        self,
        market: Market,
        *,
        speed: float | None,
        ahead: int,
        pause_max: timedelta,
    ) -> None:
        self.market = market
        self.released = 0
        """How many rows are public; a restart begins with those that were opened."""
        self.stopped = False
        """Whether no further row is to be released; what is public stays so."""
        self.speed = speed
        """None: as fast as possible."""
        self._ahead = ahead
        self._is_filling = True
        self._pause_max = max(pause_max, market.timeframe.duration)

    @property
    def over(self) -> bool:
        """Whether every row is public that ever will be."""
        return self.stopped or self.released >= self.market.rows_total

    def may_release(self, *, opened: int, listeners: int) -> bool:
        """Whether the next row may go out at full speed; `opened` is the number of rows opened."""
        waiting = self.released - opened
        if waiting >= self._ahead:
            self._is_filling = False
        elif waiting <= self._ahead // 2:
            self._is_filling = True
        return not self.over and listeners > 0 and self._is_filling

    def wait_seconds(self) -> float:
        """How long after the row before the next one is due, at a given speed."""
        if self.speed is None or not self.released or self.over:
            return 0.0
        before = self.market.instant_of(self.released - 1)
        gap = self.market.instant_of(self.released) - before
        if gap > self._pause_max:
            gap = self.market.timeframe.duration
        return gap.total_seconds() / self.speed

    def next_row(self) -> int:
        """Make the next row public; its index comes back."""
        self.released += 1
        return self.released - 1
