"""The health check of a room's container: asks the room how it is, and ends it when it is stuck.

`python -m trimtab_runtime.probe PORT` exits with 0 or 1 and prints the reasons. A container engine
starts again what has ended, but leaves alone what hangs. So a room that was alive once and has not
been for STUCK_SECONDS is killed, and the init of the container ends with it; where process 1 is no
such init, nothing is killed. Nothing here imports more than it must, because it runs often.
"""

import http.client
import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

STUCK_SECONDS = 60.0
PATIENCE_SECONDS = 4.0
LAST_ALIVE = Path("/tmp/last-alive")
"""Gone with the container's /tmp when it starts anew: a room that starts is not stuck."""
INIT = 1
INITS_OF_CONTAINERS = ("docker-init", "tini", "catatonit")


def main(port: int, last_alive: Path = LAST_ALIVE) -> int:
    """Exit code: 0 where the room is healthy or degraded, 1 where it is unhealthy or stuck."""
    is_alive, said = ask(port, "/livez")
    if is_alive:
        last_alive.write_text(f"{time.monotonic()}")
        is_healthy, said = ask(port, "/healthz")
        sys.stdout.write(f"{said}\n")
        return 0 if is_healthy else 1
    sys.stdout.write(f"/livez: {said}\n")
    if is_stuck(last_alive, time.monotonic()) and name_of(INIT) in INITS_OF_CONTAINERS:
        sys.stdout.write(f"not alive for {STUCK_SECONDS:.0f} s: ending it\n")
        kill_children_of(INIT)
    return 1


def ask(port: int, path: str) -> tuple[bool, str]:
    """Whether the room's answer is 200, and the reasons in it or why there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        content = json.loads(response.read())
        return response.status == http.client.OK, json.dumps(content)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return False, f"no answer: {error}"
    finally:
        connection.close()


def is_stuck(last_alive: Path, now: float) -> bool:
    """Whether a room that was alive once has not been for too long."""
    try:
        return now - float(last_alive.read_text()) > STUCK_SECONDS
    except (OSError, ValueError):
        return False


def name_of(pid: int) -> str:
    """The name of a process."""
    return Path(f"/proc/{pid}/comm").read_text().strip()


def kill_children_of(parent: int) -> None:
    """End every process that this one has started; a health check is none of an init's."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if parent_in(status.read_text()) == parent:
                os.kill(int(status.parent.name), signal.SIGKILL)


def parent_in(status: str) -> int:
    """The parent's pid in a line of /proc/PID/stat; the name before it may contain anything."""
    return int(status.rpartition(")")[2].split()[1])


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
