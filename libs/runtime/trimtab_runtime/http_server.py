"""The five endpoints of every room, served in the room's own event loop, before anything else.

`/livez` speaks about this process alone; `/readyz` says whether the room can work now, `/healthz`
how it fares. All answer JSON with reasons; `/metrics` is for Prometheus, `/info` for people.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from trimtab_common.events import Health
from trimtab_runtime.health import LOOP_PATIENCE_SECONDS, Finding, HealthBoard, Impact
from trimtab_runtime.metrics import CONTENT_TYPE, RoomMetrics

TICK_SECONDS = 1.0
OK, UNAVAILABLE = 200, 503
_LEVELS = {Health.HEALTHY: 0, Health.DEGRADED: 1, Health.UNHEALTHY: 2}
_IMPACT_LEVELS = {Impact.DEGRADED: 1, Impact.UNHEALTHY: 2}


class PortTaken(OSError):
    """Another process listens where this room should."""


def create_app(board: HealthBoard, metrics: RoomMetrics) -> FastAPI:
    """The endpoints of a room; a room that serves more adds its routes to this app."""
    app = FastAPI(title=f"Trimtab {board.room}", version=board.release)

    @app.get("/livez")
    async def livez() -> JSONResponse:
        return _answer("alive", "stuck", board.dead())

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        return _answer("ready", "not ready", board.unready())

    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        report = board.report()
        content = {
            "room": board.room,
            "status": report.health.value,
            "reasons": [finding.as_json() for finding in report.findings],
            "checks": list(board.check_names()),
        }
        return JSONResponse(content, UNAVAILABLE if report.health is Health.UNHEALTHY else OK)

    @app.get("/metrics")
    async def exposition() -> Response:
        measure(board, metrics)
        return Response(metrics.exposition(), media_type=CONTENT_TYPE)

    @app.get("/info")
    async def info() -> dict[str, Any]:
        return board.info()

    return app


def measure(board: HealthBoard, metrics: RoomMetrics) -> None:
    """Bring the board's state into the metrics."""
    report = board.report()
    levels = {finding.check: _IMPACT_LEVELS[finding.impact] for finding in report.findings}
    for check in board.check_names():
        metrics.check_status.labels(check).set(levels.get(check, 0))
    metrics.health_status.set(_LEVELS[report.health])
    metrics.ready_status.set(not any(finding.affects_readiness for finding in report.findings))


class RoomServer:
    """Serves a room's app in the running event loop and feels that loop's pulse."""

    def __init__(
        self, app: FastAPI, board: HealthBoard, metrics: RoomMetrics, *, host: str, port: int
    ) -> None:
        self._server = _QuietServer(
            uvicorn.Config(
                app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2
            )
        )
        self._pulse = board.heartbeat("event_loop", LOOP_PATIENCE_SECONDS)
        self._metrics = metrics
        self._address = (host, port)
        self._tasks: list[asyncio.Task[None]] = []
        self.port = port

    async def start(self) -> None:
        """Listen; port 0 takes any free one. Raises PortTaken, which names the port."""
        listener = listen(*self._address)
        self.port = listener.getsockname()[1]
        self._tasks = [
            asyncio.create_task(self._server.serve(sockets=[listener]), name="http"),
            asyncio.create_task(self._tick(), name="event loop pulse"),
        ]
        while not self._server.started:
            if self._tasks[0].done():
                self._tasks[0].result()
                raise RuntimeError("the HTTP server ended while it started")
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Answer what was asked and stop listening."""
        self._server.should_exit = True
        for task in self._tasks[1:]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            self._metrics.loop_lag_seconds.set(max(0.0, loop.time() - due))
            self._pulse.beat()


class _QuietServer(uvicorn.Server):
    """A server that leaves the process's signals to the room."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, or the reason why there is none, with the port in it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"port {port} on {host} is taken by another process; stop it, or choose another "
                f"port with TRIMTAB_HTTP_PORT (for one room: TRIMTAB_<ROOM>_HTTP_PORT)"
            ) from None
        raise
    listener.setblocking(False)
    return listener


def _answer(good: str, bad: str, findings: list[Finding]) -> JSONResponse:
    content = {
        "status": bad if findings else good,
        "reasons": [finding.as_json() for finding in findings],
    }
    return JSONResponse(content, UNAVAILABLE if findings else OK)
