"""Runs a supervisor over fake rooms: `python supervised.py HOME` until told to end."""

import contextlib
import os
import signal
import socket
import sys
import time
from pathlib import Path

from trimtab.supervisor.plan import RoomPlan, SystemPlan
from trimtab.supervisor.supervisor import Supervisor
from trimtab_runtime.home import Home

NAMES = ("simulator", "recorder", "risk", "ingest")
FAKE_ROOM = Path(__file__).with_name("fake_room.py")


def plan_of(home: Home, names=NAMES, *, embedded=True):
    """Fake rooms on free ports."""
    home.made(home.root)
    with contextlib.ExitStack() as stack:
        probes = {name: stack.enter_context(socket.socket()) for name in names}
        for probe in probes.values():
            probe.bind(("127.0.0.1", 0))
        ports = {name: probe.getsockname()[1] for name, probe in probes.items()}
    return SystemPlan(
        home=home,
        mode="sim",
        config_dir=home.root,
        rooms=tuple(
            RoomPlan(
                name=name,
                port=port,
                command=(sys.executable, str(FAKE_ROOM), name, str(port), str(home.root)),
            )
            for name, port in ports.items()
        ),
        embedded=embedded,
        environment=dict(os.environ),
    )


def main():
    told = []
    signal.signal(signal.SIGTERM, lambda *_: told.append(1))
    supervisor = Supervisor(plan_of(Home(Path(sys.argv[1]))), lambda room, text: None)
    supervisor.lock()
    supervisor.start()
    while not told:
        supervisor.step()
        time.sleep(0.05)
    supervisor.stop()


if __name__ == "__main__":
    main()
