"""Runs the simulator until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys

from trimtab_runtime import logs
from trimtab_runtime.errors import ConfigError
from trimtab_simulator.app import PortTaken, build
from trimtab_simulator.settings import SimulatorSettings

CANNOT_START = 2


async def serve(settings: SimulatorSettings) -> None:
    """Run the room; SIGTERM and SIGINT end it in good order."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    await build(settings).run(stop)


def main() -> int:
    """The exit status: 0 after a stop that was asked for."""
    try:
        settings = SimulatorSettings.read()
        logs.configure(settings)
        asyncio.run(serve(settings))
    except (ConfigError, PortTaken) as error:
        sys.stderr.write(f"{error}\n")
        return CANNOT_START
    return 0


if __name__ == "__main__":
    sys.exit(main())
