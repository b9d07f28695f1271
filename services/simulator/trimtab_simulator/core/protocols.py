"""What is said on the sockets, apart from the sockets: trade updates and market data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trimtab_common.symbols import Symbol
from trimtab_simulator.core.keys import Keys

Message = dict[str, Any]
Claim = Callable[[str], bool]
"""Takes the one place that a key has at an endpoint; False where it is taken."""

BARS = "bars"
CHANNELS = (
    "trades",
    "quotes",
    "orderbooks",
    BARS,
    "updatedBars",
    "dailyBars",
    "statuses",
    "lulds",
    "news",
)
EVERYTHING = "*"
UPDATES = "trade_updates"

ERRORS = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    404: "auth timeout",
    406: "connection limit exceeded",
    407: "slow client",
}
INVALID, NOT_AUTHENTICATED, AUTH_FAILED, ALREADY, AUTH_LATE, LIMIT, SLOW = ERRORS


class DataSession:
    """One client's talk at a market data socket."""

    def __init__(self, keys: Keys, claim: Claim) -> None:
        self._keys = keys
        self._claim = claim
        self.authenticated = False
        self.ended = False
        """The last answer is the last word: the socket is to be closed."""
        self.channels: dict[str, list[str]] = {}

    def greeting(self) -> list[Message]:
        return [{"T": "success", "msg": "connected"}]

    def error(self, code: int) -> list[Message]:
        return [{"T": "error", "code": code, "msg": ERRORS[code]}]

    def receive(self, message: Any) -> list[Message]:
        """What is answered to a message; None stands for one that could not be decoded."""
        action = message.get("action") if isinstance(message, dict) else None
        if action == "auth":
            return self._authenticate(message)
        if action not in ("subscribe", "unsubscribe"):
            return self.error(INVALID)
        if not self.authenticated:
            return self.error(NOT_AUTHENTICATED)
        return self._subscribe(message, add=action == "subscribe")

    @property
    def watches(self) -> bool:
        """Whether the client asked for any bars."""
        return bool(self.channels.get(BARS))

    def wants(self, symbol: Symbol) -> bool:
        """Whether the client asked for this symbol's bars."""
        wanted = self.channels.get(BARS, ())
        return EVERYTHING in wanted or symbol in wanted

    def _authenticate(self, message: Message) -> list[Message]:
        if self.authenticated:
            return self.error(ALREADY)
        key = message.get("key")
        if self._keys.refusal(key, message.get("secret")) is not None:
            return self.error(AUTH_FAILED)
        if not self._claim(str(key)):
            self.ended = True
            return self.error(LIMIT)
        self.authenticated = True
        return [{"T": "success", "msg": "authenticated"}]

    def _subscribe(self, message: Message, *, add: bool) -> list[Message]:
        for channel in CHANNELS:
            asked = message.get(channel)
            if not isinstance(asked, list):
                continue
            known = self.channels.get(channel, [])
            kept = [symbol for symbol in known if add or symbol not in asked]
            new = [s for s in asked if add and isinstance(s, str) and s not in kept]
            self.channels[channel] = kept + new
        return [{"T": "subscription", **{name: self.channels.get(name, []) for name in CHANNELS}}]


class UpdatesSession:
    """One client's talk at the socket for trade updates."""

    def __init__(self, keys: Keys, claim: Claim) -> None:
        self._keys = keys
        self._claim = claim
        self.authenticated = False
        self.ended = False
        self.listening = False

    def greeting(self) -> list[Message]:
        return []

    def error(self, code: int) -> list[Message]:
        data = {"status": "unauthorized", "action": "authenticate"}
        return [_said("authorization", {**data, "code": code, "message": ERRORS[code]})]

    def receive(self, message: Any) -> list[Message]:
        """What is answered to a message; None stands for one that could not be decoded."""
        action = message.get("action") if isinstance(message, dict) else None
        data = message.get("data") if isinstance(message, dict) else None
        if action in ("auth", "authenticate"):
            return self._authenticate(data if isinstance(data, dict) else message)
        if action != "listen" or not isinstance(data, dict):
            return [_said("error", {"code": INVALID, "message": ERRORS[INVALID]})]
        if not self.authenticated:
            return self.error(NOT_AUTHENTICATED)
        streams = [name for name in data.get("streams", []) if name == UPDATES]
        self.listening = bool(streams)
        return [_said("listening", {"streams": streams})]

    def _authenticate(self, given: Message) -> list[Message]:
        key = given.get("key_id", given.get("key"))
        secret = given.get("secret_key", given.get("secret"))
        if self._keys.refusal(key, secret) is not None:
            return self.error(AUTH_FAILED)
        if not self.authenticated and not self._claim(str(key)):
            self.ended = True
            return self.error(LIMIT)
        self.authenticated = True
        return [_said("authorization", {"status": "authorized", "action": "authenticate"})]


def update_message(update: Message) -> Message:
    """A trade update as it goes over the socket."""
    return _said(UPDATES, update)


def _said(stream: str, data: Message) -> Message:
    return {"stream": stream, "data": data}
