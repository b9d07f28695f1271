"""The HTTP session over real sockets: one attempt, a time-out, a whole answer or none."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from requests.exceptions import ConnectionError as RequestsConnectionError

from tests.unit.execution.servers import (
    Serve,
    Server,
    answer_and_close,
    answering,
    goodbye,
    half_an_answer,
    nonsense,
    redirect,
    reset,
    serving,
    silence,
)
from trimtab_execution.adapters.http_session import Answer, LeanSession


@contextmanager
def session_with(
    *answers: Serve, read_seconds: float = 2.0
) -> Iterator[tuple[Callable[..., Answer], Server]]:
    """A way to ask a server that answers so, over one session."""
    with serving(*answers) as server:
        session = LeanSession(server.url, read_seconds=read_seconds)

        def ask(method: str = "POST", **arguments: Any) -> Answer:
            return session.request(
                method, f"{server.url}/v2/orders", headers={"KEY": "k"}, **arguments
            )

        with closing(session):
            yield ask, server


def test_a_request_goes_out_whole_and_an_answer_comes_back_whole():
    with session_with(answering(200, {"id": "abc"})) as (ask, server):
        answer = ask(json={"qty": 1.5})
        assert (answer.status_code, answer.json(), answer.text) == (
            200, {"id": "abc"}, '{"id": "abc"}',
        )  # fmt: skip
        (request,) = server.requests
        assert request.startswith(b"POST /v2/orders HTTP/1.1\r\n")
        assert b"KEY: k\r\n" in request
        assert request.endswith(b'\r\n\r\n{"qty":1.5}')


def test_parameters_are_quoted():
    with session_with(answering(200, [])) as (ask, server):
        ask("GET", params={"symbols": "BTC/USD", "limit": 5})
        assert server.requests[0].startswith(b"GET /v2/orders?symbols=BTC%2FUSD&limit=5 HTTP/1.1")


def test_a_connection_is_used_again():
    with session_with(answering(200, {})) as (ask, server):
        for _ in range(5):
            ask()
        assert (server.connections, len(server.requests)) == (1, 5)


@pytest.mark.parametrize("serve", [reset, goodbye, half_an_answer, nonsense])
def test_without_a_whole_answer_nothing_is_known_and_nothing_is_repeated(serve):
    with session_with(serve, answering(200, {})) as (ask, server):
        with pytest.raises(RequestsConnectionError):
            ask(json={"client_order_id": "tt-1"})
        assert len(server.requests) == 1, "an order is never sent twice by itself"
        assert ask().status_code == 200, "the next request begins anew"
        assert server.connections == 2


def test_a_silent_server_is_waited_for_no_longer_than_it_was_agreed():
    with session_with(silence, answering(200, {}), read_seconds=0.1) as (ask, _):
        with pytest.raises(RequestsConnectionError, match="timed out"):
            ask()
        assert ask().status_code == 200


def test_a_connection_that_was_closed_meanwhile_is_not_used_for_an_order():
    with session_with(answer_and_close, answering(200, {})) as (ask, server):
        ask()
        time.sleep(0.05)  # the server's goodbye arrives
        assert ask(json={"client_order_id": "tt-1"}).status_code == 200
        assert server.connections == 2


def test_nobody_listening_is_told_at_once():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(RequestsConnectionError, match="refused"):
        LeanSession(url, read_seconds=2).request("POST", url, headers={})


def test_an_order_follows_no_redirect():
    with session_with(redirect) as (ask, _):
        assert ask(allow_redirects=True).status_code == 307


def test_bytes_that_are_no_text_can_still_be_shown():
    with session_with(answering(500, b"\xff\xfe oops")) as (ask, _):
        answer = ask()
        assert answer.text.endswith("oops")
