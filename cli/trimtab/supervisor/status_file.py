"""Writes `status.json`: the state of everything, for people, scripts and other watchers."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from trimtab.halt import read_halt
from trimtab.supervisor.child import Child, State
from trimtab_runtime.home import write_private

if TYPE_CHECKING:
    from trimtab.supervisor.supervisor import Supervisor


class StatusFile:
    """The file is rewritten every few seconds: an old one means that nobody supervises."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._started_at = datetime.now(UTC).isoformat(timespec="seconds")

    def write(self) -> None:
        text = json.dumps(self._content(), indent=1)
        write_private(self._supervisor.plan.home.status, text + "\n")

    def _content(self) -> dict[str, Any]:
        supervisor = self._supervisor
        plan, server = supervisor.plan, supervisor.server
        halted = read_halt(plan.home)
        return {
            "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "state": supervisor.state,
            "mode": plan.mode,
            "home": str(plan.home.root.resolve()),
            "config_dir": str(plan.config_dir),
            "supervisor": {"pid": os.getpid(), "started_at": self._started_at},
            "halted": None if halted is None else halted.as_json(),
            "redis": {
                "embedded": server is not None,
                "pid": server.pid if server is not None else None,
                "port": server.port if server is not None else None,
                "starts": server.starts if server is not None else None,
            },
            "rooms": {name: self._room(child) for name, child in supervisor.children.items()},
        }

    def _room(self, child: Child) -> dict[str, Any]:
        sight = self._supervisor.watcher.sight(child.name)
        seen = child.state is State.RUNNING
        running_seconds = time.monotonic() - child.started_at
        return {
            "state": child.state.value,
            "pid": child.pid,
            "port": child.plan.port,
            "health": sight.health if seen else "UNHEALTHY",
            "ready": sight.ready and seen,
            "reasons": list(sight.reasons) if seen else [child.last_ending or child.state.value],
            "running_seconds": round(running_seconds, 1) if child.alive else None,
            "starts": child.starts,
            "crashes": child.restarts.crashes,
            "last_ending": child.last_ending or None,
            "row": sight.info.get("row"),
            "release": sight.info.get("release"),
        }
