"""Settings come from variables, `.env` and secret files, and complaints name the variable."""

from pathlib import Path
from typing import ClassVar

import pytest

from trimtab_runtime.environment import read_secret
from trimtab_runtime.errors import ConfigError
from trimtab_runtime.settings import ROOM_PORTS, AlpacaKeys, Mode, RoomSettings


class ExecutionSettings(AlpacaKeys):
    """A room's settings, as rooms write them."""

    room: ClassVar[str] = "execution"


def secret_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def refusal(settings: type[RoomSettings] = ExecutionSettings) -> str:
    with pytest.raises(ConfigError) as refused:
        settings.read()
    return str(refused.value)


def test_everything_has_a_default_but_secrets_are_unset(monkeypatch, tmp_path):
    monkeypatch.delenv("TRIMTAB_HOME")
    monkeypatch.chdir(tmp_path)
    settings = ExecutionSettings.read()
    assert settings.mode is Mode.SIM
    assert settings.home == Path("var")
    assert settings.stream_prefix == "trimtab:"
    assert settings.http_host == "127.0.0.1"
    assert settings.alpaca_key_id is None
    assert settings.redis_address() is None
    assert settings.database_address() == "sqlite:///var/trimtab.db"


def test_a_room_listens_on_its_own_port_unless_told_otherwise(monkeypatch):
    assert ExecutionSettings.read().http_port == ROOM_PORTS["execution"]
    monkeypatch.setenv("TRIMTAB_HTTP_PORT", "9000")
    assert ExecutionSettings.read().http_port == 9000
    monkeypatch.setenv("TRIMTAB_EXECUTION_HTTP_PORT", "9004")
    assert ExecutionSettings.read().http_port == 9004


@pytest.mark.parametrize(
    "text", ["PK123", " PK123 ", "PK123\n", "PK123\r\n", '"PK123"', "'PK123'\n"]
)
def test_what_shells_leave_around_a_secret_is_taken_off(monkeypatch, text):
    monkeypatch.setenv("TRIMTAB_ALPACA_KEY_ID", text)
    key = ExecutionSettings.read().alpaca_key_id
    assert key is not None
    assert key.get_secret_value() == "PK123"


def test_an_empty_variable_counts_as_unset(monkeypatch):
    monkeypatch.setenv("APCA_API_KEY_ID", "")
    monkeypatch.setenv("TRIMTAB_MODE", " ")
    settings = ExecutionSettings.read()
    assert settings.alpaca_key_id is None
    assert settings.mode is Mode.SIM


def test_the_brokers_own_names_are_read_after_ours(monkeypatch):
    monkeypatch.setenv("APCA_API_KEY_ID", "theirs")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "theirs")
    monkeypatch.setenv("TRIMTAB_ALPACA_KEY_ID", "ours")
    settings = ExecutionSettings.read()
    assert settings.secrets() == ["ours", "theirs"]


def test_a_secret_may_lie_in_a_file(monkeypatch, tmp_path):
    monkeypatch.setenv("APCA_API_SECRET_KEY_FILE", str(secret_file(tmp_path, "﻿deep secret\n")))
    assert "without spaces" in refusal()
    secret_file(tmp_path, "deep-secret\n")
    key = ExecutionSettings.read().alpaca_secret_key
    assert key is not None
    assert key.get_secret_value() == "deep-secret"


@pytest.mark.parametrize(
    ("text", "mode", "complaint"),
    [
        ("", 0o600, "an empty file"),
        ("\n\n", 0o600, "an empty file"),
        ("secret", 0o604, "mode 0604"),
        ("secret", 0o620, "mode 0620"),
        ("s" * 70_000, 0o600, "at most"),
    ],
)
def test_a_secret_file_that_is_empty_or_open_to_others_is_refused(
    monkeypatch, tmp_path, text, mode, complaint
):
    path = secret_file(tmp_path, text, mode)
    monkeypatch.setenv("TRIMTAB_ALPACA_KEY_ID_FILE", str(path))
    assert complaint in refusal()
    assert str(path) in refusal()


def test_a_mounted_secret_has_its_orchestrators_mode_and_may_be_left_empty(tmp_path):
    path = secret_file(tmp_path, "deep-secret\n", 0o644)
    with pytest.raises(ConfigError, match="mode 0644"):
        read_secret(path, "TRIMTAB_REDIS_URL")
    assert read_secret(path, "TRIMTAB_REDIS_URL", mounts=[tmp_path]) == "deep-secret"
    empty = secret_file(tmp_path, "\n", 0o644)
    assert read_secret(empty, "TRIMTAB_REDIS_URL", mounts=[tmp_path]) == ""


def test_a_secret_file_that_is_missing_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("TRIMTAB_REDIS_URL_FILE", str(tmp_path / "nowhere"))
    assert "TRIMTAB_REDIS_URL_FILE" in refusal()


def test_a_value_and_a_file_for_it_are_one_too_many(monkeypatch, tmp_path):
    monkeypatch.setenv("TRIMTAB_ALPACA_KEY_ID", "key-in-variable")
    monkeypatch.setenv("TRIMTAB_ALPACA_KEY_ID_FILE", str(secret_file(tmp_path, "x")))
    assert "only one of the two" in refusal()


def test_every_complaint_names_its_variable_and_shows_no_secret(monkeypatch):
    monkeypatch.setenv("TRIMTAB_MODE", "prod")
    monkeypatch.setenv("TRIMTAB_HTTP_PORT", "99999")
    monkeypatch.setenv("APCA_API_KEY_ID", "canary with spaces")
    lines = refusal().splitlines()
    assert len(lines) == 3
    assert lines[0].endswith("expected 'sim', 'paper' or 'live'; found 'prod'")
    assert "TRIMTAB_EXECUTION_HTTP_PORT or TRIMTAB_HTTP_PORT" in lines[1]
    assert "APCA_API_KEY_ID" in lines[2]
    assert "canary" not in refusal()


def test_an_env_file_in_the_working_folder_is_read_below_the_environment(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(
        "TRIMTAB_MODE=paper\nTRIMTAB_LOG_LEVEL='debug'\nOTHER=${HOME}\nTRIMTAB_STREAM_PREFIX=a:\n"
    )
    monkeypatch.setenv("TRIMTAB_LOG_LEVEL", "error")
    settings = ExecutionSettings.read()
    assert (settings.mode, settings.log_level, settings.stream_prefix) == ("paper", "error", "a:")


def test_secrets_are_hidden_wherever_settings_are_printed(monkeypatch):
    monkeypatch.setenv("TRIMTAB_REDIS_URL", "redis://:canary@127.0.0.1:1/0")
    settings = ExecutionSettings.read()
    assert "canary" not in f"{settings!r} {settings} {settings.model_dump()}"
    assert settings.redis_address() == "redis://:canary@127.0.0.1:1/0"
    assert "canary" in settings.secrets()


def test_the_embedded_servers_address_is_found_in_the_home(tmp_path):
    settings = ExecutionSettings(home=tmp_path)
    assert settings.redis_address() is None
    settings.at_home.made(settings.at_home.redis)
    settings.at_home.redis_url.write_text("redis://:p@127.0.0.1:5/0\n")
    assert settings.redis_address() == "redis://:p@127.0.0.1:5/0"


@pytest.mark.parametrize("url", ["mysql://me:canary@host/x", "trimtab.db", "sqlite://"])
def test_a_database_that_nobody_here_knows_is_refused_without_showing_it(monkeypatch, url):
    monkeypatch.setenv("TRIMTAB_DATABASE_URL", url)
    with pytest.raises(ConfigError, match=r"TRIMTAB_DATABASE_URL.*postgresql://") as caught:
        ExecutionSettings.read()
    assert "canary" not in str(caught.value)
