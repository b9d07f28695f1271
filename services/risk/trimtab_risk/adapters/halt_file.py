"""The kill-switch file in Trimtab's home."""

from __future__ import annotations

from pathlib import Path

from trimtab_risk.ports import Pulled

REASON_LENGTH_MAX = 200


class HaltFile:
    """While the file exists trading is halted; what stands in it is the reason."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def pulled(self) -> Pulled | None:
        """The first line of the file and when it was written. One that cannot be read halts too."""
        try:
            stamp = self._path.stat().st_mtime_ns
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            return Pulled(f"the HALT file cannot be read: {error.strerror}", 0)
        line = next(iter(text.strip().splitlines()), "")
        words = "".join(sign for sign in line if sign.isprintable())[:REASON_LENGTH_MAX]
        return Pulled(words or "the HALT file exists", stamp)
