"""Whether a supervisor runs this home, and what it says."""

from __future__ import annotations

import fcntl
import json
import os
import time
from typing import Any

from trimtab.place import CommandSettings
from trimtab_runtime.home import Home
from trimtab_runtime.processes import is_running


def supervisor_of(home: Home) -> int | None:
    """The pid of the supervisor that runs this home; None while there is none."""
    pid = pid_in(home)
    if pid is None or not is_running(pid):
        return None
    # The number may belong to a stranger by now; the lock does not lie.
    descriptor = os.open(home.run / "supervisor.pid", os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return pid
    finally:
        os.close(descriptor)
    return None


def pid_in(home: Home) -> int | None:
    """The number in the pid file, whether that process lives or not."""
    try:
        return int((home.run / "supervisor.pid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def read_status(home: Home) -> dict[str, Any] | None:
    """What `status.json` says; None where there is none that can be read."""
    try:
        said = json.loads(home.status.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) else None


def running_mode(settings: CommandSettings) -> str:
    """The mode of what runs now; where nothing runs, the one that is set."""
    status = read_status(settings.at_home)
    if status is not None and supervisor_of(settings.at_home) is not None:
        return str(status.get("mode", settings.mode.value))
    return settings.mode.value


def status_age_seconds(home: Home) -> float | None:
    """How long ago `status.json` was written."""
    try:
        return max(0.0, time.time() - home.status.stat().st_mtime)
    except OSError:
        return None
