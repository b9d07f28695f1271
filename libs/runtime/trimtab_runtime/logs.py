"""Logs: one JSON object a line, to stderr and to a rotating file, with every secret struck out.

Each line carries the room, the release and, while an event is handled, the event's id and cause.
Lines of libraries that use the standard `logging` look the same.
"""

from __future__ import annotations

import gzip
import json
import logging
import logging.config
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from trimtab_runtime.home import PRIVATE_FILE_MODE
from trimtab_runtime.settings import LogFormat, RoomSettings

FILE_BYTES_MAX = 10_000_000
FILES_KEPT = 7
SECRET_LENGTH_MIN = 6
"""Shorter values are not searched for: they would strike out ordinary words."""
STRUCK = "[secret]"

_SECRET_KEY = re.compile(r"(password|secret|token|authorization|api_?key|key_id|cookie)", re.I)
_URL_PASSWORD = re.compile(r"(?<=://)([^\s/:@\"']*):([^\s/@\"']+)(?=@)")
_WEBHOOK_TOKEN = re.compile(r"(/api/webhooks/\d+/|hooks\.slack\.com/services/)[A-Za-z0-9_/-]+")


def configure(settings: RoomSettings, *, secrets: Iterable[str] = (), to_file: bool = True) -> None:
    """Set up logging for this process; the settings' own secrets are always struck out."""
    redact = Redactor([*settings.secrets(), *secrets])
    console = logging.StreamHandler(sys.stderr)
    console.setFormatter(_formatter(settings, redact, _renderer(settings.log_format, sys.stderr)))
    handlers: list[logging.Handler] = [console]
    if to_file:
        folder = settings.at_home.made(settings.at_home.logs)
        file = LogFile(folder / f"{settings.room or 'trimtab'}.log")
        file.setFormatter(_formatter(settings, redact, _json))
        handlers.append(file)
    root = logging.getLogger()
    for old in root.handlers[:]:
        if isinstance(old.formatter, _RedactingFormatter):
            root.removeHandler(old)
            old.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(settings.log_level.upper())
    logging.captureWarnings(True)
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    sys.excepthook = _log_crash


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger; `log.info("bar refused", symbol=..., rule=...)`: words first, values as keys."""
    found: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return found


@contextmanager
def handling(event_id: str, cause: str | None = None) -> Iterator[None]:
    """Name the event being handled, and its cause, in every line written meanwhile."""
    bound = {"event_id": event_id} | ({"cause": cause} if cause else {})
    with structlog.contextvars.bound_contextvars(**bound):
        yield


class Redactor:
    """Strikes secrets out of text that is about to leave the process."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spellings = {
            spelling
            for secret in secrets
            if len(secret) >= SECRET_LENGTH_MIN
            for spelling in (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1])
        }
        longest_first = sorted(spellings, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if spellings else None

    def __call__(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(STRUCK, text)
        text = _URL_PASSWORD.sub(rf"\1:{STRUCK}", text)
        return _WEBHOOK_TOKEN.sub(rf"\1{STRUCK}", text)


class LogFile(RotatingFileHandler):
    """A log file that only its owner can read; older files are compressed."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=FILE_BYTES_MAX, backupCount=FILES_KEPT, encoding="utf-8")

    def _open(self) -> TextIO:  # type: ignore[override]  # one mode and encoding is all there is
        def private(path: str, flags: int) -> int:
            return os.open(path, flags, PRIVATE_FILE_MODE)

        return open(self.baseFilename, "a", encoding="utf-8", opener=private)

    def rotation_filename(self, default_name: str) -> str:
        return f"{default_name}.gz"

    def rotate(self, source: str, dest: str) -> None:
        if source.endswith(".gz"):
            Path(source).replace(dest)
            return
        with open(source, "rb") as plain, gzip.open(dest, "wb", compresslevel=1) as packed:
            shutil.copyfileobj(plain, packed)
        Path(dest).chmod(PRIVATE_FILE_MODE)
        Path(source).unlink()


class _RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """Redacts the finished line, so that no field, argument or traceback can slip through."""

    def __init__(self, redact: Redactor, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(super().format(record))


def _formatter(
    settings: RoomSettings, redact: Redactor, renderers: list[Processor]
) -> _RedactingFormatter:
    constants = {"room": settings.room, "release": settings.release}

    def name_room(log: WrappedLogger, method: str, line: EventDict) -> EventDict:
        return {**constants, **line}

    return _RedactingFormatter(
        redact,
        foreign_pre_chain=_shared(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _strike_secret_keys,
            name_room,
            *renderers,
        ],
    )


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        _add_time,
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]


_json: list[Processor] = [
    structlog.processors.format_exc_info,
    structlog.processors.EventRenamer("message"),
    structlog.processors.JSONRenderer(sort_keys=True, ensure_ascii=False),
]


def _renderer(log_format: LogFormat, stream: TextIO) -> list[Processor]:
    if log_format is LogFormat.JSON:
        return _json
    return [
        structlog.dev.ConsoleRenderer(
            colors=stream.isatty(),
            timestamp_key="time",
            exception_formatter=structlog.dev.plain_traceback,
        )
    ]


def _add_time(log: WrappedLogger, method: str, line: EventDict) -> EventDict:
    """When it was said, which for libraries stands in their record."""
    record = line.get("_record")
    at = datetime.now(UTC) if record is None else datetime.fromtimestamp(record.created, UTC)
    line["time"] = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return line


def _strike_secret_keys(log: WrappedLogger, method: str, line: EventDict) -> EventDict:
    """Values under telling names are struck out even where nobody registered them."""
    return {key: STRUCK if _SECRET_KEY.search(key) else value for key, value in line.items()}


def _log_crash(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("crash").critical("the process ends", exc_info=(kind, error, trace))
