"""Where messages go is a secret, and a mistake in it stops the start without showing it."""

from __future__ import annotations

from pathlib import Path

import pytest

from trimtab_alerting.app import build
from trimtab_alerting.settings import Settings
from trimtab_runtime.errors import ConfigError
from trimtab_runtime.health import HealthBoard
from trimtab_runtime.logs import Redactor
from trimtab_runtime.metrics import RoomMetrics

ROOT = Path(__file__).parents[3]
CANARY = "c4n4ryT0ken"
URLS = f"phone=ntfys://user:{CANARY}1@host/{CANARY}2?x={CANARY}3 discord://{CANARY}4/{CANARY}5"


def start(monkeypatch: pytest.MonkeyPatch, urls: str = "", networks: str = "") -> None:
    monkeypatch.setenv("TRIMTAB_ALERT_URLS", urls)
    monkeypatch.setenv("TRIMTAB_ALERT_NETWORKS", networks)
    monkeypatch.setenv("TRIMTAB_CONFIG_DIR", str(ROOT / "config"))
    settings = Settings.read()
    board = HealthBoard("alerting", release="test", mode="sim")
    build(settings, board, RoomMetrics("alerting", "test", "sim"))


def test_it_starts_without_any_address(monkeypatch):
    start(monkeypatch)


def test_every_part_of_an_address_is_struck_out_of_the_log(monkeypatch):
    monkeypatch.setenv("TRIMTAB_ALERT_URLS", URLS)
    redact = Redactor(Settings.read().secrets())
    for number in range(1, 6):
        assert CANARY not in redact(f"error for url /x/{CANARY}{number}?y")


def test_addresses_may_stand_in_a_file_one_a_line(monkeypatch, tmp_path):
    file = tmp_path / "urls"
    file.write_text("phone=ntfys://host/topic\nmailtos://u:p@host\n")
    file.chmod(0o600)
    monkeypatch.setenv("TRIMTAB_ALERT_URLS_FILE", str(file))
    assert [target.channel for target in Settings.read().targets()] == ["phone", "owner"]


def test_a_mistake_stops_the_start_and_shows_no_secret(monkeypatch):
    with pytest.raises(ConfigError) as caught:
        start(monkeypatch, urls=CANARY)
    assert "TRIMTAB_ALERT_URLS" in str(caught.value)
    assert CANARY not in str(caught.value)


def test_networks_must_be_networks(monkeypatch):
    with pytest.raises(ConfigError, match=r"TRIMTAB_ALERT_NETWORKS.*192\.168\.1\.0/24"):
        start(monkeypatch, networks="my-lan")


def test_a_rule_may_not_name_a_channel_that_is_not_there(monkeypatch, tmp_path):
    text = (ROOT / "config" / "alerts.yaml").read_text()
    (tmp_path / "alerts.yaml").write_text(text.replace("owner]", "fone]", 1))
    monkeypatch.setenv("TRIMTAB_ALERT_URLS", "phone=ntfys://host/topic")
    monkeypatch.setenv("TRIMTAB_CONFIG_DIR", str(tmp_path))
    board = HealthBoard("alerting", release="test", mode="sim")
    with pytest.raises(ConfigError, match=r"order-filled.*found 'fone'"):
        build(Settings.read(), board, RoomMetrics("alerting", "test", "sim"))
