"""The supervisor's own log, in the form of the rooms' logs."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from trimtab_runtime.home import Home
from trimtab_runtime.logs import LogFile


class SupervisorLog:
    """`logs/supervisor.log`: one JSON object a line, rotated."""

    def __init__(self, home: Home) -> None:
        self._file = LogFile(home.made(home.logs) / "supervisor.log")

    def write(self, room: str, sentence: str) -> None:
        """Note what the supervisor did about a room."""
        line = {
            "time": datetime.now(UTC).isoformat(),
            "level": "info",
            "room": "supervisor",
            "about": room,
            "message": sentence,
        }
        record = logging.LogRecord("", logging.INFO, "", 0, json.dumps(line), None, None)
        self._file.emit(record)
