"""A lean HTTP session for alpaca-py's client: time-outs always, retries never, one connection.

The client's own session waits for ever on a silent server and repeats orders on some errors; and a
request through it costs three times the time. The client only calls `request` and reads a few
things of the answer, so the standard library's connection behind that seam is enough.
"""

from __future__ import annotations

import select
import socket
import ssl
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import HTTPError

CONNECT_SECONDS = 3.0
FIRST_ERROR = 400


class Answer:
    """What the client reads of an HTTP answer."""

    def __init__(self, status_code: int, headers: HTTPMessage, body: bytes) -> None:
        self.status_code = status_code
        self.headers = headers
        self._body = body

    @property
    def text(self) -> str:
        return self._body.decode("utf-8", "replace")

    def json(self) -> Any:
        return orjson.loads(self._body)

    def raise_for_status(self) -> None:
        if self.status_code >= FIRST_ERROR:
            raise HTTPError(f"status {self.status_code}", response=self)  # type: ignore[arg-type]


class LeanSession:
    """Stands where the client keeps its requests session. For one thread and one server."""

    def __init__(self, url: str, *, read_seconds: float) -> None:
        parts = urlsplit(url)
        self._read_seconds = read_seconds
        self._prefix = f"{parts.scheme}://{parts.netloc}"
        host = parts.hostname or ""
        if parts.scheme == "https":
            context = ssl.create_default_context()
            self._connection: HTTPConnection = HTTPSConnection(
                host, parts.port, timeout=CONNECT_SECONDS, context=context
            )
        else:
            self._connection = HTTPConnection(host, parts.port, timeout=CONNECT_SECONDS)

    def request(  # the signature is the client's
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str],
        params: Any = None,
        json: Any = None,
        allow_redirects: bool = False,
    ) -> Answer:
        """One attempt. Raises requests' ConnectionError when there was no whole answer."""
        del allow_redirects  # none is ever followed: an order goes to no other address
        target = url.removeprefix(self._prefix)
        if params:
            # A parameter may be a member of an enumeration, whose text is not its value.
            plain = {name: getattr(value, "value", value) for name, value in params.items()}
            target += f"?{urlencode(plain)}"
        body = None
        if json is not None:
            body = orjson.dumps(json)
            headers = {**headers, "Content-Type": "application/json"}
        try:
            self._connect()
            self._connection.request(method, target, body, headers)
            response = self._connection.getresponse()
            return Answer(response.status, response.headers, self._whole(response))
        except (OSError, HTTPException) as error:
            self._connection.close()
            raise RequestsConnectionError(f"{type(error).__name__}: {error}") from None

    def close(self) -> None:
        """Let the connection go; the next request makes a new one."""
        self._connection.close()

    def _connect(self) -> None:
        """Have a connection that was not closed from the other side while nobody used it."""
        held: socket.socket | None = self._connection.sock
        if held is not None and select.select([held], [], [], 0)[0]:
            self._connection.close()
            held = None
        if held is None:
            self._connection.connect()
            self._connection.sock.settimeout(self._read_seconds)

    def _whole(self, response: HTTPResponse) -> bytes:
        """The body; an answer cut short is none."""
        body = response.read()
        if response.will_close:
            self._connection.close()
        return body
