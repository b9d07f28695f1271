"""A lean HTTP session for alpaca-py's client: time-outs always, retries never, one connection.

The client's own session waits for ever on a silent server and repeats orders on some errors; and a
request through it costs twice the time. The client only calls `request` and reads four things of
the answer, so a pool behind that seam is enough.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import orjson
import urllib3
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import HTTPError

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
FIRST_ERROR = 400


class Answer:
    """What the client reads of an HTTP answer."""

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self.status_code = response.status
        self.headers = response.headers
        self._body = response.data

    @property
    def text(self) -> str:
        return self._body.decode("utf-8", "replace")

    def json(self) -> Any:
        return orjson.loads(self._body)

    def raise_for_status(self) -> None:
        if self.status_code >= FIRST_ERROR:
            raise HTTPError(f"status {self.status_code}", response=self)  # type: ignore[arg-type]


class LeanSession:
    """Stands where the client keeps its requests session."""

    def __init__(self, *, read_seconds: float = READ_SECONDS) -> None:
        self._timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds)
        self._pool = urllib3.PoolManager(maxsize=1, retries=False)

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
        body = None
        if json is not None:
            body = orjson.dumps(json)
            headers = {**headers, "Content-Type": "application/json"}
        try:
            response = self._pool.request(
                method,
                url,
                fields=_plain(params),
                body=body,
                headers=headers,
                timeout=self._timeout,
                redirect=allow_redirects,
            )
        except urllib3.exceptions.HTTPError as error:
            raise RequestsConnectionError(str(error)) from None
        return Answer(response)


def _plain(params: dict[str, Any] | None) -> dict[str, Any] | None:
    """The client passes members of its enums; in an address only their values make sense."""
    if not params:
        return None
    return {
        name: value.value if isinstance(value, Enum) else value for name, value in params.items()
    }
