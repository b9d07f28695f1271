"""What ingest can be told from outside: where the feed is, and how patient to be with it."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Self

from pydantic import Field, model_validator

from trimtab_runtime.settings import AlpacaKeys, Mode

URL = r"^(https?|wss?)://[^\s/]+(/[^\s]*)?$"


class Symbols(StrEnum):
    """Which of a simulator's symbols are collected."""

    UNIVERSE = "universe"
    """Those that stand in config/universe.yaml, too."""
    ALL = "all"


class Settings(AlpacaKeys):
    """The settings of the ingest room."""

    room: ClassVar[str] = "ingest"

    simulator_url: str = Field(default="http://127.0.0.1:8190", pattern=URL)
    data_url: str = Field(default="https://data.alpaca.markets", pattern=URL)
    """Where history is fetched, in paper and live."""
    stream_url: str = Field(default="wss://stream.data.alpaca.markets", pattern=URL)
    """Where bars are streamed, in paper and live."""
    symbols: Symbols = Symbols.UNIVERSE
    """`all`: whatever the simulator offers; for the demo."""
    symbols_max: int | None = Field(default=None, ge=1)
    """How many stocks the data plan allows to stream: 30 with Alpaca's free one."""
    row_grace_seconds: float = Field(default=2.0, gt=0, le=30)
    """So long after its first bar a row waits for the others, in paper and live."""
    daily_delay_seconds: float = Field(default=15.0, ge=0, le=600)
    """So long after the close the daily bars are asked for: auctions are printed by then."""
    daily_grace_seconds: float = Field(default=60.0, gt=0, le=600)
    """So long the row of the close waits for daily bars; then they are made of minutes."""
    backfill_age_seconds: float = Field(default=90.0, gt=0)
    """Older intraday rows are published as late bars: nobody should trade on them."""
    stale_after_seconds: float = Field(default=180.0, gt=0)
    """So long may a feed bring nothing while its market is open."""
    mute_after_seconds: float = Field(default=240.0, gt=0)
    """After so long without data, while the market is open, the connection is made anew."""
    store_interval_seconds: float = Field(default=5.0, gt=0)

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        if self.daily_grace_seconds < self.row_grace_seconds:
            raise ValueError("daily_grace_seconds must not be shorter than row_grace_seconds")
        if self.symbols is Symbols.ALL and self.mode is not Mode.SIM:
            raise ValueError("symbols = all is for the simulator; list them in universe.yaml")
        return self

    @property
    def keys(self) -> tuple[str, str] | None:
        """The key and its secret; None where one of them is missing."""
        if self.alpaca_key_id is None or self.alpaca_secret_key is None:
            return None
        return self.alpaca_key_id.get_secret_value(), self.alpaca_secret_key.get_secret_value()
