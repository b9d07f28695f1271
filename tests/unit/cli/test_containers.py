"""`status` and `positions` where each room answers under a name of its own."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator

import pytest
from typer.testing import CliRunner

from tests.integration.conftest import free_port
from trimtab.app import build
from trimtab.supervisor.plan import EXCHANGE, ROOMS

INFO = {
    "generation": 2, "row": "2024-01-02T14:32:00Z", "release": "r1", "state": "NORMAL",
    "equity": "100", "cash": "40", "positions": {"SPY": {
        "quantity": "3", "average_cost": "19", "mark": "20", "value": "60", "unrealised": "3"}},
}  # fmt: skip
ANSWERS = {
    "/healthz": {"status": "HEALTHY", "reasons": []},
    "/readyz": {"status": "ready", "reasons": []},
    "/info": INFO,
}


class Answers(http.server.BaseHTTPRequestHandler):
    """A room that is content."""

    def do_GET(self) -> None:
        body = json.dumps(ANSWERS[self.path]).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Commands in an empty folder; every room has a port on which nobody listens yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRIMTAB_ROOM_HOST", "127.0.0.1")
    for name in (EXCHANGE, *ROOMS):
        monkeypatch.setenv(f"TRIMTAB_{name.upper()}_HTTP_PORT", str(free_port()))
    return lambda *arguments: CliRunner().invoke(build(), arguments)


@pytest.fixture
def listening(monkeypatch) -> Iterator[Callable[[str], None]]:
    """Let a room answer."""
    servers = []

    def listen(name: str) -> None:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv(f"TRIMTAB_{name.upper()}_HTTP_PORT", str(server.server_port))
        servers.append(server)

    yield listen
    for server in servers:
        server.shutdown()
        server.server_close()


def test_rooms_that_no_supervisor_runs_are_asked_themselves(run, listening):
    for name in (EXCHANGE, *ROOMS):
        listening(name)
    outcome = run("status", "--json")
    assert outcome.exit_code == 0
    said = json.loads(outcome.stdout)
    assert (said["state"], said["health"], said["mode"]) == ("running", "HEALTHY", "sim")
    assert said["rooms"]["risk"]["row"] == INFO["row"]
    assert said["account"]["equity"] == "100"
    assert "SPY" in run("positions").stdout


def test_a_room_that_does_not_answer_is_named(run, listening):
    listening("risk")
    outcome = run("status")
    assert outcome.exit_code == 1
    assert "execution: it does not answer" in outcome.stdout


def test_where_no_room_answers_nothing_runs(run):
    assert run("status").exit_code == 3
    assert run("positions").exit_code == 3


def test_what_is_no_name_of_a_host_is_wrong_use(run, monkeypatch):
    monkeypatch.setenv("TRIMTAB_ROOM_HOST", "{room}/x")
    outcome = run("status")
    assert outcome.exit_code == 2
    assert "TRIMTAB_ROOM_HOST" in outcome.stderr
