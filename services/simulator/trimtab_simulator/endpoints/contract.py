"""What passes between the web and an endpoint: a request, and an answer or a refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson

from trimtab_simulator.core.queries import Query
from trimtab_simulator.core.refusals import Refusal
from trimtab_simulator.core.simulator import Simulator


class Request(NamedTuple):
    """A request as the handlers see it: the path's variable parts, the query, the body."""

    parts: Mapping[str, str]
    query: Query
    body: bytes


class Answer(NamedTuple):
    """A body that becomes JSON (None: no body at all) and its status."""

    body: Any
    status: int = HTTPStatus.OK


Handler = Callable[[Simulator, Request], Answer | Refusal]
"""Reads, asks the simulator and answers at once: every request is taken in whole or not at all."""


def answered(result: Any) -> Answer | Refusal:
    """Whatever the core returned: a refusal stays one, everything else is an answer."""
    return result if isinstance(result, Refusal) else Answer(result)


def json_object(body: bytes) -> dict[str, Any] | None:
    """The object in a body, None where there is none."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
