"""The state of rooms that run in containers, each reached under its own name."""

from __future__ import annotations

from typing import Any

from trimtab.halt import read_halt
from trimtab.place import CommandSettings
from trimtab.rooms_http import ask
from trimtab.run_system import port_of
from trimtab.supervisor.plan import EXCHANGE, ROOMS
from trimtab.supervisor.presence import read_status, supervisor_of
from trimtab_common.events import Health
from trimtab_runtime.settings import Mode

OK = 200


def state_of(settings: CommandSettings) -> dict[str, Any] | None:
    """What runs, as `status.json` puts it; None where nothing does."""
    if settings.room_host is not None:
        return _look(settings, settings.room_host)
    home = settings.at_home
    return read_status(home) if supervisor_of(home) is not None else None


def _look(settings: CommandSettings, room_host: str) -> dict[str, Any] | None:
    names = (EXCHANGE, *ROOMS) if settings.mode is Mode.SIM else ROOMS
    rooms = {name: _room(room_host.replace("{room}", name), port_of(name)) for name in names}
    if not any(room["answers"] for room in rooms.values()):
        return None
    halted = read_halt(settings.at_home)
    return {
        "state": "running" if all(room["ready"] for room in rooms.values()) else "starting",
        "mode": settings.mode.value,
        "home": str(settings.home),
        "halted": None if halted is None else halted.as_json(),
        "rooms": rooms,
    }


def _room(host: str, port: int) -> dict[str, Any]:
    health, ready, info = (ask(port, path, host=host) for path in ("/healthz", "/readyz", "/info"))
    said = info.content if info is not None else {}
    room = {
        "host": host,
        "port": port,
        "answers": health is not None,
        "ready": ready is not None and ready.status == OK,
        "health": Health.UNHEALTHY.value,
        "reasons": ["it does not answer"],
        "starts": said.get("generation", 1),
        "last_ending": None,
        "row": said.get("row"),
        "release": said.get("release"),
    }
    if health is not None:
        room["health"] = health.content["status"]
        room["reasons"] = [
            f"{each['check']}: {each['reason']}" for each in health.content["reasons"]
        ]
    return room
