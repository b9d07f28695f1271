"""Which ports are free, and who holds the others."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
CLAIM_PORT = 8100
_LISTENING = "0A"
_SOCKET = re.compile(r"socket:\[(\d+)\]")


@dataclass(frozen=True)
class Holder:
    """The process that listens on a port, as far as this user may know."""

    port: int
    pid: int | None
    command: str

    def __str__(self) -> str:
        if self.pid is None:
            return f"port {self.port}: held by a process of another user"
        return f"port {self.port}: held by process {self.pid} ({self.command:.80})"


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


class Claim:
    """One port that is held in the name of a whole block.

    Between looking for free ports and listening there lie the seconds in which rooms start. Two
    systems that start at the same time find here which of them has the usual ports.
    """

    def __init__(self, port: int = CLAIM_PORT) -> None:
        self._held = socket.socket()
        try:
            self._held.bind((LOOPBACK, port))
            self._held.listen(1)
            self.granted = True
        except OSError:
            self._held.close()
            self.granted = False

    def release(self) -> None:
        """Let another system have the block."""
        self._held.close()


def free_ports(wanted: Mapping[str, int], *, none_of_them: bool = False) -> dict[str, int]:
    """The wanted ports where they are free, and others in the place of those that are not.

    `none_of_them`: others for all, because somebody else is about to take the wanted ones.
    """
    taken = [name for name, port in wanted.items() if none_of_them or not is_free(port)]
    probes = [socket.socket() for _ in taken]
    try:
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        others = dict(zip(taken, (probe.getsockname()[1] for probe in probes), strict=True))
    finally:
        for probe in probes:
            probe.close()
    return dict(wanted) | others


def holders(ports: Iterable[int]) -> list[Holder]:
    """Who listens on those of the ports that are taken."""
    from trimtab_runtime.processes import command_of

    found = []
    for port in ports:
        if not is_free(port):
            pid = _pid_of(_inodes_listening_on(port))
            found.append(Holder(port, pid, command_of(pid) if pid is not None else ""))
    return found


def _inodes_listening_on(port: int) -> set[str]:
    """The kernel's numbers of the sockets that listen on a port (Linux; elsewhere none)."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(fields[9])
    return found


def _pid_of(inodes: set[str]) -> int | None:
    """The process that has one of these sockets open, if this user may look into it."""
    for process in Path("/proc").glob("[0-9]*") if inodes else ():
        if _open_sockets(process / "fd") & inodes:
            return int(process.name)
    return None


def _open_sockets(folder: Path) -> set[str]:
    """The numbers of a process's sockets; descriptors come and go while they are looked at."""
    found: set[str] = set()
    try:
        entries = list(folder.iterdir())
    except OSError:
        return found
    for entry in entries:
        with contextlib.suppress(OSError):
            match = _SOCKET.match(os.readlink(entry))
            found |= {match[1]} if match else set()
    return found
