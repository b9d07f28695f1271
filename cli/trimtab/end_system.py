"""`up --detach`, `down` and `restart`: the system from a distance."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from trimtab import show
from trimtab.exit_codes import OK
from trimtab.failure import Failure, answer_is_no, not_running, wrong_use
from trimtab.place import read_settings
from trimtab.supervisor.plan import EXCHANGE, ROOMS
from trimtab.supervisor.presence import read_status, supervisor_of
from trimtab_runtime.home import PRIVATE_FILE_MODE, Home
from trimtab_runtime.processes import command_of, is_running, stop_stranger

READY_SECONDS_MAX = 200.0
DOWN_SECONDS_MAX = 150.0
LEFT_OVER_SECONDS_MAX = 20.0
POLL_SECONDS = 0.2


def run_detached(*, mode: str | None, home: Path | None, config: Path | None, as_json: bool) -> int:
    """Start the supervisor behind the terminal and wait until all rooms are ready."""
    settings = read_settings(home, config)
    place = settings.at_home
    output = place.made(place.logs) / "up.out"
    command = [sys.executable, "-m", "trimtab", "up", "--home", str(settings.home)]
    command += ["--config", str(settings.config_dir)] + (["--mode", mode] if mode else [])
    with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE_MODE)) as to:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=to, stderr=to, start_new_session=True
        )
    until = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < until:
        if process.poll() is not None:
            raise Failure(process.returncode or 1, output.read_text(encoding="utf-8").strip())
        status = read_status(place)
        if (
            status is not None
            and status["supervisor"]["pid"] == process.pid
            and status["state"] == "running"
        ):
            content = {"pid": process.pid, "mode": status["mode"], "home": status["home"]}
            line = f"Trimtab runs (process {process.pid}, mode {status['mode']})."
            show.result(content, as_json=as_json, lines=[line, "`trimtab status` shows it."])
            return OK
        time.sleep(POLL_SECONDS)
    raise answer_is_no(
        f"Trimtab was started (process {process.pid}), but not every room is ready after "
        f"{READY_SECONDS_MAX:.0f} s.",
        "`trimtab status` says which and why; `trimtab down` ends it.",
    )


def end_system(*, home: Path | None, as_json: bool) -> None:
    """Ask the supervisor to end everything, and wait for it."""
    place = read_settings(home).at_home
    pid = supervisor_of(place)
    if pid is None:
        ended = _end_left_over(place)
        if not ended:
            raise not_running(f"Nothing runs in {place.root}.")
        show.result({"ended": ended}, as_json=as_json, lines=[f"Ended what was left: {ended}."])
        return
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + DOWN_SECONDS_MAX
    while supervisor_of(place) is not None and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
    if supervisor_of(place) is not None:
        raise answer_is_no(
            f"The supervisor (process {pid}) has not ended within {DOWN_SECONDS_MAX:.0f} s.",
            "`trimtab logs supervisor` shows what it waits for; kill it, and its rooms end too.",
        )
    lines = ["Trimtab has ended. Positions and open orders at the broker stay as they are."]
    show.result({"ended": ["supervisor"]}, as_json=as_json, lines=lines)


def _end_left_over(home: Home) -> list[str]:
    """End rooms whose supervisor died without taking them along (where there is no prctl)."""
    ended = []
    for file in sorted(home.run.glob("*.pid")) if home.run.is_dir() else ():
        try:
            pid = int(file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
        if is_running(pid) and f"trimtab_{file.stem}" in command_of(pid):
            stop_stranger(pid, LEFT_OVER_SECONDS_MAX)
            ended.append(file.stem)
    return ended


def restart_room(room: str, *, home: Path | None, as_json: bool) -> None:
    """Ask the supervisor to start a room again, and wait until it is ready."""
    place = read_settings(home).at_home
    if room not in (EXCHANGE, *ROOMS):
        raise wrong_use(f"There is no room {room!r}.", f"The rooms are {', '.join(ROOMS)}.")
    status = read_status(place)
    if supervisor_of(place) is None or status is None:
        raise not_running(f"Nothing runs in {place.root}.")
    if room not in status["rooms"]:
        raise answer_is_no(f"The room {room} does not run in {status['mode']} mode.")
    starts = status["rooms"][room]["starts"]
    (place.run / f"{room}.restart").touch(mode=PRIVATE_FILE_MODE)
    until = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < until:
        now = read_status(place)
        if (
            now is not None
            and now["rooms"][room]["starts"] > starts
            and now["rooms"][room]["ready"]
        ):
            show.result({"room": room, "ready": True}, as_json=as_json, lines=[f"{room} is ready."])
            return
        if supervisor_of(place) is None:
            raise not_running("The supervisor ended meanwhile.")
        time.sleep(POLL_SECONDS)
    raise answer_is_no(f"{room} is not ready.", f"`trimtab logs {room}` may say why.")
