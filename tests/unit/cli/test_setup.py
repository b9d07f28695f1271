"""`init`, `check-config`, `show-config` and `doctor` in a folder of the owner's."""

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trimtab.app import build
from trimtab.setup import shipped_config


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    application = build()
    return lambda *arguments, **options: CliRunner().invoke(application, arguments, **options)


def last_object(outcome):
    return json.loads(outcome.stdout.splitlines()[-1])


def test_init_writes_everything_that_is_missing(run, tmp_path):
    outcome = run("init", "--yes", "--json")
    assert outcome.exit_code == 0
    written = {Path(name).name for name in last_object(outcome)["written"]}
    assert {source.name for source in shipped_config().glob("*.yaml")} <= written
    assert (tmp_path / ".env.example").exists()
    assert (tmp_path / "user_data" / "strategies").is_dir()


def test_init_changes_nothing_that_exists(run, tmp_path):
    (tmp_path / "config").mkdir()
    mine = tmp_path / "config" / "universe.yaml"
    mine.write_text("# mine\n")
    run("init", "--yes")
    assert mine.read_text() == "# mine\n"
    assert last_object(run("init", "--yes", "--json"))["written"] == []


def test_init_without_a_key_goes_on_without(run, tmp_path):
    outcome = run("init", "--json", input="\n")
    assert outcome.exit_code == 0
    assert last_object(outcome)["keys"] == "none"
    assert not (tmp_path / ".env").exists()


def test_the_shipped_configuration_is_good(run):
    run("init", "--yes")
    outcome = run("check-config", "--json")
    assert last_object(outcome) == {"ok": True, "problems": []}
    assert outcome.exit_code == 0


def test_a_wrong_line_is_named_with_its_file_and_key(run, tmp_path):
    run("init", "--yes")
    universe = tmp_path / "config" / "universe.yaml"
    universe.write_text(universe.read_text().replace("calendar: XNYS", "calendar: MOON", 1))
    outcome = run("check-config")
    assert outcome.exit_code == 1
    assert "universe.yaml" in outcome.stdout
    assert "calendar" in outcome.stdout


def test_a_wrong_variable_of_a_room_is_found_too(run, monkeypatch):
    run("init", "--yes")
    monkeypatch.setenv("TRIMTAB_RISK_PATIENCE_SECONDS", "-1")
    outcome = run("check-config")
    assert outcome.exit_code == 1
    assert "TRIMTAB_RISK_PATIENCE_SECONDS" in outcome.stdout


def test_what_is_in_force_is_shown_and_secrets_are_not(run, monkeypatch):
    run("init", "--yes")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "hush-hush-hush")
    outcome = run("show-config", "--json")
    shown = last_object(outcome)
    assert shown["settings"]["risk"]["mode"] == "sim"
    assert "universe.yaml" in shown["files"]
    assert "hush" not in outcome.stdout


def test_the_doctor_finds_a_missing_configuration_and_says_what_to_do(run):
    outcome = run("doctor", "--json")
    findings = last_object(outcome)["findings"]
    (config,) = [finding for finding in findings if finding["subject"] == "config"]
    assert outcome.exit_code == 1
    assert config["grade"] == "fail"
    assert "init" in config["advice"]


def test_the_doctor_sees_a_home_that_others_can_read(run, tmp_path):
    home = tmp_path / "open"
    home.mkdir(mode=0o755)
    findings = last_object(run("doctor", "--home", str(home), "--json"))["findings"]
    (found,) = [finding for finding in findings if finding["subject"] == "home"]
    assert found["grade"] == "warn"
    home.chmod(0o700)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_the_doctor_notices_a_supervisor_that_died_without_a_word(run, tmp_path):
    (tmp_path / "home" / "run").mkdir(parents=True)
    (tmp_path / "home" / "run" / "supervisor.pid").write_text("99999999\n")
    findings = last_object(run("doctor", "--json"))["findings"]
    (found,) = [finding for finding in findings if finding["subject"] == "supervisor"]
    assert found["grade"] == "warn"
    assert "99999999" in found["text"]
