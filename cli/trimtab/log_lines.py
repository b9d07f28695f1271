"""`logs`: the last lines of a room's log, and those that come."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trimtab.failure import answer_is_no, wrong_use
from trimtab.place import read_settings
from trimtab.supervisor.plan import EXCHANGE, ROOMS
from trimtab_runtime.home import Home

POLL_SECONDS = 0.3
_FIRST = ("time", "level", "message", "room", "release", "logger")
_COLORS = {"error": "\x1b[31m", "critical": "\x1b[31m", "warning": "\x1b[33m"}
_PLAIN = "\x1b[0m"


def show_logs(room: str, lines: int, *, follow: bool, home: Path | None, as_json: bool) -> None:
    """Print the last lines; with `follow` go on until Ctrl-C, across rotations of the file."""
    import sys

    path = log_file(read_settings(home).at_home, room)
    if not path.exists():
        raise answer_is_no(f"There is no log of {room} yet: {path}.")
    colored = sys.stdout.isatty()
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in deque(file, maxlen=lines):
            _print(line, as_json=as_json, colored=colored)
        if not follow:
            return
    try:
        for line in coming(path):
            _print(line, as_json=as_json, colored=colored)
    except KeyboardInterrupt:
        return


def log_file(home: Home, room: str) -> Path:
    """Where a room, the supervisor or the embedded server writes."""
    if room == "server":
        return home.redis / "server.log"
    known = ("supervisor", EXCHANGE, *ROOMS)
    if room not in known:
        raise wrong_use(f"There is no room {room!r}.", f"Try one of {', '.join(known)}, server.")
    return home.logs / f"{room}.log"


def coming(path: Path) -> Iterator[str]:
    """Lines as they are written; never ends by itself."""
    file = path.open(encoding="utf-8", errors="replace")
    file.seek(0, 2)
    while True:
        line = file.readline()
        if line:
            yield line
            continue
        time.sleep(POLL_SECONDS)
        if path.exists() and path.stat().st_ino != _inode(file.fileno()):
            file.close()
            file = path.open(encoding="utf-8", errors="replace")


def _inode(descriptor: int) -> int:
    import os

    return os.fstat(descriptor).st_ino


def readable(line: str) -> tuple[str, str]:
    """A line's level, and the line as a person reads it."""
    try:
        said: dict[str, Any] = json.loads(line)
    except ValueError:
        return "", line.rstrip("\n")
    level = str(said.get("level", ""))
    when = str(said.get("time", ""))[:23].replace("T", " ")
    rest = "  ".join(f"{key}={value}" for key, value in said.items() if key not in _FIRST)
    return level, f"{when}  {level:<8} {said.get('message', '')}  {rest}".rstrip()


def _print(line: str, *, as_json: bool, colored: bool) -> None:
    if as_json:
        print(line, end="")
        return
    level, text = readable(line)
    color = _COLORS.get(level, "") if colored else ""
    print(f"{color}{text}{_PLAIN if color else ''}", flush=True)
