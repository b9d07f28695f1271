"""What a campaign puts between the system and its surroundings: disks, a proxy, a clock."""

from __future__ import annotations

import mmap
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.proxy import Proxy
from tests.faults.system import Surroundings
from tests.integration.conftest import free_port
from trimtab_runtime.home import Home, write_private

PASSWORD = "of-this-test"


@contextmanager
def a_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A small file system of its own; the test is skipped where none can be mounted."""
    folder.mkdir(parents=True)
    size = f"size={megabytes}m"
    done = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], capture_output=True, check=False
        )
        if os.getuid() == 0 and shutil.which("mount")
        else None
    )
    if done is None or done.returncode:
        pytest.skip("a small disk can be mounted only by root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def remount(folder: Path, *, read_only: bool) -> None:
    """Nobody may write there any more, or everybody again. Raises while a file is open."""
    how = "remount,ro" if read_only else "remount,rw"
    subprocess.run(["mount", "-o", how, folder], check=True)


@contextmanager
def a_proxy() -> Iterator[tuple[Proxy, Surroundings]]:
    """A proxy between every room and the server."""
    behind, before = free_port(), free_port()

    def choose_address(home: Home) -> None:
        """The server takes over the address that it finds."""
        home.made(home.redis)
        write_private(home.redis_url, f"redis://:{PASSWORD}@127.0.0.1:{behind}/0\n")

    told = {"TRIMTAB_REDIS_URL": f"redis://:{PASSWORD}@127.0.0.1:{before}/0"}
    with Proxy(before, lambda: ("127.0.0.1", behind)) as proxy:
        yield proxy, Surroundings(told, choose_address)


@contextmanager
def a_clock(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Sets the wall clock of every process started meanwhile, so many seconds ahead.

    The clock that only goes forward is left alone, as it is when somebody sets the time.
    """
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("a clock of its own needs Linux and a C compiler")
    library, file = folder / "clock.so", folder / "ahead"
    source = Path(__file__).with_name("clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True)
    file.write_bytes(bytes(8))
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("CLOCK_AHEAD_FILE", str(file))
    with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 8) as mapped:

        def jump(seconds: int) -> None:
            mapped[:] = seconds.to_bytes(8, sys.byteorder, signed=True)

        yield jump


def linked(name: str, disk: Path) -> Surroundings:
    """A file of the home lies on another disk."""
    return Surroundings(prepare=lambda home: (home.root / name).symlink_to(disk / name))
