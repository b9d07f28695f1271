"""Child processes that do not outlive their parent, and files that say who is running."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from trimtab_runtime.home import PRIVATE_FILE_MODE

POLL_SECONDS = 0.02

# Runs in the child before the real program: ask Linux to end it with its parent, and look whether
# the parent has gone already. Done after exec, because code between fork and exec is not safe in
# a process with threads. Where there is no prctl (macOS) only the pid file is left.
_TIED = """
import ctypes, os, sys
parent, number = int(sys.argv[1]), int(sys.argv[2])
if sys.platform == "linux":
    ctypes.CDLL(None, use_errno=True).prctl(1, number, 0, 0, 0)
if os.getppid() != parent:
    sys.exit("the parent ended before its child began")
os.execv(sys.argv[3], sys.argv[3:])
"""


def start_tied(
    command: Sequence[str | Path],
    *,
    output: IO[bytes] | int,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    end_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a program that gets `end_signal` when the thread that calls this ends.

    Call it from the main thread, or from one that lives as long as the child should. The child is
    the leader of a new process group, so a Ctrl-C at the terminal reaches the parent alone.
    """
    tied = [sys.executable, "-I", "-S", "-c", _TIED, str(os.getpid()), str(int(end_signal))]
    return subprocess.Popen(
        [*tied, *map(str, command)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env=environment,
        process_group=0,
    )


def stop(process: subprocess.Popen[bytes], patience_seconds: float) -> int:
    """Ask a child to end, and kill it when it has not done so in time; returns its exit code."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(patience_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def stop_stranger(pid: int, patience_seconds: float) -> None:
    """The same for a process that is no child of this one."""
    for number, seconds in ((signal.SIGTERM, patience_seconds), (signal.SIGKILL, 5.0)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        until = time.monotonic() + seconds
        while is_running(pid) and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
        if not is_running(pid):
            return


def is_running(pid: int) -> bool:
    """Whether a process of this number exists and is not merely waiting to be collected."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return not Path("/proc/self").exists()
    return state.rpartition(")")[2].split()[0] != "Z"


def command_of(pid: int) -> str:
    """The command line of a running process, empty when it cannot be told."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        return raw.replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except FileNotFoundError:
        asked = subprocess.run(
            ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return asked.stdout.strip()


class Held(Exception):
    """Somebody else holds the lock; the text names the process."""


class Lock:
    """A file that one process at a time can hold; the kernel frees it when that process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE_MODE)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._file, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise Held(f"process {holder} holds {path}") from None
        os.ftruncate(self._file, 0)
        os.write(self._file, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let the next one in."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
