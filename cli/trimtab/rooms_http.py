"""Asks rooms over HTTP, with little patience."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

LOOPBACK = "127.0.0.1"
PATIENCE_SECONDS = 1.0


class Reply(NamedTuple):
    """What a room answered."""

    status: int
    content: Any


def ask(
    port: int,
    path: str,
    *,
    method: str = "GET",
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    host: str = LOOPBACK,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Reply | None:
    """The JSON answer of a room, or None where nobody answers in time or it is no JSON."""
    connection = http.client.HTTPConnection(host, port, timeout=patience_seconds)
    try:
        text = None if body is None else json.dumps(body)
        kind = {} if body is None else {"Content-Type": "application/json"}
        connection.request(method, path, body=text, headers={**kind, **(headers or {})})
        response = connection.getresponse()
        raw = response.read()
        return Reply(response.status, json.loads(raw) if raw else None)
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
