"""The HTTP server: finds the endpoint, checks the keys, misbehaves if told to, answers in JSON."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Mapping
from http import HTTPStatus
from time import perf_counter
from typing import Any, NamedTuple
from urllib.parse import unquote

import orjson
from aiohttp import web

from trimtab_simulator.adapters.room_endpoints import RoomEndpoints
from trimtab_simulator.adapters.sockets import (
    DATA_PATHS,
    SIMULATED_HEADER,
    UPDATES_PATH,
    Sockets,
)
from trimtab_simulator.core.faults import AFTER, BEFORE, Happening
from trimtab_simulator.core.keys import Keys
from trimtab_simulator.core.occurrences import Asked
from trimtab_simulator.core.queries import Query
from trimtab_simulator.core.refusals import Refusal, not_found
from trimtab_simulator.core.simulator import Simulator
from trimtab_simulator.endpoints.contract import Answer, Handler, Request
from trimtab_simulator.metrics import SimulatorMetrics

KEYS_NEEDED = "/v2/"
ALPACAS = ("/v2/", "/v1beta3/")
KEEP_ALIVE_SECONDS = 3_600.0
SHUTDOWN_SECONDS = 0.5
JSON_HEADERS = {"Content-Type": "application/json; charset=UTF-8", **SIMULATED_HEADER}
SOCKET_PATHS = frozenset({UPDATES_PATH, *DATA_PATHS})


class Found(NamedTuple):
    """An endpoint, its name in the table, and the variable parts of the path."""

    name: str
    handler: Handler
    parts: Mapping[str, str]


class Routes:
    """The table of endpoints, looked up by method and path."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._exact = {name: Found(name, handler, {}) for name, handler in handlers.items()}
        self._patterns = [
            (name.replace(" ", "/").split("/"), name, handler)
            for name, handler in handlers.items()
            if "{" in name
        ]

    def find(self, method: str, path: str) -> Found | None:
        """The endpoint of a path as it was sent; a slash written as %2F separates nothing."""
        exact = self._exact.get(f"{method} {path}")
        if exact is not None:
            return exact
        given = f"{method}/{path}".split("/")
        for pattern, name, handler in self._patterns:
            parts = _match(pattern, given)
            if parts is not None:
                return Found(name, handler, parts)
        return None


def _match(pattern: list[str], given: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(given):
        return None
    parts = {}
    for wanted, segment in zip(pattern, given, strict=True):
        if wanted.startswith("{") and segment:
            parts[wanted[1:-1]] = unquote(segment)
        elif wanted != segment:
            return None
    return parts


class WebServer:
    """Serves the exchange, its sockets and the room's own endpoints on one port."""

    def __init__(
        self,
        simulator: Simulator,
        sockets: Sockets,
        room: RoomEndpoints,
        keys: Keys,
        metrics: SimulatorMetrics,
        handlers: Mapping[str, Handler],
    ) -> None:
        self._simulator = simulator
        self._sockets = sockets
        self._room = room
        self._keys = keys
        self._metrics = metrics
        self._routes = Routes(handlers)
        self._runner: web.ServerRunner | None = None
        self._broken = asyncio.Event()
        self._error: Exception | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen, or say who is in the way."""
        server = web.Server(self._handle, access_log=None, keepalive_timeout=KEEP_ALIVE_SECONDS)
        self._runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_SECONDS)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            await self._runner.cleanup()
            if error.errno == errno.EADDRINUSE:
                raise PortTaken(
                    f"port {port} on {host} is taken by another process; stop it, or choose "
                    "another port with TRIMTAB_SIMULATOR_HTTP_PORT"
                ) from None
            raise
        self.port = self._runner.addresses[0][1]

    async def broken(self) -> None:
        """Raise what broke a handler, as soon as one breaks: what came after could be wrong."""
        await self._broken.wait()
        if self._error is not None:
            raise self._error

    async def stop(self) -> None:
        """Close every socket and stop listening."""
        await self._sockets.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.rel_url.raw_path
        if path in SOCKET_PATHS and "Upgrade" in request.headers:
            return await self._sockets.serve(path, request)
        own = self._room.answer(request.method, path)
        if own is not None:
            return web.Response(
                body=own.body,
                status=own.status,
                headers={"Content-Type": own.content_type, **SIMULATED_HEADER},
            )
        began = perf_counter()
        received_at = self._simulator.wall_clock()
        found = self._routes.find(request.method, path)
        name = found.name if found else "unknown"
        outcome = await self._outcome(request, path, found)
        if isinstance(outcome, Happening):
            self._note(request.method, path, received_at, 0, name)
            return await self._misbehave(outcome, request)
        self._note(request.method, path, received_at, outcome.status, name)
        self._metrics.request_seconds.observe(perf_counter() - began)
        return _response(outcome)

    async def _outcome(
        self, request: web.BaseRequest, path: str, found: Found | None
    ) -> Answer | Happening:
        """The answer, or what happens instead of it."""
        faults, method = self._simulator.faults, request.method
        at_alpaca = path.startswith(ALPACAS)
        happening = faults.first(BEFORE, method, path) if at_alpaca else None
        if happening is None:
            body = await request.read()
            answer = self._answer(request, path, found, body)
            happening = faults.first(AFTER, method, path) if at_alpaca else None
        if happening is None:
            return answer
        return _refused(happening.answer) if happening.answer else happening

    def _answer(
        self, request: web.BaseRequest, path: str, found: Found | None, body: bytes
    ) -> Answer:
        if path.startswith(KEYS_NEEDED):
            refusal = self._keys.refusal_of(request.headers)
            if refusal is not None:
                return _refused(refusal)
        if found is None:
            return _refused(not_found("endpoint not found."))
        asked = Request(found.parts, Query(request.query), body)
        try:
            result = found.handler(self._simulator, asked)
        except Exception as error:
            self._error = error
            self._broken.set()
            raise
        if isinstance(result, Refusal):
            return _refused(result)
        return result._replace(body=self._simulator.faults.distorted(result.body))

    async def _misbehave(
        self, happening: Happening, request: web.BaseRequest
    ) -> web.StreamResponse:
        """Say nothing for a while, then break the connection; or break it at once."""
        if not happening.breaks:
            await asyncio.sleep(happening.seconds)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)

    def _note(self, method: str, path: str, received_at: float, status: int, endpoint: str) -> None:
        """Status 0 stands for no answer at all."""
        self._metrics.requests.labels(endpoint, status).inc()
        if path.startswith(ALPACAS):
            accepted = HTTPStatus.OK <= status < HTTPStatus.BAD_REQUEST
            self._simulator.occurrences.note(
                Asked.REQUEST, received_at, accepted, method=method, path=path, status=status
            )


class PortTaken(OSError):
    """Another process listens where this room should."""


def _refused(refusal: Refusal) -> Answer:
    return Answer(refusal.body, refusal.status)


def _response(answer: Answer) -> web.Response:
    body: Any = None if answer.body is None else orjson.dumps(answer.body)
    return web.Response(body=body, status=answer.status, headers=JSON_HEADERS)
