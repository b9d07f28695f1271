"""What the owner types, and what comes back: words, exit codes, one JSON object."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from trimtab.app import COMMANDS, build
from trimtab_runtime.home import Home

NAMES = [name for commands in COMMANDS.values() for name in commands]
SLOW = ("alpaca", "faststream", "numpy", "pandas", "pydantic", "redis", "sqlalchemy", "uvicorn")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    application = build()
    return lambda *arguments, **options: CliRunner().invoke(application, arguments, **options)


def last_object(outcome):
    return json.loads(outcome.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", [*NAMES, "dead"])
def test_every_command_explains_itself(run, name):
    outcome = run(name, "--help")
    assert outcome.exit_code == 0
    assert "Usage" in outcome.stdout


@pytest.mark.parametrize("name", [name for name in NAMES if name != "parity"])
def test_every_command_answers_in_json_on_request(run, name):
    assert "--json" in run(name, "--help").stdout


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from trimtab.app import build; build()\n"
        f"print([name for name in {SLOW!r} if name in sys.modules])"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert outcome.stdout.strip() == "[]"


def test_an_unknown_command_is_wrong_use(run):
    assert run("flattn").exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("positions",),
        ("orders",),
        ("down",),
        ("restart", "risk"),
        ("flatten", "--yes"),
        ("resume",),
        ("why", "AAPL"),
        ("dead", "list"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_what_needs_the_system_says_that_it_does_not_run(run, arguments):
    outcome = run(*arguments)
    assert outcome.exit_code == 3
    assert outcome.stderr.strip()
    assert "Traceback" not in outcome.stderr
    assert last_object(run(*arguments, "--json"))["exit_code"] == 3


def test_halt_works_with_nothing_running_and_resume_takes_it_back(run, tmp_path):
    home = Home(tmp_path / "elsewhere")
    outcome = run("halt", "--reason", "storm", "--home", str(home.root), "--json")
    assert outcome.exit_code == 0
    assert last_object(outcome) == {
        "halted": True,
        "file": str(home.halt),
        "rooms_told": False,
    }
    assert "storm" in home.halt.read_text()
    assert run("resume", "--home", str(home.root)).exit_code == 3
    assert not home.halt.exists()


def test_halt_works_with_settings_that_cannot_be_read(run, tmp_path, monkeypatch):
    monkeypatch.setenv("TRIMTAB_MODE", "reckless")
    assert run("status").exit_code == 2
    outcome = run("halt", "--home", str(tmp_path / "home"))
    assert outcome.exit_code == 0
    assert (tmp_path / "home" / "HALT").exists()


def test_a_halt_that_cannot_be_written_is_not_claimed(run, tmp_path):
    (tmp_path / "file").touch()
    outcome = run("halt", "--home", str(tmp_path / "file"))
    assert outcome.exit_code == 1
    assert "NOT HALTED" in outcome.stderr


def test_a_wrong_setting_is_named_with_what_was_expected(run, monkeypatch):
    monkeypatch.setenv("TRIMTAB_MODE", "reckless")
    outcome = run("status")
    assert "TRIMTAB_MODE" in outcome.stderr
    assert "paper" in outcome.stderr


def test_up_without_a_configuration_says_what_to_do(run):
    outcome = run("up")
    assert outcome.exit_code == 2
    assert "trimtab init" in outcome.stderr


def test_up_with_a_broker_needs_keys(run, tmp_path):
    (tmp_path / "config").mkdir()
    outcome = run("up", "--mode", "paper")
    assert outcome.exit_code == 2
    assert "keys" in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("demo", "--speed", "warp"), "warp"),
        (("demo", "--data", "nowhere.parquet"), "nowhere.parquet"),
        (("demo", "--symbols", "AAPL,BTC/USD"), "mixes"),
        (("demo", "--home", "."), "not empty"),
        (("why", "no such thing"), "symbol"),
        (("logs", "kitchen"), "kitchen"),
        (("restart", "kitchen"), "kitchen"),
        (("why", "AAPL", "--at", "noon"), "noon"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_use_names_what_is_wrong(run, tmp_path, arguments, word):
    (tmp_path / "something").touch()
    outcome = run(*arguments)
    assert outcome.exit_code == 2
    assert word in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_logs_that_do_not_exist_yet_are_no_error_of_the_owner(run):
    assert run("logs", "risk").exit_code == 1
