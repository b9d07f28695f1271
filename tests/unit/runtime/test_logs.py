"""Logs: one line of JSON each, with room, event and cause, and without a single secret."""

import gzip
import json
import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from trimtab_runtime.logs import STRUCK, LogFile, Redactor

# Every way in which a secret could get into a log, in a process of its own: field, argument,
# message of a library, traceback, crash.
LEAKY_ROOM = """
import logging, sys
from pathlib import Path
from trimtab_runtime import logs
from trimtab_runtime.settings import RoomSettings

class Settings(RoomSettings):
    room = "risk"

settings = Settings(log_format=sys.argv[1], log_level="debug")
logs.configure(settings, secrets=['canary"two'])
log = logs.logger("risk")
log.info("start", settings=settings, url=settings.redis_address(), alpaca_key_id="canary-three")
with logs.handling("bar:1", cause="feed:1"):
    log.info("bar taken", symbol="AAPL", note='a canary"two here')
    logging.getLogger("library").warning("cannot reach %s", "redis://user:canary-four@host/0")
log.info("posting", to="https://discord.com/api/webhooks/12345/canary-five_x")
try:
    raise ValueError(settings.redis_address())
except ValueError:
    log.exception("failed", headers={"body": 'canary"two'})
raise RuntimeError(f"crash with {settings.redis_address()}")
"""


def run_leaky_room(tmp_path: Path, log_format: str) -> tuple[str, str]:
    """What the room wrote to the terminal and to its file."""
    ended = subprocess.run(
        [sys.executable, "-c", LEAKY_ROOM, log_format],
        env={
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "TRIMTAB_HOME": str(tmp_path),
            "TRIMTAB_RELEASE": "r1",
            "TRIMTAB_REDIS_URL": "redis://:canary-one@127.0.0.1:1/0",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    return ended.stdout + ended.stderr, (tmp_path / "logs" / "risk.log").read_text()


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_secret_reaches_terminal_or_file(tmp_path, log_format):
    terminal, file = run_leaky_room(tmp_path, log_format)
    for written in (terminal, file):
        assert "crash with" in written
        assert STRUCK in written
        assert [line for line in written.splitlines() if "canary" in line] == []


def test_every_line_says_who_when_and_about_which_event(tmp_path):
    terminal, file = run_leaky_room(tmp_path, "json")
    lines = [json.loads(line) for line in file.splitlines()]
    assert lines == [json.loads(line) for line in terminal.splitlines()]
    assert {(line["room"], line["release"]) for line in lines} == {("risk", "r1")}
    assert all(line["time"].endswith("Z") for line in lines)
    taken, library = lines[1], lines[2]
    assert (taken["message"], taken["event_id"], taken["cause"]) == ("bar taken", "bar:1", "feed:1")
    assert (library["logger"], library["event_id"]) == ("library", "bar:1")
    assert "event_id" not in lines[3]
    assert (lines[-1]["level"], lines[-1]["message"]) == ("critical", "the process ends")


def test_the_file_belongs_to_its_owner_alone(tmp_path):
    run_leaky_room(tmp_path, "json")
    assert stat.S_IMODE((tmp_path / "logs" / "risk.log").stat().st_mode) == 0o600


def test_older_files_are_compressed_and_only_a_few_are_kept(tmp_path):
    file = LogFile(tmp_path / "risk.log")
    file.backupCount = 2
    for number in range(4):
        file.emit(logging.makeLogRecord({"msg": f"line {number}"}))
        file.doRollover()
    file.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "risk.log", "risk.log.1.gz", "risk.log.2.gz"
    ]  # fmt: skip
    packed = tmp_path / "risk.log.1.gz"
    assert gzip.decompress(packed.read_bytes()) == b"line 3\n"
    assert stat.S_IMODE(packed.stat().st_mode) == 0o600


def test_short_values_are_not_searched_for():
    assert Redactor(["no"])("no news") == "no news"


def test_the_longest_of_two_secrets_is_struck_out_whole():
    redact = Redactor(["secret-key", "secret-key-and-more"])
    assert redact("x secret-key-and-more y") == f"x {STRUCK} y"


def test_addresses_lose_their_password_and_hooks_their_token():
    redact = Redactor([])
    assert redact("redis://:pw@h:1/0") == f"redis://:{STRUCK}@h:1/0"
    assert redact("postgresql://me:pw@h/db") == f"postgresql://me:{STRUCK}@h/db"
    assert redact("https://hooks.slack.com/services/T0/B0/x1") == (
        f"https://hooks.slack.com/services/{STRUCK}"
    )
    assert redact("at 12:30 for me@home") == "at 12:30 for me@home"
