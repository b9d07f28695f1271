"""Alpaca as a source, for paper and live: what the universe lists, as the clock brings it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from trimtab_ingest.adapters.alpaca_history import AlpacaHistory
from trimtab_ingest.adapters.alpaca_stream import AlpacaFeed
from trimtab_ingest.core.plan import Origin, Plan, plan_of_universe
from trimtab_ingest.ports import Feed
from trimtab_trading.config import Universe

RECONNECT_SECONDS = (1.0, 30.0)


class AlpacaSource:
    """Everything that is particular about a broker's feed."""

    venue = None

    def __init__(
        self,
        universe: Universe,
        *,
        data_url: str,
        stream_url: str,
        keys: tuple[str, str],
        now: Callable[[], datetime],
    ) -> None:
        self._universe = universe
        self._stream_url = stream_url
        self._keys = keys
        self._now = now
        self.history = AlpacaHistory(url=data_url, keys=keys)

    def plan(self) -> Plan | str:
        """Rows begin with the minute after this one."""
        begins_at = self._now().replace(second=0, microsecond=0)
        return plan_of_universe(self._universe, begins_at=begins_at)

    def feeds(self, plan: Plan) -> list[Feed]:
        return [
            AlpacaFeed(
                line,
                url=self._stream_url,
                keys=self._keys,
                revisions=True,
                reconnect_seconds=RECONNECT_SECONDS,
            )
            for line in plan.of(Origin.STREAMED)
        ]
