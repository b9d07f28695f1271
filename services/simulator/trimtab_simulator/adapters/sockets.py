"""The sockets: trade updates for those who trade, bars for those who watch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgpack
import orjson
from aiohttp import WSMessage, WSMsgType, web

from trimtab_simulator.adapters.connections import Connection, Frame
from trimtab_simulator.core.faults import Fault, Faults
from trimtab_simulator.core.keys import Keys
from trimtab_simulator.core.protocols import (
    AUTH_LATE,
    DataSession,
    Message,
    UpdatesSession,
    update_message,
)
from trimtab_simulator.core.updates import Update
from trimtab_simulator.metrics import SimulatorMetrics

AUTH_SECONDS = 10.0
HEARTBEAT_SECONDS = 20.0
MESSAGE_BYTES_MAX = 1_000_000
UPDATES_PATH = "/stream"
DATA_PATHS = ("/v2/iex", "/v2/sip", "/v1beta3/crypto/us")
MSGPACK = "application/msgpack"
SIMULATED_HEADER = {"X-Trimtab": "SIMULATED"}

Encode = Callable[[Any], Frame]
Session = DataSession | UpdatesSession


def as_json(value: Any) -> Frame:
    """JSON in binary frames, as trade updates come."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)


def as_json_text(value: Any) -> Frame:
    """JSON in text frames, as data comes to clients that did not ask for MessagePack."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z).decode()


def as_msgpack(value: Any) -> Frame:
    """MessagePack with its timestamp extension, as Alpaca's own clients expect data."""
    packed: bytes = msgpack.packb(value, datetime=True)
    return packed


@dataclass(eq=False)
class Client:
    """A connected client, and the one place of its key that it may hold."""

    path: str
    connection: Connection
    encode: Encode
    place: tuple[str, str] | None = None
    mute: bool = False
    """A connection loses no piece of what is sent and then goes on: once mute, it stays so."""


class Sockets:
    """Everybody who is connected. Telling never waits for anybody."""

    def __init__(
        self,
        keys: Keys,
        faults: Faults,
        metrics: SimulatorMetrics,
        *,
        one_connection_per_key: bool,
    ) -> None:
        self.changed = asyncio.Event()
        """Somebody came, subscribed or left, or a row was opened."""
        self._keys = keys
        self._faults = faults
        self._metrics = metrics
        self._one_connection_per_key = one_connection_per_key
        self._watchers: dict[DataSession, Client] = {}
        self._traders: dict[UpdatesSession, Client] = {}
        self._places: set[tuple[str, str]] = set()

    @property
    def watchers(self) -> int:
        """How many clients want bars."""
        return sum(session.watches for session in self._watchers)

    @property
    def backlog(self) -> int:
        """How many frames wait for the quickest of those who want bars."""
        watching = (client for session, client in self._watchers.items() if session.watches)
        return min((client.connection.waiting for client in watching), default=0)

    def tell(self, updates: list[Update]) -> None:
        """Push trade updates to everybody who listens, as the faults will have it."""
        if not any(session.listening for session in self._traders):
            return
        loop = asyncio.get_running_loop()
        for delay, update in self._faults.deliveries(updates):
            frame = as_json(update_message(update))
            if delay:
                loop.call_later(delay, self._push, frame)
            else:
                self._push(frame)

    def row_opened(self) -> None:
        """Let the release of rows go on."""
        self.changed.set()

    def break_sockets(self, *, updates: bool) -> None:
        """Break connections without a word."""
        for client in list((self._traders if updates else self._watchers).values()):
            client.connection.abort()

    def show(self, bars: list[Message]) -> None:
        """Send a row's bars to everybody who asked for some of them, one frame a client."""
        frames: dict[tuple[Encode, tuple[str, ...]], Frame] = {}
        for session, client in list(self._watchers.items()):
            wanted = [bar for bar in bars if session.wants(bar["S"])]
            if wanted:
                key = client.encode, tuple(bar["S"] for bar in wanted)
                if key not in frames:
                    frames[key] = client.encode(wanted)
                self._send(client, frames[key], Fault.DATA_MUTE, Fault.DATA_CLOSED)

    async def serve(self, path: str, request: web.BaseRequest) -> web.WebSocketResponse:
        """Talk to one client until it leaves."""
        socket = web.WebSocketResponse(
            compress=False, heartbeat=HEARTBEAT_SECONDS, max_msg_size=MESSAGE_BYTES_MAX
        )
        socket.headers.update(SIMULATED_HEADER)
        await socket.prepare(request)
        client = Client(path, Connection(socket, request.transport), _encoding(path, request))
        session = self._admit(client)
        late = asyncio.get_running_loop().call_later(AUTH_SECONDS, _end, session, client)
        try:
            _answer(client, session.greeting())
            async for message in socket:
                _answer(client, session.receive(_decoded(message, client.encode)))
                self.changed.set()
                if session.ended:
                    break
            await client.connection.finish()
        finally:
            late.cancel()
            self._dismiss(session, client)
        return socket

    async def close(self) -> None:
        """Say goodbye to everybody."""
        everybody = [*self._watchers.values(), *self._traders.values()]
        await asyncio.gather(*(client.connection.finish() for client in everybody))

    def _admit(self, client: Client) -> Session:
        def claim(key: str) -> bool:
            return self._claim(client, key)

        self._metrics.sockets.labels(client.path).inc()
        self._metrics.connections.labels(client.path).inc()
        if client.path == UPDATES_PATH:
            trader = UpdatesSession(self._keys, claim)
            self._traders[trader] = client
            return trader
        watcher = DataSession(self._keys, claim)
        self._watchers[watcher] = client
        return watcher

    def _claim(self, client: Client, key: str) -> bool:
        if self._faults.happens(Fault.CONNECTION_LIMIT):
            return False
        if self._one_connection_per_key:
            place = client.path, key
            if place in self._places:
                return False
            self._places.add(place)
            client.place = place
        return True

    def _dismiss(self, session: Session, client: Client) -> None:
        client.connection.drop()
        if isinstance(session, DataSession):
            del self._watchers[session]
        else:
            del self._traders[session]
        if client.place is not None:
            self._places.discard(client.place)
        self._metrics.sockets.labels(client.path).dec()
        self.changed.set()

    def _push(self, frame: Frame) -> None:
        for session, client in list(self._traders.items()):
            if session.listening:
                self._send(client, frame, Fault.UPDATES_MUTE, Fault.UPDATES_CLOSED)

    def _send(self, client: Client, frame: Frame, mute: Fault, closed: Fault) -> None:
        client.mute = client.mute or self._faults.happens(mute) is not None
        if client.mute:
            return
        if self._faults.happens(closed):
            client.connection.abort()
        elif not client.connection.offer(frame):
            # It does not read what it has; one more word would wait behind all the others.
            self._metrics.slow_clients.labels(client.path).inc()
            client.connection.abort()


def _encoding(path: str, request: web.BaseRequest) -> Encode:
    if path == UPDATES_PATH:
        return as_json
    return as_msgpack if request.headers.get("Content-Type") == MSGPACK else as_json_text


def _answer(client: Client, messages: list[Message]) -> None:
    """Data answers are lists of messages; those about trade updates come one by one."""
    if client.encode is not as_json:
        messages = [messages] if messages else []  # type: ignore[list-item]
    for message in messages:
        client.connection.offer(client.encode(message))


def _end(session: Session, client: Client) -> None:
    """A client that has not said who it is has to go."""
    if not session.authenticated:
        session.ended = True
        _answer(client, session.error(AUTH_LATE))
        client.connection.finish_soon()


def _decoded(message: WSMessage, encode: Encode) -> Any:
    """What a client said; None where that cannot be told."""
    try:
        if message.type is WSMsgType.BINARY and encode is as_msgpack:
            return msgpack.unpackb(message.data)
        return orjson.loads(message.data)
    except (ValueError, TypeError, msgpack.UnpackException):
        return None
