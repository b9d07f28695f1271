"""The account's equity over time, as `GET /v2/account/portfolio/history` shows it."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from trimtab_common.money import to_float
from trimtab_simulator.core.queries import Query
from trimtab_simulator.core.refusals import Refusal, invalid

DAILY = "1D"
WINDOWS = {
    "1Min": timedelta(minutes=1),
    "5Min": timedelta(minutes=5),
    "15Min": timedelta(minutes=15),
    "1H": timedelta(hours=1),
}
PERIOD_UNITS = {
    "D": timedelta(days=1),
    "W": timedelta(weeks=1),
    "M": timedelta(days=30),
    "A": timedelta(days=365),
}
PERIOD_DEFAULT = "1M"
MINUTES_BELOW = timedelta(days=7)
QUARTERS_BELOW = timedelta(days=30)

_PERIOD = re.compile(r"([1-9][0-9]{0,3})([DWMA])", re.ASCII)


class History:
    """The equity at the end of every opened row."""

    def __init__(self, cash: Decimal) -> None:
        self._cash = to_float(cash)
        self._rows: list[datetime] = []
        self._sessions: list[date] = []
        self._equity: list[float] = []

    def add(self, row: datetime, session: date, equity: Decimal) -> None:
        """The row is over, and the account is worth this."""
        self._rows.append(row)
        self._sessions.append(session)
        self._equity.append(to_float(equity))

    def read(self, query: Query) -> dict[str, Any] | Refusal:
        """Equity by window; profit and loss count from the equity before the first one."""
        period = _PERIOD.fullmatch(query.text("period") or PERIOD_DEFAULT)
        if period is None:
            return invalid("period is a number and one of D, W, M, A, such as 1M")
        length = int(period[1]) * PERIOD_UNITS[period[2]]
        timeframe = query.choice("timeframe", (*WINDOWS, DAILY), _default_timeframe(length))
        start, end, last_day = query.moment("start"), query.moment("end"), query.day("date_end")
        if query.refusal is not None:
            return query.refusal
        if end is None and last_day is not None:
            end = datetime.combine(last_day + timedelta(days=1), time(), UTC)
        last = bisect_right(self._rows, end) if end else len(self._rows)
        if start is None and last:
            start = self._rows[last - 1] - length
        first = bisect_left(self._rows, start) if start else 0
        return self._answer(first, max(first, last), timeframe)

    def _answer(self, first: int, last: int, timeframe: str) -> dict[str, Any]:
        base = self._equity[first - 1] if first else self._cash
        by_window: dict[int, float] = {}
        for place in range(first, last):
            by_window[self._window(place, timeframe)] = self._equity[place]
        gains = [equity - base for equity in by_window.values()]
        answer = {
            "timestamp": list(by_window),
            "equity": list(by_window.values()),
            "profit_loss": gains,
            "profit_loss_pct": [gain / base if base else None for gain in gains],
            "base_value": base,
            "timeframe": timeframe,
        }
        if first:
            answer["base_value_asof"] = self._sessions[first - 1].isoformat()
        return answer

    def _window(self, place: int, timeframe: str) -> int:
        """The second of the epoch at which the row's window begins."""
        if timeframe == DAILY:
            return int(datetime.combine(self._sessions[place], time(), UTC).timestamp())
        seconds = int(WINDOWS[timeframe].total_seconds())
        # A row ends its window: the bar that closes at 10:00 belongs to the one before.
        return (int(self._rows[place].timestamp()) - 1) // seconds * seconds


def _default_timeframe(period: timedelta) -> str:
    if period < MINUTES_BELOW:
        return "1Min"
    return "15Min" if period < QUARTERS_BELOW else DAILY
