"""How ingest is put together: what stops the start, and what is said about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from trimtab_ingest.app import build
from trimtab_ingest.room import IngestRoom
from trimtab_ingest.settings import Settings
from trimtab_runtime.errors import ConfigError
from trimtab_runtime.health import HealthBoard
from trimtab_runtime.metrics import RoomMetrics

UNIVERSE = """
groups:
  - {name: stocks, calendar: XNYS, timeframes: [1m, 1d], feed: FEED, symbols: [AAPL, MSFT]}
"""


def built(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, feed: str = "iex", **variables: str
) -> IngestRoom:
    (folder / "universe.yaml").write_text(UNIVERSE.replace("FEED", feed))
    for name, value in {"CONFIG_DIR": str(folder), **variables}.items():
        monkeypatch.setenv(f"TRIMTAB_{name}", value)
    settings = Settings.read()
    metrics = RoomMetrics("ingest", "test", settings.mode.value)
    return build(settings, HealthBoard("ingest", release="test", mode="sim"), metrics)


KEYS = {"ALPACA_KEY_ID": "key", "ALPACA_SECRET_KEY": "secret"}


def test_a_simulator_needs_no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = built(tmp_path, monkeypatch)
    assert room.info() == {"row": None}
    assert room.waiting_for is not None


@pytest.mark.parametrize("mode", ["paper", "live"])
def test_a_broker_is_not_asked_before_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    assert built(tmp_path, monkeypatch, MODE=mode, **KEYS).name == "ingest"


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"MODE": "paper"}, "TRIMTAB_ALPACA_KEY_ID"),
        ({"MODE": "paper", **KEYS, "feed": "simulated"}, "must be iex or sip"),
        ({"MODE": "paper", **KEYS, "INGEST_SYMBOLS_MAX": "1"}, "allows 1"),
        ({"MODE": "paper", **KEYS, "INGEST_SYMBOLS": "all"}, "list them in universe.yaml"),
        ({"INGEST_SYMBOLS": "some"}, "TRIMTAB_INGEST_SYMBOLS"),
        ({"SIMULATOR_URL": "localhost"}, "TRIMTAB_INGEST_SIMULATOR_URL"),
        ({"INGEST_DAILY_GRACE_SECONDS": "1"}, "must not be shorter"),
        ({"INGEST_ROW_GRACE_SECONDS": "0"}, "ROW_GRACE_SECONDS"),
        ({"CONFIG_DIR": "nowhere"}, "no such file"),
    ],
)
def test_what_cannot_work_stops_the_start_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        built(tmp_path, monkeypatch, **variables)


def test_a_simulator_of_which_everything_is_wanted_needs_no_universe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = built(tmp_path, monkeypatch, INGEST_SYMBOLS="all", CONFIG_DIR=str(tmp_path / "none"))
    assert room.name == "ingest"
