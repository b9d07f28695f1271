"""What the machine must offer: Python, the packages, disk, memory, a private home, a true clock."""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from trimtab.doctor.finding import Finding, fail, ok, warn
from trimtab.supervisor.plan import EXCHANGE, ROOMS
from trimtab_runtime.home import Home

PYTHON_MIN = (3, 11)
DISK_BYTES_MIN, DISK_BYTES_GOOD = 500_000_000, 5_000_000_000
MEMORY_BYTES_GOOD = 1_500_000_000
GIGABYTE = 1e9
OTHERS = stat.S_IRWXG | stat.S_IRWXO
RELEASED = datetime(2026, 1, 1, tzinfo=UTC)
"""No true clock shows an earlier time than the first release."""


def python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < PYTHON_MIN:
        yield fail("python", f"it is {version}", "Trimtab needs 3.11 or later.")
    else:
        yield ok("python", f"{version}, {sys.executable}")
    missing = [
        name for name in (EXCHANGE, *ROOMS) if importlib.util.find_spec(f"trimtab_{name}") is None
    ]
    if missing:
        advice = "Run `make setup`, or install the package trimtab-cli with its dependencies."
        yield fail("packages", f"not installed: {', '.join(missing)}", advice)
    else:
        yield ok("packages", f"{len(ROOMS) + 1} rooms are installed")


def disk(home: Home) -> Iterator[Finding]:
    existing = next(
        path for path in (home.root.resolve(), *home.root.resolve().parents) if path.exists()
    )
    free = shutil.disk_usage(existing).free
    text = f"{free / GIGABYTE:.1f} GB free at {existing}"
    if free < DISK_BYTES_MIN:
        yield fail("disk", text, "Free some space, or choose another folder with TRIMTAB_HOME.")
    elif free < DISK_BYTES_GOOD:
        yield warn("disk", text, "Bars and records grow; 5 GB are comfortable.")
    else:
        yield ok("disk", text)


def memory() -> Iterator[Finding]:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return
    found = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line}
    free = found.get("MemAvailable", 0)
    text = f"{free / GIGABYTE:.1f} GB available"
    if free < MEMORY_BYTES_GOOD:
        yield warn("memory", text, "All rooms together take about 1 GB.")
    else:
        yield ok("memory", text)


def home_folder(home: Home) -> Iterator[Finding]:
    root = home.root.resolve()
    if not root.exists():
        parent = next(path for path in root.parents if path.exists())
        if os.access(parent, os.W_OK):
            yield ok("home", f"{root} will be made")
        else:
            advice = "Choose another folder with TRIMTAB_HOME."
            yield fail("home", f"{root} cannot be made: {parent} is not writable", advice)
        return
    held = root.stat()
    if not os.access(root, os.W_OK | os.X_OK) or not root.is_dir():
        yield fail("home", f"{root} cannot be written to", f"chown -R $USER {root}")
    elif stat.S_IMODE(held.st_mode) & OTHERS:
        mode = stat.S_IMODE(held.st_mode)
        yield warn("home", f"{root} is open to others (mode {mode:04o})", f"chmod 700 {root}")
    else:
        yield ok("home", f"{root}, private")


def env_file(path: Path = Path(".env")) -> Iterator[Finding]:
    if not path.exists():
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & OTHERS:
        yield warn(".env", f"others can read it (mode {mode:04o})", f"chmod 600 {path.resolve()}")
    else:
        yield ok(".env", "private")


def clock() -> Iterator[Finding]:
    now = datetime.now(UTC)
    text = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if now < RELEASED:
        yield fail("clock", text, "Set the clock, and keep it set: timedatectl set-ntp true")
    else:
        yield ok("clock", text)
