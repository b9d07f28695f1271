"""Alpaca's REST endpoints for bars, through alpaca-py's own clients."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Any

from alpaca.common.exceptions import APIError
from alpaca.data.enums import DataFeed
from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
from alpaca.data.requests import CryptoBarsRequest, StockBarsRequest
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit
from requests.exceptions import RequestException

from trimtab_common.timeframes import Timeframe
from trimtab_ingest.adapters.alpaca_stream import feed_path
from trimtab_ingest.core.judge import Raw
from trimtab_ingest.core.plan import Line
from trimtab_ingest.ports import Unreachable

TIMEOUT_SECONDS = (3, 10)
"""To connect, and to answer: alpaca-py itself would wait for ever."""
TIMEFRAMES = {
    Timeframe.ONE_MINUTE: TimeFrame(1, TimeFrameUnit.Minute),
    Timeframe.FIVE_MINUTES: TimeFrame(5, TimeFrameUnit.Minute),
    Timeframe.FIFTEEN_MINUTES: TimeFrame(15, TimeFrameUnit.Minute),
    Timeframe.THIRTY_MINUTES: TimeFrame(30, TimeFrameUnit.Minute),
    Timeframe.ONE_HOUR: TimeFrame(1, TimeFrameUnit.Hour),
    Timeframe.FOUR_HOURS: TimeFrame(4, TimeFrameUnit.Hour),
    Timeframe.ONE_DAY: TimeFrame(1, TimeFrameUnit.Day),
}


class AlpacaHistory:
    """Bars of the past: unadjusted, as they were when they were streamed."""

    def __init__(self, *, url: str, keys: tuple[str, str]) -> None:
        arguments = {"raw_data": True, "url_override": url.rstrip("/")}
        self._stocks = StockHistoricalDataClient(*keys, **arguments)  # type: ignore[arg-type]
        self._crypto = CryptoHistoricalDataClient(*keys, **arguments)  # type: ignore[arg-type]
        for client in (self._stocks, self._crypto):
            session = client._session
            session.trust_env = False
            bounded = functools.partial(session.request, timeout=TIMEOUT_SECONDS)
            session.request = bounded  # type: ignore[method-assign]

    def bars(self, line: Line, start: datetime, end: datetime) -> list[Raw]:
        """The bars stamped start..end; raises Unreachable with the reason."""
        try:
            found = self._ask(line, start, end)
        except APIError as error:
            raise Unreachable(f"the history of bars: {error!s:.200}") from error
        except (RequestException, ValueError, AttributeError) as error:
            # alpaca-py meets an answer that is none with one of the latter two
            raise Unreachable(f"the history of bars: {error!r:.200}") from error
        return [{"S": symbol, **bar} for symbol, bars in found.items() for bar in bars]

    def _ask(self, line: Line, start: datetime, end: datetime) -> dict[str, list[dict[str, Any]]]:
        common: dict[str, Any] = {
            "symbol_or_symbols": list(line.symbols),
            "timeframe": TIMEFRAMES[line.timeframe],
            "start": start,
            "end": end,
        }
        found: Any
        if line.calendar.never_closes:
            found = self._crypto.get_crypto_bars(CryptoBarsRequest(**common))
        else:
            feed = DataFeed(feed_path(line))
            found = self._stocks.get_stock_bars(StockBarsRequest(**common, feed=feed))
        return found or {}
