"""A local HTTP server that plays somebody's webhook, in every mood."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LARGE = 10_000_000


class Webhook:
    """Keeps what it was sent. `mood` says how it answers."""

    def __init__(self) -> None:
        self.mood = "well"
        self.received: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.release = threading.Event()
        """Set: a hanging answer is given after all."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}/hook"

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.received]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                webhook.paths.append(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                ANSWERS[webhook.mood](webhook, self, json.loads(body))

            def do_GET(self) -> None:
                webhook.paths.append(self.path)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    @contextmanager
    def running(self) -> Iterator[Webhook]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield self
        finally:
            self.release.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()


Answer = Callable[[Webhook, BaseHTTPRequestHandler, dict[str, Any]], None]


def _well(webhook: Webhook, request: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
    webhook.received.append(body)
    _reply(request, 200)


def _busy(webhook: Webhook, request: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
    _reply(request, 429)


def _broken(webhook: Webhook, request: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
    _reply(request, 500)


def _elsewhere(webhook: Webhook, request: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
    _reply(request, 302, ("Location", "/secrets"))


def _hanging(webhook: Webhook, request: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
    webhook.release.wait()


def _talkative(webhook: Webhook, request: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
    webhook.received.append(body)
    request.send_response(200)
    request.send_header("Content-Length", str(LARGE))
    request.end_headers()
    request.wfile.write(b"x" * LARGE)


def _reply(request: BaseHTTPRequestHandler, status: int, *headers: tuple[str, str]) -> None:
    request.send_response(status)
    for name, text in headers:
        request.send_header(name, text)
    request.send_header("Content-Length", "0")
    request.end_headers()


ANSWERS: dict[str, Answer] = {
    "well": _well,
    "busy": _busy,
    "broken": _broken,
    "elsewhere": _elsewhere,
    "hanging": _hanging,
    "talkative": _talkative,
}
