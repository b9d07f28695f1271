"""The room as it is built: what it refuses to start with, and what it is made of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from tests.unit.execution.servers import Serve, answering, serving
from trimtab_execution.adapters.crashing import Point
from trimtab_execution.app import build
from trimtab_execution.room import ExecutionRoom
from trimtab_execution.settings import LIVE_URL, PAPER_URL, Settings
from trimtab_runtime.errors import ConfigError
from trimtab_runtime.health import HealthBoard
from trimtab_runtime.metrics import RoomMetrics
from trimtab_runtime.settings import Mode

KEYS: dict[str, Any] = {"alpaca_key_id": "KEY", "alpaca_secret_key": "SECRET"}
ACCOUNT = {"account_number": "A1", "cash": "1", "equity": "1"}


def built(**given: Any) -> tuple[ExecutionRoom, HealthBoard]:
    settings = Settings(**given)
    mode = settings.mode.value
    board = HealthBoard("execution", release="test", mode=mode)
    return build(settings, board, RoomMetrics("execution", "test", mode)), board


KNOWN = answering(200, ACCOUNT)


@contextmanager
def a_live_broker(answer: Serve = KNOWN) -> Iterator[dict[str, Any]]:
    with serving(answer) as server:
        yield {"mode": "live", "trading_url": server.url, "read_seconds": 0.2, **KEYS}


def arm(home, account="A1", days=1.0):
    expires = datetime.now(UTC) + timedelta(days=days)
    home.mkdir(parents=True, exist_ok=True)
    arming = {"account_number": account, "expires_at": expires.isoformat()}
    (home / "ARM").write_text(json.dumps(arming))


def test_a_simulated_room_needs_no_keys_and_makes_its_journal(tmp_path):
    room, board = built(home=tmp_path / "home")
    assert (tmp_path / "home" / "journal.db").stat().st_mode & 0o077 == 0
    assert room.info()["orders"] == 0
    assert {finding.check for finding in board.report().findings} >= {"update_stream", "start"}


@pytest.mark.parametrize("mode", ["paper", "live"])
def test_a_real_broker_needs_keys(mode):
    with pytest.raises(ConfigError, match=f"the keys of the {mode} account"):
        built(mode=mode)


def test_each_mode_has_its_own_address():
    paper = Settings(mode=Mode.PAPER, **KEYS)
    assert (paper.rest_url, paper.stream_url) == (
        PAPER_URL,
        "wss://paper-api.alpaca.markets/stream",
    )
    assert Settings(mode=Mode.LIVE, **KEYS).rest_url == LIVE_URL
    assert Settings().stream_url == "ws://127.0.0.1:8190/stream"


def test_orders_go_to_the_simulator_in_simulations_only():
    where: dict[str, Any] = {"simulator_url": "http://simulator:8190/"}
    assert Settings(**where).rest_url == "http://simulator:8190"
    assert Settings(mode=Mode.PAPER, **where, **KEYS).rest_url == PAPER_URL


def test_a_first_start_at_a_broker_is_held_where_that_is_asked_for(tmp_path):
    built(home=tmp_path / "free", mode="paper", **KEYS)
    assert not (tmp_path / "free" / "HALT").exists()
    built(home=tmp_path / "held", mode="paper", hold_first_start=True, **KEYS)
    assert "first start in paper mode" in (tmp_path / "held" / "HALT").read_text()


def test_live_without_a_persons_word_does_not_start(tmp_path):
    with a_live_broker() as settings, pytest.raises(ConfigError, match="not armed"):
        built(home=tmp_path, **settings)


def test_live_armed_for_another_account_does_not_start(tmp_path):
    arm(tmp_path, account="A2")
    with a_live_broker() as settings, pytest.raises(ConfigError, match="A2, the keys for A1"):
        built(home=tmp_path, **settings)


def test_live_does_not_start_while_nobody_can_say_whose_keys_these_are(tmp_path):
    arm(tmp_path)
    busy = answering(503, {"message": "unavailable"})
    with a_live_broker(busy) as settings, pytest.raises(ConfigError, match="unavailable"):
        built(home=tmp_path, **settings)


def test_live_starts_armed(tmp_path):
    arm(tmp_path)
    with a_live_broker() as settings:
        room, _ = built(home=tmp_path, **settings)
    assert room.name == "execution"


def test_a_crash_can_be_asked_for_in_a_simulation_only(tmp_path):
    for point in Point:
        built(home=tmp_path, crash_at=f"{point.value}:2")
    with pytest.raises(ConfigError, match="nothing where orders are real"):
        built(home=tmp_path, mode="paper", crash_at="journalled", **KEYS)


@pytest.mark.parametrize("text", ["nowhere", "journalled:0", "journalled:x", "journalled:1:2"])
def test_a_crash_at_no_known_point_is_a_mistake(text, monkeypatch):
    monkeypatch.setenv("TRIMTAB_CRASH_AT", text)
    with pytest.raises(ConfigError, match="CRASH_AT"):
        Settings.read()


def test_the_journal_lies_beside_the_record_on_a_server_and_else_in_a_file_of_its_own(tmp_path):
    url = "postgresql://trimtab@host/trimtab"
    assert Settings(home=tmp_path, database_url=SecretStr(url)).journal_address() == url
    other = Settings(home=tmp_path, database_url=SecretStr("sqlite:////elsewhere/record.db"))
    for settings in (Settings(home=tmp_path), other):
        assert settings.journal_address() == tmp_path / "journal.db"
