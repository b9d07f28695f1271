"""The health check of a container: what it says of a room, and when it ends one."""

import asyncio
import subprocess
import sys
import time

import pytest

from tests.integration.conftest import free_port
from tests.unit.runtime.test_http_server import Room, serving
from trimtab_runtime.probe import STUCK_SECONDS, is_stuck, main, parent_in


async def probe(room, last_alive):
    return await asyncio.to_thread(main, room.server.port, last_alive)


async def test_a_room_is_as_healthy_as_it_says(tmp_path, capsys):
    room = Room()
    room.board.started()
    async with serving(room):
        assert await probe(room, tmp_path / "alive") == 0
        room.complaint = "no answer"
        assert await probe(room, tmp_path / "alive") == 1
    assert "no answer" in capsys.readouterr().out
    assert not is_stuck(tmp_path / "alive", time.monotonic())


async def test_a_room_that_says_it_is_stuck_is_not_alive(tmp_path, capsys):
    room = Room()
    room.board.started()
    room.board.heartbeat("main_loop")
    async with serving(room):
        room.seconds += 120
        assert await probe(room, tmp_path / "alive") == 1
    assert "main_loop" in capsys.readouterr().out
    assert not (tmp_path / "alive").exists()


def test_a_room_that_does_not_answer_is_not_alive(tmp_path, capsys):
    assert main(free_port(), tmp_path / "alive") == 1
    assert "no answer" in capsys.readouterr().out


def test_only_a_room_that_was_alive_before_and_is_not_for_long_is_stuck(tmp_path):
    alive = tmp_path / "alive"
    assert not is_stuck(alive, now=1e9)
    alive.write_text("1000.0")
    assert not is_stuck(alive, now=1000 + STUCK_SECONDS)
    assert is_stuck(alive, now=1001 + STUCK_SECONDS)


def test_outside_a_container_nothing_is_ended(tmp_path, capsys):
    (tmp_path / "alive").write_text("-1e9")
    assert main(free_port(), tmp_path / "alive") == 1
    assert "ending" not in capsys.readouterr().out


@pytest.mark.skipif(sys.platform != "linux", reason="containers are Linux")
def test_what_a_process_has_started_is_ended_and_nothing_else():
    code = (
        "import os, subprocess, time; from trimtab_runtime.probe import kill_children_of\n"
        "child = subprocess.Popen(['sleep', '60'], start_new_session=True)\n"
        "kill_children_of(os.getpid()); print(child.wait(10))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "-9"


def test_the_name_of_a_process_may_look_like_anything():
    assert parent_in("42 (a) R 7 (b) S 1 42 42 0") == 1
