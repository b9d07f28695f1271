"""Asks the simulated exchange: where the replay stands, what the account holds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trimtab.rooms_http import ask
from trimtab_common.symbols import parse_symbol

KEYS = {"APCA-API-KEY-ID": "simulated", "APCA-API-SECRET-KEY": "simulated"}
PATIENCE_SECONDS = 5.0
OK_BELOW = 300


class ExchangeSilent(RuntimeError):
    """The exchange gave no usable answer."""


class Exchange:
    """The simulator of this demo."""

    def __init__(self, port: int) -> None:
        self._port = port

    def state(self) -> dict[str, Any]:
        """Rows released and opened, speed, cash, equity."""
        return self._dictionary("/control/state")

    def stop(self) -> None:
        """Release no further row."""
        self._dictionary("/control/stop", method="POST")

    def account(self) -> dict[str, Any]:
        """The account as Alpaca shows one."""
        return self._dictionary("/v2/account")

    def positions(self) -> list[dict[str, Any]]:
        """Every position as Alpaca shows it."""
        found = self._ask("/v2/positions", "GET")
        if not isinstance(found, list):
            raise ExchangeSilent(f"GET /v2/positions answered {found!r:.200}")
        return found

    def quantities(self) -> dict[str, Decimal]:
        """Symbol → what is held of it."""
        return {
            parse_symbol(each["symbol"], crypto=each.get("asset_class") == "crypto"): Decimal(
                str(each["qty"])
            )
            for each in self.positions()
        }

    def _dictionary(self, path: str, method: str = "GET") -> dict[str, Any]:
        found = self._ask(path, method)
        if not isinstance(found, dict):
            raise ExchangeSilent(f"{method} {path} answered {found!r:.200}")
        return found

    def _ask(self, path: str, method: str) -> Any:
        reply = ask(
            self._port, path, method=method, headers=KEYS, patience_seconds=PATIENCE_SECONDS
        )
        if reply is None or reply.status >= OK_BELOW:
            said = "nothing" if reply is None else f"{reply.status} {reply.content!r:.200}"
            raise ExchangeSilent(f"{method} {path} of the simulated exchange answered {said}")
        return reply.content
