"""Children end with their parent, and a lock has one holder."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trimtab_runtime import processes

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
PARENT = """
import sys, time
from trimtab_runtime import processes
program = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
child = processes.start_tied([sys.executable, "-S", "-c", program], output=1)
time.sleep(60)
"""


def gone_within(pid: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while processes.is_running(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not processes.is_running(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_ends_when_its_parent_is_killed(number):
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert processes.is_running(child)
        parent.send_signal(number)
    assert gone_within(child, 10)


def test_a_child_that_does_not_end_is_killed(tmp_path):
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True)\n"
    with (tmp_path / "out").open("wb") as output:
        child = processes.start_tied(
            [sys.executable, "-S", "-c", stubborn + "time.sleep(60)"], output=output
        )
    while not (tmp_path / "out").read_bytes():
        time.sleep(0.01)
    assert processes.stop(child, patience_seconds=0.1) == -signal.SIGKILL


def test_a_child_has_the_folder_environment_and_output_it_was_given(tmp_path):
    command = [sys.executable, "-S", "-c", "import os; print(os.getcwd(), os.environ['WORD'])"]
    with (tmp_path / "out").open("wb") as output:
        child = processes.start_tied(
            command, output=output, folder=tmp_path, environment={"WORD": "hello"}
        )
    assert child.wait(10) == 0
    assert (tmp_path / "out").read_text() == f"{tmp_path} hello\n"


def test_a_stranger_is_ended_too():
    with subprocess.Popen(SLEEP) as stranger:
        processes.stop_stranger(stranger.pid, 5)
        assert stranger.wait(5) == -signal.SIGTERM


def test_a_process_is_known_by_its_command():
    assert "pytest" in processes.command_of(os.getpid())
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as ended:
        ended.wait()
    assert processes.command_of(ended.pid) == ""


def test_a_process_that_waits_to_be_collected_is_not_running():
    child = subprocess.Popen([sys.executable, "-S", "-c", ""])
    assert gone_within(child.pid, 10)
    child.wait()
    assert not processes.is_running(child.pid)
    assert processes.is_running(os.getpid())


def test_a_lock_has_one_holder_and_names_it(tmp_path: Path):
    lock = processes.Lock(tmp_path / "lock")
    with pytest.raises(processes.Held, match=f"process {os.getpid()} holds"):
        processes.Lock(tmp_path / "lock")
    lock.release()
    lock.release()
    processes.Lock(tmp_path / "lock").release()


def test_a_child_does_not_inherit_the_lock(tmp_path: Path):
    lock = processes.Lock(tmp_path / "lock")
    child = processes.start_tied(SLEEP, output=subprocess.DEVNULL)
    lock.release()
    processes.Lock(tmp_path / "lock").release()
    processes.stop(child, 5)
