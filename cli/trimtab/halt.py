"""The kill switch: a file whose existence halts trading, whatever else is broken."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from trimtab_runtime.home import Home, write_private

REASON_LENGTH_MAX = 500
_WRITTEN = re.compile(r"(?P<reason>.*) \((?P<by>[a-z]+), (?P<since>[0-9T:+-]+)\)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True)
class Halt:
    """Who halted trading, when and why, as far as the file tells."""

    by: str
    reason: str
    since: str

    def __str__(self) -> str:
        return f"{self.reason} ({self.by}, {self.since})"

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def one_line(reason: str) -> str:
    """A reason as it may stand in events and files: one line, and not too long."""
    return _CONTROL.sub(" ", reason).strip()[:REASON_LENGTH_MAX]


def write_halt(home: Home, *, by: str, reason: str) -> Halt:
    """Halt trading from this moment on."""
    home.made(home.root)
    halt = Halt(by, one_line(reason), datetime.now(UTC).isoformat(timespec="seconds"))
    write_private(home.halt, f"{halt}\n")
    return halt


def read_halt(home: Home) -> Halt | None:
    """What the file says; one that was made by hand counts just as much."""
    try:
        text = home.halt.read_text(encoding="utf-8", errors="replace").strip()
        made_at = home.halt.stat().st_mtime
    except FileNotFoundError:
        return None
    except OSError as error:
        return Halt("unknown", f"{home.halt} cannot be read: {error.strerror}", "")
    if match := _WRITTEN.fullmatch(text):
        return Halt(match["by"], match["reason"], match["since"])
    since = datetime.fromtimestamp(made_at, UTC).isoformat(timespec="seconds")
    return Halt("hand", one_line(text) or "no reason given", since)


def lift_halt(home: Home) -> bool:
    """Remove the file; False where there was none. Raises OSError where it cannot be removed."""
    try:
        home.halt.unlink()
    except FileNotFoundError:
        return False
    return True
