"""Alpaca's sockets for bars, through alpaca-py's own clients."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from alpaca.data.live import CryptoDataStream, StockDataStream
from msgpack import Timestamp

from trimtab_ingest.core.plan import Line
from trimtab_ingest.ports import Listener

CRYPTO_PATH = "/v1beta3/crypto/us"
STAMPS_REMEMBERED = 4_096
AGAIN_SECONDS = 30.0
"""When alpaca-py has given up for good, it is started anew after so long."""
EXPLANATIONS = {
    "connection limit exceeded": (
        "one connection per key and feed is allowed, and another program holds it (406): "
        "stop that program, or use another key"
    ),
    "symbol limit exceeded": (
        "the data plan allows fewer symbols (405): collect fewer, and set "
        "TRIMTAB_INGEST_SYMBOLS_MAX so that this is noticed at the start"
    ),
    "insufficient subscription": "the data plan does not include this feed (409): use iex",
    "auth failed": "the keys are wrong (402): check TRIMTAB_ALPACA_KEY_ID and its secret",
    "not authenticated": "the keys are wrong (401): check TRIMTAB_ALPACA_KEY_ID and its secret",
    "auth timeout": "the server did not accept the keys in time (404)",
    "slow client": "this machine was too slow to read what was sent (407)",
    "HTTP 429": "too many attempts to connect (429): waiting longer before the next one",
}


def explained(error: BaseException | str) -> str:
    """What a failure of the connection means, for the owner."""
    text = str(error) or type(error).__name__
    for sign, explanation in EXPLANATIONS.items():
        if sign in text:
            return explanation
    return f"{text:.200}"


class _Hooks:
    """What is told on the way of a message through alpaca-py; mixed in before its stream."""

    listener: Listener
    broken: BaseException | None = None
    """What a listener raised: alpaca-py would log it and lose the message."""

    async def _start_ws(self) -> None:
        self.listener.connecting()
        try:
            await super()._start_ws()  # type: ignore[misc]  # alpaca-py's stream comes next
        except Exception as error:
            self.listener.lost(explained(error))
            raise

    async def _dispatch(self, message: dict[str, Any]) -> None:
        kind = message.get("T")
        try:
            if kind == "b":
                await self.listener.bar(_timed(message))
            elif kind == "u":
                await self.listener.revision(_timed(message))
            elif kind == "subscription":
                self.listener.subscribed()
            elif kind == "error":
                self.listener.lost(explained(str(message.get("msg"))))
        except Exception as error:
            self.broken = error
            await self.stop_ws()  # type: ignore[attr-defined]
            raise

    async def close(self) -> None:
        self.listener.lost(None)
        await super().close()  # type: ignore[misc]


class _StockStream(_Hooks, StockDataStream):
    """Bars of stocks."""


class _CryptoStream(_Hooks, CryptoDataStream):
    """Bars of crypto pairs."""


class AlpacaFeed:
    """One line's bars by socket; a key may hold one such connection for each feed."""

    def __init__(
        self,
        line: Line,
        *,
        url: str,
        keys: tuple[str, str],
        revisions: bool,
        reconnect_seconds: tuple[float, float],
    ) -> None:
        """`url` has no path; `reconnect_seconds` are the first and the longest wait."""
        # Its lines repeat what the health board says, with a traceback for each attempt.
        logging.getLogger("alpaca").setLevel(logging.CRITICAL)
        self._line = line
        self._revisions = revisions
        kind, path = (
            (_CryptoStream, CRYPTO_PATH)
            if line.calendar.never_closes
            else (_StockStream, f"/v2/{feed_path(line)}")
        )
        self._stream: Any = kind(*keys, raw_data=True, url_override=url.rstrip("/") + path)
        self._stream._reconnect_min_backoff, self._stream._reconnect_max_backoff = reconnect_seconds

    @property
    def line(self) -> Line:
        return self._line

    async def run(self, listener: Listener) -> None:
        stream = self._stream
        stream.listener = listener
        stream.subscribe_bars(_unused, *self._line.symbols)
        if self._revisions:
            stream.subscribe_updated_bars(_unused, *self._line.symbols)
        try:
            while True:
                await stream._run_forever()
                if stream.broken is not None:
                    raise stream.broken
                await asyncio.sleep(AGAIN_SECONDS)
        finally:
            if stream._ws is not None:
                # Without a farewell, which the end of a broken room would wait half a minute for.
                stream._ws.transport.abort()

    def reconnect(self) -> None:
        socket = self._stream._ws
        if socket is not None:
            socket.transport.abort()  # no farewell: whoever is mute does not answer one

    def expect_data(self, seconds: float | None) -> None:
        self._stream._data_timeout = seconds


def feed_path(line: Line) -> str:
    """How Alpaca calls the feed; a simulated one is asked for under the free plan's name."""
    return line.feed if line.feed in ("iex", "sip", "delayed_sip") else "iex"


async def _unused(_: Any) -> None:
    """alpaca-py wants a handler; messages are taken before they would reach it."""


def _timed(message: dict[str, Any]) -> dict[str, Any]:
    """The message with its msgpack timestamp as a datetime."""
    stamp = message.get("t")
    if isinstance(stamp, Timestamp):
        message["t"] = _moment(stamp.seconds, stamp.nanoseconds)
    return message


@lru_cache(maxsize=STAMPS_REMEMBERED)
def _moment(seconds: int, nanoseconds: int) -> datetime | str:
    """The bars of a row share their stamp. What no datetime can hold is left to be refused."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s after 1970"
    return moment.replace(microsecond=nanoseconds // 1_000)
