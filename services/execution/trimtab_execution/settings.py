"""What execution can be told from outside: which broker, how patient, how many hands."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from trimtab_runtime.settings import AlpacaKeys, Mode

PAPER_URL = "https://paper-api.alpaca.markets"
LIVE_URL = "https://api.alpaca.markets"
SIMULATOR_URL = "http://127.0.0.1:8190"


class Settings(AlpacaKeys):
    """Execution's settings; `sim`, `paper` and `live` differ by address, keys and arming only."""

    room: ClassVar[str] = "execution"

    account: str = Field(default="main", pattern=r"^[a-z][a-z0-9_-]{0,39}$")
    """The account's name here; part of every order's id, so it never changes."""
    simulator_url: str = SIMULATOR_URL
    """Where orders go in the mode `sim`, and in no other."""
    trading_url: str | None = None
    """None: the address that goes with the mode."""
    posters: int = Field(default=4, ge=1, le=16)
    """Orders that are sent at the same time."""
    read_seconds: float = Field(default=10.0, gt=0)
    """How long an answer of the broker may take before its outcome counts as unknown."""
    reconcile_seconds: float = Field(default=15.0, gt=0)
    patience_seconds: float = Field(default=0.25, gt=0)
    """How long a row waits for risk's mark while its bars are there; never in a simulation."""
    place_seconds: float = Field(default=2.0, gt=0)
    """How long a row waits for orders whose outcome is unknown before it goes on without them."""
    hold_first_start: bool = False
    """For containers: halt at the first start in a mode with a broker, as `trimtab up` does."""
    crash_at: str | None = Field(
        default=None,
        pattern=r"^(committed|journalled|submitted|cancelled|accepted|opened)(:[1-9][0-9]{0,5})?$",
    )
    """For tests against a simulator: end the process at this point, at its Nth passage (`:N`)."""

    def journal_address(self) -> str | Path:
        """A table beside the record on its server; without one, a file of the journal's own."""
        address = self.database_address()
        return self.at_home.journal if address.startswith("sqlite:") else address

    @property
    def rest_url(self) -> str:
        """Where orders go."""
        if self.trading_url is not None:
            return self.trading_url.rstrip("/")
        urls = {Mode.SIM: self.simulator_url, Mode.PAPER: PAPER_URL, Mode.LIVE: LIVE_URL}
        return urls[self.mode].rstrip("/")

    @property
    def stream_url(self) -> str:
        """Where the broker tells of changes to orders."""
        return self.rest_url.replace("http", "ws", 1) + "/stream"
