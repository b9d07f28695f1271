"""What the simulator can be told from outside: which market, how fast, and on which terms.

Beside the settings of every room these are variables that begin with `TRIMTAB_SIM_`.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

from pydantic import Field, field_validator

from trimtab_common.calendars import CalendarName
from trimtab_common.symbols import parse_symbol
from trimtab_common.timeframes import Timeframe
from trimtab_runtime.settings import AlpacaKeys
from trimtab_simulator.core.release import MAX

STOCKS = "AAPL,AMZN,GOOG,MSFT,NVDA,SPY"


class SimulatorSettings(AlpacaKeys):
    """The settings of the simulated exchange. With keys configured, no other pair is accepted."""

    room: ClassVar[str] = "simulator"

    sim_file: Path | None = None
    """A Parquet or CSV file of bars; without one the market is generated."""
    sim_seed: int = Field(default=1, ge=0)
    sim_symbols: str = STOCKS
    """With commas; of a file only these are taken, if this is set."""
    sim_calendar: CalendarName = CalendarName.XNYS
    sim_timeframe: Timeframe = Timeframe.ONE_MINUTE
    sim_start: date = date(2024, 1, 2)
    sim_sessions: int = Field(default=20, ge=1, le=5_000)
    sim_missing: float = Field(default=0.0, ge=0, lt=1)
    """The part of a generated market's bars that was never printed."""
    sim_rows: int | None = Field(default=None, ge=1)
    """Only the first rows of the market; none: all."""
    sim_dir: Path | None = None
    """Where the exchange remembers; default: `simulator` in the home."""
    sim_speed: str = MAX
    """`max`: as fast as rows are opened; a number: so many times faster than the market."""
    sim_ahead: int = Field(default=256, ge=1)
    """At full speed, how many rows may be public beyond the last opened one."""
    sim_pause_minutes: float = Field(default=5.0, gt=0)
    """At a given speed, a longer pause of the market counts as one bar."""
    sim_cash: Decimal = Field(default=Decimal(100_000), ge=0, decimal_places=2)
    sim_slippage_bps: Decimal = Field(default=Decimal(0), ge=0)
    sim_fee_bps: Decimal = Field(default=Decimal(0), ge=0)
    sim_fee_per_order: Decimal = Field(default=Decimal(0), ge=0)
    sim_fee_per_share: Decimal = Field(default=Decimal(0), ge=0)
    sim_volume_share_max: Decimal | None = Field(default=None, gt=0, le=1)
    sim_funds_checked_on_arrival: bool = False
    """Refuse with 403 at once; fills then depend on the order of arrival, as at a real broker."""
    sim_one_connection_per_key: bool = True

    @field_validator("sim_speed")
    @classmethod
    def _is_speed(cls, text: str) -> str:
        try:
            if text == MAX or float(text) > 0:
                return text
        except ValueError:
            pass
        raise ValueError(f"{MAX}, or a number above 0 such as 60")

    @property
    def speed(self) -> float | None:
        """How many times faster than the market; None: as fast as possible."""
        return None if self.sim_speed == MAX else float(self.sim_speed)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols in their canonical spelling."""
        crypto = self.sim_calendar is CalendarName.ALWAYS
        names = (name.strip() for name in self.sim_symbols.split(","))
        return tuple(parse_symbol(name, crypto=crypto) for name in names if name)

    @property
    def chosen_symbols(self) -> tuple[str, ...] | None:
        """Which symbols of a file are wanted; None: all."""
        return self.symbols if "sim_symbols" in self.model_fields_set else None

    @property
    def folder(self) -> Path:
        """Where the exchange remembers."""
        return self.sim_dir or self.home / "simulator"
