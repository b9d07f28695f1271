"""The first start at a broker begins halted: nobody trades before the owner has looked around."""

from __future__ import annotations

from datetime import UTC, datetime

from trimtab_runtime.home import Home, write_private

REASON = "first start in {mode} mode: look around, then `trimtab resume` lets it trade"
SIMULATED = "sim"


def hold_first_start(home: Home, mode: str, *, by: str) -> str | None:
    """Halt trading where this home has never run in this mode; the reason, if it was done now."""
    file = home.root / "started_modes"
    before = file.read_text(encoding="ascii").split() if file.exists() else []
    if mode in (SIMULATED, *before):
        return None
    reason = REASON.format(mode=mode)
    home.made(home.root)
    if not home.halt.exists():
        since = datetime.now(UTC).isoformat(timespec="seconds")
        write_private(home.halt, f"{reason} ({by}, {since})\n")
    file.write_text("\n".join([*before, mode]) + "\n", encoding="ascii")
    return reason
