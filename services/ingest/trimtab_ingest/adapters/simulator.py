"""The simulator as a source: what it replays, how far it is, and its bars by Alpaca's protocols."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import requests

from trimtab_common.timeframes import Timeframe
from trimtab_ingest.adapters.alpaca_history import TIMEOUT_SECONDS, AlpacaHistory
from trimtab_ingest.adapters.alpaca_stream import AlpacaFeed
from trimtab_ingest.core.plan import Origin, Plan, Replay, plan_of_replay
from trimtab_ingest.ports import Feed, Released, Unreachable
from trimtab_trading.config import Universe

RECONNECT_SECONDS = (0.05, 0.3)
KEYS = ("simulated", "simulated")
"""What a simulator takes that was not told to expect particular keys."""


class SimulatorControl:
    """`GET /control/state`."""

    def __init__(self, url: str) -> None:
        self._url = f"{url.rstrip('/')}/control/state"
        self._session = requests.Session()
        self._session.trust_env = False

    def released(self) -> Released:
        """Where the replay stands; raises Unreachable."""
        try:
            answer = self._session.get(self._url, timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
            return _released(answer.json())
        except requests.RequestException as error:
            raise Unreachable(f"the simulator at {self._url}: {error!s:.200}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise Unreachable(f"{self._url} is no simulator's state: {error!r:.200}") from error


class SimulatedSource:
    """Everything that is particular about a replay."""

    def __init__(
        self,
        url: str,
        *,
        keys: tuple[str, str] | None,
        universe: Universe | None,
        everything: bool,
    ) -> None:
        self._url = url.rstrip("/")
        self._keys = keys or KEYS
        self._universe = universe
        self._everything = everything
        self.venue = SimulatorControl(self._url)
        self.history = AlpacaHistory(url=self._url, keys=self._keys)

    def plan(self) -> Plan | str:
        replay = self.venue.released().replay
        return plan_of_replay(replay, self._universe, everything=self._everything)

    def feeds(self, plan: Plan) -> list[Feed]:
        return [
            AlpacaFeed(
                line,
                url=self._url.replace("http", "ws", 1),
                keys=self._keys,
                revisions=False,
                reconnect_seconds=RECONNECT_SECONDS,
            )
            for line in plan.of(Origin.STREAMED)
        ]


def _released(state: dict[str, Any]) -> Released:
    row, opened = state["released"], state["opened"]
    return Released(
        replay=Replay(
            source=str(state["source"]),
            calendar=str(state["calendar"]),
            timeframe=Timeframe(state["timeframe"]),
            feed=str(state["feed"]),
            symbols=tuple(state["symbols"]),
            first_row=datetime.fromisoformat(state["first_row"]),
            last_row=datetime.fromisoformat(state["last_row"]),
            opened=datetime.fromisoformat(opened) if opened else None,
        ),
        row=datetime.fromisoformat(row) if row else None,
        symbols=frozenset(state["released_symbols"]),
    )
