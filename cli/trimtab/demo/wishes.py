"""What the owner asked the demo to be, checked before anything is started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trimtab.failure import wrong_use

MAX = "max"


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """The options of `trimtab demo`."""

    data: Path | None
    seconds: float | None
    speed: str | None
    symbols: str | None
    seed: int
    home: Path | None
    config: Path | None
    keep: bool
    as_json: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The symbols asked for, as they were written."""
        return tuple(name.strip() for name in (self.symbols or "").split(",") if name.strip())

    def check(self) -> None:
        """Refuse what cannot be meant."""
        if self.data is not None and not self.data.is_file():
            raise wrong_use(f"There is no file {self.data}.", "--data names a Parquet or CSV file.")
        if self.speed is not None and not _is_speed(self.speed):
            raise wrong_use(
                f"--speed {self.speed} is no speed.", "Give a number above 0, such as 60, or max."
            )
        if self.home is not None and self.home.exists() and any(self.home.iterdir()):
            raise wrong_use(
                f"{self.home} is not empty.",
                "A demo begins in a folder of its own; leave --home out to get a new one.",
            )


def _is_speed(text: str) -> bool:
    try:
        return text == MAX or 0 < float(text) < float("inf")
    except ValueError:
        return False
