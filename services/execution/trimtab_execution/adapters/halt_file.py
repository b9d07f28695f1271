"""The kill switch that works when everything else is broken: a file."""

from __future__ import annotations

from pathlib import Path


class HaltFile:
    """While the file exists nothing is sent; its text is the reason."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def halted(self) -> str | None:
        """The reason, or None. A file that cannot be read still halts."""
        try:
            return self._path.read_text(encoding="utf-8", errors="replace").strip() or "HALT file"
        except FileNotFoundError:
            return None
        except OSError as error:
            return f"the HALT file cannot be read: {error}"
