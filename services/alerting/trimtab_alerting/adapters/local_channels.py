"""The channels that need no network: the log, and a file with one JSON object a line."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from trimtab_alerting.core.wording import Message
from trimtab_alerting.ports import Outcome
from trimtab_common.events import AlertRaised, Severity
from trimtab_runtime.home import PRIVATE_FILE_MODE
from trimtab_runtime.logs import logger

FILE_BYTES_MAX = 10_000_000

_LEVELS = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "error"}


class LogChannel:
    """Writes alerts into this room's log."""

    queue = "log"

    def __init__(self) -> None:
        self._log = logger("alert")

    async def check(self) -> Outcome:
        return Outcome(True)

    async def send(self, alert: AlertRaised, message: Message) -> Outcome:
        write = getattr(self._log, _LEVELS[alert.severity])
        write(alert.title, rule=alert.rule, text=alert.text, count=alert.count, alert=alert.id)
        return Outcome(True)

    async def rest(self) -> None:
        """Nothing is held."""


class FileChannel:
    """Appends alerts to a file that only its owner can read; one older file is kept."""

    queue = "file"

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        self._path = path
        self._now = now

    async def check(self) -> Outcome:
        return Outcome(True)

    async def send(self, alert: AlertRaised, message: Message) -> Outcome:
        time = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="seconds")
        line = {"time": time, **alert.model_dump(mode="json", exclude={"version"})}
        try:
            await asyncio.to_thread(self._append, json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as error:
            return Outcome(False, f"{self._path}: {error.strerror or error}")
        return Outcome(True)

    async def rest(self) -> None:
        """Nothing is held."""

    def _append(self, line: str) -> None:
        if self._path.exists() and self._path.stat().st_size > FILE_BYTES_MAX:
            self._path.replace(self._path.with_name(self._path.name + ".1"))
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE_FILE_MODE)
        with os.fdopen(descriptor, "ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
