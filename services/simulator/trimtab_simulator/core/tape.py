"""The released part of the market as Alpaca's data endpoints show it: bars over REST."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trimtab_common.calendars import calendar
from trimtab_common.events import instant
from trimtab_common.symbols import Symbol
from trimtab_common.timeframes import Timeframe
from trimtab_simulator.core.queries import Query
from trimtab_simulator.core.refusals import Refusal, invalid
from trimtab_trading.aggregate import aggregate, stamps
from trimtab_trading.generated import midnight_of
from trimtab_trading.market import Market, Times, aware

LIMIT_DEFAULT = 1_000
LIMIT_MAX = 10_000
TIMEFRAMES = {
    "1Min": Timeframe.ONE_MINUTE,
    "5Min": Timeframe.FIVE_MINUTES,
    "15Min": Timeframe.FIFTEEN_MINUTES,
    "30Min": Timeframe.THIRTY_MINUTES,
    "1Hour": Timeframe.ONE_HOUR,
    "4Hour": Timeframe.FOUR_HOURS,
    "1Day": Timeframe.ONE_DAY,
}
SHORT_UNITS = {"T": "Min", "H": "Hour", "D": "Day"}
SHARES_A_TRADE = 100

_TIMEFRAME = re.compile(r"([0-9]{1,2})([A-Za-z]{1,4})", re.ASCII)

Places = NDArray[np.int64]
Bar = dict[str, Any]


class BarsRequest(NamedTuple):
    """What `GET …/bars` asks for."""

    symbols: tuple[Symbol, ...]
    timeframe: Timeframe
    start: datetime | None
    end: datetime | None
    limit: int
    ascending: bool
    after: tuple[Symbol, datetime] | None
    """The last bar of the page before."""


class Tape:
    """Answers from the rows that were released, and from no other."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.stamps = stamps(market)
        order = np.argsort(market.symbol_index, kind="stable")
        counts = np.bincount(market.symbol_index, minlength=len(market.symbols))
        self._places: list[Places] = np.split(order, np.cumsum(counts)[:-1])
        self._index = {symbol: index for index, symbol in enumerate(market.symbols)}

    def bars(self, request: BarsRequest, released: int) -> dict[str, Any]:
        """One page of bars, by symbol and then by time."""
        page: dict[Symbol, list[Bar]] = {}
        room = request.limit
        for symbol in self._symbols(request):
            times, market = self._found(symbol, request, released)
            order = slice(None) if request.ascending else slice(None, None, -1)
            chosen = np.arange(len(times))[order][:room]
            if len(chosen):
                page[symbol] = bars_json(market, times, chosen)
            if len(times) > room:
                return {"bars": page, "next_page_token": _token(page)}
            room -= len(chosen)
        return {"bars": page, "next_page_token": None}

    def latest(self, symbols: Sequence[Symbol], released: int) -> dict[str, Bar]:
        """The last released bar of each symbol that has one."""
        found = {}
        for symbol in symbols:
            places = self._released(symbol, released)
            if len(places):
                found[symbol] = bars_json(self.market, self.stamps, places[-1:])[0]
        return found

    def messages(self, row_index: int) -> list[Bar]:
        """A row's bars as the data socket sends them; `t` is an aware datetime."""
        place = self.market.slice_of(row_index)
        indices = self.market.symbol_index[place].tolist()
        times = self.stamps[place].tolist()
        symbols = self.market.symbols
        return [
            {"T": "b", "S": symbols[index], **figures, "t": aware(stamp)}
            for index, stamp, figures in zip(
                indices, times, _figures(self.market, place), strict=True
            )
        ]

    def _symbols(self, request: BarsRequest) -> Iterator[Symbol]:
        for symbol in sorted(set(request.symbols)):
            if symbol in self._index and (request.after is None or symbol >= request.after[0]):
                yield symbol

    def _released(self, symbol: Symbol, released: int) -> Places:
        places = self._places[self._index[symbol]]
        end = self.market.row_starts[released]
        return places[: int(np.searchsorted(places, end))]

    def _found(self, symbol: Symbol, request: BarsRequest, released: int) -> tuple[Times, Market]:
        """The stamps and the bars that the request means, in order of time."""
        places = self._released(symbol, released)
        opened = self.market.opened_at[places]
        first = 0 if request.start is None else _place(opened, request.start, "left")
        last = len(places)
        if request.end is not None:
            last = _place(opened, request.end + request.timeframe.duration, "right")
        # A bar that was cut at its session's open is stamped before it.
        market = self.market.take(places[first:last])
        times = self.stamps[places[first:last]]
        if request.timeframe is not self.market.timeframe:
            market = aggregate(market, request.timeframe)
            times = stamps(market)
        kept = np.ones(len(times), dtype=np.bool_)
        if request.start is not None:
            kept &= times >= _naive(request.start)
        if request.end is not None:
            kept &= times <= _naive(request.end)
        if request.after is not None and request.after[0] == symbol:
            seen = _naive(request.after[1])
            kept &= times > seen if request.ascending else times < seen
        wanted = np.flatnonzero(kept)
        return times[wanted], market.take(wanted)


def read_bars_request(query: Query, market: Market) -> BarsRequest | Refusal:
    """The request in a query, or what is wrong with it."""
    symbols = query.names("symbols")
    if not symbols:
        return invalid("symbols is required")
    timeframe = timeframe_named(query.text("timeframe") or "")
    if isinstance(timeframe, Refusal):
        return timeframe
    if timeframe.duration < market.timeframe.duration:
        return invalid(f"the simulated market has no bars finer than {market.timeframe.value}")
    start, end = (_bound(query, name, market) for name in ("start", "end"))
    limit = query.whole_number("limit", LIMIT_DEFAULT, most=LIMIT_MAX)
    ascending = query.choice("sort", ("asc", "desc"), "asc") == "asc"
    token = query.text("page_token")
    after = _after(token) if token else None
    if query.refusal is not None:
        return query.refusal
    if token and after is None:
        return invalid("page_token is invalid")
    return BarsRequest(symbols, timeframe, start, end, limit, ascending, after)


def timeframe_named(text: str) -> Timeframe | Refusal:
    """Alpaca's name of a timeframe: 1Min, 5T, 1Hour, 1D."""
    parts = _TIMEFRAME.fullmatch(text)
    found = TIMEFRAMES.get(parts[1] + SHORT_UNITS.get(parts[2], parts[2])) if parts else None
    return found or invalid(f"timeframe must be one of {', '.join(TIMEFRAMES)}")


def bars_json(market: Market, times: Times, places: Places) -> list[Bar]:
    """Bars as the REST endpoints show them, in the order of `places`."""
    return [
        {"t": instant(aware(stamp)), **figures}
        for stamp, figures in zip(times[places].tolist(), _figures(market, places), strict=True)
    ]


def _figures(market: Market, places: Places | slice) -> Iterator[Bar]:
    """Prices and volume; trade count and average price are made up, but always alike."""
    columns = (market.open, market.high, market.low, market.close, market.volume)
    for open_, high, low, close, volume in zip(
        *(column[places].tolist() for column in columns), strict=True
    ):
        yield {
            "o": open_,
            "h": high,
            "l": low,
            "c": close,
            "v": int(volume) if volume.is_integer() else volume,
            "n": max(1, round(volume / SHARES_A_TRADE)),
            "vw": (open_ + high + low + close) / 4,
        }


def _token(page: dict[Symbol, list[Bar]]) -> str:
    """Where the page ends: its last symbol, and that symbol's last bar."""
    symbol = next(reversed(page))
    return base64.urlsafe_b64encode(f"{symbol}|{page[symbol][-1]['t']}".encode()).decode()


def _bound(query: Query, name: str, market: Market) -> datetime | None:
    """A time, or a date, which begins at midnight where the market is."""
    found = query.moment(name)
    if found is None or not query.is_date(name):
        return found
    its_calendar = calendar(market.calendar)
    session = its_calendar.next_session(found.date() - timedelta(days=1))
    return midnight_of(its_calendar, session) - (session - found.date())


def _after(token: str) -> tuple[Symbol, datetime] | None:
    try:
        symbol, _, stamp = base64.urlsafe_b64decode(token).decode().partition("|")
        return symbol, datetime.fromisoformat(stamp)
    except (binascii.Error, ValueError):
        return None


def _place(times: Times, at: datetime, side: Any) -> int:
    return int(np.searchsorted(times, _naive(at), side))


def _naive(at: datetime) -> np.datetime64:
    return np.datetime64(at.replace(tzinfo=None), "us")
