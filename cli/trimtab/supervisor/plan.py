"""What a supervisor is to run: which rooms, where, with which settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trimtab_runtime.home import Home

EXCHANGE = "simulator"
ROOMS = ("recorder", "alerting", "execution", "risk", "strategy", "ingest")
"""In the order in which they are started: who listens first, who speaks last."""
STOP_ORDER = ("ingest", "strategy", "risk", "execution", "recorder", "alerting", EXCHANGE)
"""What produces ends before what consumes, so that nothing is left half done; rooms that are not
named here end before the exchange."""


@dataclass(frozen=True, kw_only=True)
class RoomPlan:
    """One room to run as a process of its own."""

    name: str
    port: int
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SystemPlan:
    """Everything that one supervisor keeps running."""

    home: Home
    mode: str
    config_dir: Path
    rooms: tuple[RoomPlan, ...]
    embedded: bool
    """Whether the server is started here; if not, TRIMTAB_REDIS_URL names one."""
    environment: Mapping[str, str]
    """What every room is told."""
    folder: Path | None = None
    """Where the rooms run; None: where this process does."""

    @property
    def ports(self) -> dict[str, int]:
        return {room.name: room.port for room in self.rooms}


def room_plan(name: str, port: int, environment: Mapping[str, str] | None = None) -> RoomPlan:
    """A room of this distribution, as `python -m trimtab_<room>`."""
    own = {f"TRIMTAB_{name.upper()}_HTTP_PORT": str(port)} | dict(environment or {})
    command = (sys.executable, "-m", f"trimtab_{name}")
    return RoomPlan(name=name, port=port, command=command, environment=own)


def room_environment(home: Path, mode: str, config_dir: Path) -> dict[str, str]:
    """The environment of this process, with what this run decides laid over it."""
    return dict(os.environ) | {
        "TRIMTAB_HOME": str(home.resolve()),
        "TRIMTAB_MODE": mode,
        "TRIMTAB_CONFIG_DIR": str(config_dir.resolve()),
        "PYTHONUNBUFFERED": "1",
    }


def exchange_environment(ports: Mapping[str, int]) -> dict[str, str]:
    """Where the rooms find the exchange, if it runs here."""
    if EXCHANGE not in ports:
        return {}
    address = f"http://127.0.0.1:{ports[EXCHANGE]}"
    return {"TRIMTAB_SIMULATOR_URL": address, "TRIMTAB_TRADING_URL": address}
