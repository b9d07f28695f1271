"""A server on a real socket that answers as it is told, byte by byte if need be."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Serve = Callable[[socket.socket, bytes], bool | None]
"""Answers one request; True to go on with this connection."""


class Server:
    """Serves each request with the next of its answers, the last one again and again."""

    def __init__(self, answers: list[Serve]) -> None:
        self._answers = answers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.requests: list[bytes] = []
        self.connections = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            while request := read_request(connection):
                self.requests.append(request)
                serve = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                if not serve(connection, request):
                    return

    def close(self) -> None:
        self._listener.close()


@contextmanager
def serving(*answers: Serve) -> Iterator[Server]:
    server = Server(list(answers))
    try:
        yield server
    finally:
        server.close()


def read_request(connection: socket.socket) -> bytes:
    """One whole request; empty when the client has gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        try:
            part = connection.recv(65536)
        except OSError:
            return b""
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            while len(body) < int(line.split(b":")[1]):
                body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answering(status: int, body: Any) -> Serve:
    """A whole answer, with the connection kept open."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()

    def serve(connection: socket.socket, request: bytes) -> bool:
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: {len(raw)}\r\n\r\n".encode() + raw)
        return True

    return serve


def silence(connection: socket.socket, request: bytes) -> bool:
    """Take the request and never say a word."""
    threading.Event().wait(3)
    return False


def reset(connection: socket.socket, request: bytes) -> bool:
    """Break the connection hard."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    return False


def goodbye(connection: socket.socket, request: bytes) -> bool:
    """Close the connection without an answer."""
    return False


def half_an_answer(connection: socket.socket, request: bytes) -> bool:
    """Promise more than is sent."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id": "abc"')
    return False


def nonsense(connection: socket.socket, request: bytes) -> bool:
    """Speak another protocol."""
    connection.sendall(b"+PONG\r\n")
    return False


def answer_and_close(connection: socket.socket, request: bytes) -> bool:
    """A whole answer, and then the server closes a connection that it promised to keep."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 1}')
    return False


def redirect(connection: socket.socket, request: bytes) -> bool:
    """Send the client elsewhere."""
    connection.sendall(
        b"HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    )
    return True
