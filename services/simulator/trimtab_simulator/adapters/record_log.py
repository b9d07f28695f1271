"""The exchange's memory on disk: one JSON object a line, written before anything is answered."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import orjson

from trimtab_runtime.home import PRIVATE_FILE_MODE, PRIVATE_FOLDER_MODE
from trimtab_runtime.processes import Lock
from trimtab_simulator.core.records import Record

NAME = "exchange.jsonl"


class Unreadable(ValueError):
    """A line in the middle of the log is broken; the text says which."""


class FileRecordLog:
    """A file that only grows. One process at a time holds it.

    A record lies in the operating system's hands when `append` returns, so killing this process
    loses nothing; a power cut may.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
        self.path = folder / NAME
        self._lock = Lock(folder / "lock")
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, PRIVATE_FILE_MODE)

    def read(self) -> Iterator[Record]:
        """Every record; a last line without its end was never answered, and is cut off."""
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.ftruncate(self._file, whole)
        for number, line in enumerate(content[:whole].splitlines(), start=1):
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError:
                raise Unreadable(
                    f"{self.path}: line {number} is no record; move the file away to begin anew"
                ) from None

    def append(self, record: Record) -> None:
        line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
        written = os.write(self._file, line)
        if written != len(line):
            # Nothing may be appended to half a line once there is room again.
            os.ftruncate(self._file, os.fstat(self._file).st_size - written)
            raise OSError(f"{self.path}: only {written} of {len(line)} bytes could be written")

    def close(self) -> None:
        """Let the next process in."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._lock.release()
