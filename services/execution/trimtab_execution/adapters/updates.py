"""Alpaca's trade update stream, as hints."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from alpaca.trading.stream import TradingStream

from trimtab_execution.adapters.alpaca import update
from trimtab_execution.ports import Update


class AlpacaHints:
    """The stream of one account. It has no memory: what was missed comes by asking."""

    def __init__(self, url: str, *, key_id: str, secret_key: str, reconnect_seconds: float) -> None:
        self._url = url
        self._keys = (key_id, secret_key)
        self._reconnect_seconds = reconnect_seconds
        self.connected = False

    async def run(
        self, on_update: Callable[[Update], None], on_connect: Callable[[], None]
    ) -> None:
        """Listen until cancelled; the client reconnects by itself."""
        hints = self

        class Stream(TradingStream):
            """The client's stream, telling when it is really listening and when it is not."""

            async def _dispatch(self, msg: dict[str, Any]) -> None:
                if msg.get("stream") == "listening":
                    hints.connected = True
                    on_connect()
                await super()._dispatch(msg)

            async def close(self) -> None:
                hints.connected = False
                await super().close()

        async def handle(message: dict[str, Any]) -> None:
            on_update(update(message["data"]))

        stream = Stream(*self._keys, raw_data=True, url_override=self._url)
        stream._reconnect_min_backoff = self._reconnect_seconds
        stream._reconnect_max_backoff = max(30.0, self._reconnect_seconds)
        stream.subscribe_trade_updates(handle)
        try:
            await stream._run_forever()  # type: ignore[no-untyped-call]
        except asyncio.CancelledError:
            await stream.close()
            raise
