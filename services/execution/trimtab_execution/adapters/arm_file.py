"""The file that arms live trading, read again before every order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from trimtab_execution.core.arming import objection


class ArmFile:
    """Without this person's word for this account, and for now, nothing is sent."""

    def __init__(self, path: Path, account_number: str, now: Callable[[], datetime]) -> None:
        self._path = path
        self._account_number = account_number
        self._now = now

    def halted(self) -> str | None:
        """Why live trading is not armed, None while it is."""
        try:
            written: bytes | None = self._path.read_bytes()
        except FileNotFoundError:
            written = None
        except OSError as error:
            return f"the ARM file cannot be read: {error}"
        return objection(written, self._account_number, self._now())
