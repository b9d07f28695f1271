"""Alpaca's trade update stream, as hints."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from alpaca.trading.stream import TradingStream

from trimtab_execution.adapters.answers import Unbelievable, update_of
from trimtab_execution.ports import Update

RECONNECT_SECONDS = (1.0, 30.0)
SIMULATED_RECONNECT_SECONDS = (0.05, 1.0)
SOCKET = {"ping_interval": 5, "ping_timeout": 10, "close_timeout": 0.5, "max_queue": 1024}
"""The client's own time-out for a socket that is open and dead is three minutes."""


class AlpacaHints:
    """The stream of one account. It has no memory: what was missed comes by asking."""

    def __init__(self, url: str, *, key_id: str, secret_key: str, simulated: bool) -> None:
        self._url = url
        self._keys = (key_id, secret_key)
        self._reconnect = SIMULATED_RECONNECT_SECONDS if simulated else RECONNECT_SECONDS
        self.connected = False

    async def run(
        self, on_update: Callable[[Update], None], look_again: Callable[[], None]
    ) -> None:
        """Listen until cancelled; the client reconnects by itself."""
        hints = self

        class Stream(TradingStream):
            """The client's stream, telling when it is really listening and when it is not."""

            async def _dispatch(self, msg: dict[str, Any]) -> None:
                if msg.get("stream") == "listening":
                    hints.connected = True
                    look_again()
                await super()._dispatch(msg)

            async def close(self) -> None:
                hints.connected = False
                await super().close()

        async def handle(message: dict[str, Any]) -> None:
            try:
                on_update(update_of(message["data"]))
            except (Unbelievable, LookupError, TypeError, AttributeError):
                look_again()  # the client would lose the message without a word

        # What the client writes at each failed attempt, the health board says once.
        logging.getLogger(TradingStream.__module__).setLevel(logging.CRITICAL)
        stream = Stream(
            *self._keys, raw_data=True, url_override=self._url, websocket_params=dict(SOCKET)
        )
        stream._reconnect_min_backoff, stream._reconnect_max_backoff = self._reconnect
        stream.subscribe_trade_updates(handle)
        try:
            await stream._run_forever()  # type: ignore[no-untyped-call]
        finally:
            await stream.close()
