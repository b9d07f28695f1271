"""Sets the scene: the market, a home of its own, and a configuration that fits the market."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trimtab.demo.configuration import write_configuration
from trimtab.demo.wishes import Wishes
from trimtab.failure import wrong_use
from trimtab.place import CommandSettings, read_settings
from trimtab.setup import shipped_config
from trimtab.supervisor.plan import (
    EXCHANGE,
    ROOMS,
    SystemPlan,
    exchange_environment,
    room_plan,
)
from trimtab.supervisor.ports import Claim, free_ports
from trimtab_common.calendars import CalendarName
from trimtab_common.symbols import parse_symbol
from trimtab_common.timeframes import Timeframe
from trimtab_runtime.config import load
from trimtab_runtime.home import Home
from trimtab_runtime.settings import ROOM_PORTS, Mode
from trimtab_runtime.strategies import UNIVERSE_FILE
from trimtab_trading.config import Universe

SESSIONS = 60
GENERATED = "generated"
ROWS_AHEAD = "64"
"""At full speed so many rows are on their way: enough to keep everybody busy, and soon finished."""


@dataclass(frozen=True, kw_only=True)
class MarketPlan:
    """What is replayed."""

    source: str
    """`generated`, or the file."""
    symbols: tuple[str, ...]
    calendar: CalendarName
    timeframe: Timeframe
    simulator: Mapping[str, str]
    """What the exchange is told about it."""

    @property
    def description(self) -> str:
        """What it is, in a few words."""
        what = "generated market" if self.source == GENERATED else Path(self.source).name
        symbols = "1 symbol" if len(self.symbols) == 1 else f"{len(self.symbols)} symbols"
        return f"{what}, {symbols}, {self.timeframe.value} bars"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A demo that is ready to begin."""

    market: MarketPlan
    speed: str
    plan: SystemPlan
    moved_ports: Mapping[str, int]
    """Rooms that are not on their usual port, because somebody else is."""
    notes: tuple[str, ...]
    claim: Claim


def set_scene(wishes: Wishes) -> Scene:
    """Read the market, make the home, write the configuration; nothing runs yet."""
    wishes.check()
    settings = read_settings(config=wishes.config)
    owners = settings.config_dir if settings.config_dir.is_dir() else shipped_config()
    market = _market(wishes, owners)
    speed = wishes.speed or f"{market.timeframe.duration.total_seconds():g}"
    home = _new_home(wishes, settings)
    notes = write_configuration(
        owners,
        home.made(home.root / "config"),
        symbols=market.symbols,
        calendar=market.calendar,
        timeframe=market.timeframe,
    )
    usual = {name: ROOM_PORTS[name] for name in (EXCHANGE, *ROOMS)}
    claim = Claim()
    ports = free_ports(usual, none_of_them=not claim.granted)
    return Scene(
        market=market,
        speed=speed,
        plan=_plan(home, market, speed, ports),
        moved_ports={name: port for name, port in ports.items() if port != usual[name]},
        notes=tuple(notes),
        claim=claim,
    )


def _plan(home: Home, market: MarketPlan, speed: str, ports: dict[str, int]) -> SystemPlan:
    return SystemPlan(
        home=home,
        mode=Mode.SIM.value,
        config_dir=home.root / "config",
        rooms=tuple(room_plan(name, port) for name, port in ports.items()),
        embedded=True,
        environment={
            # Nothing of the owner's real system leaks in: no server, no database, no keys.
            **{key: value for key, value in os.environ.items() if not _is_ours(key)},
            "TRIMTAB_HOME": str(home.root.resolve()),
            "TRIMTAB_MODE": Mode.SIM.value,
            "TRIMTAB_CONFIG_DIR": str((home.root / "config").resolve()),
            "TRIMTAB_SIM_SPEED": speed,
            "TRIMTAB_SIM_AHEAD": ROWS_AHEAD,
            **market.simulator,
            **exchange_environment(ports),
            "PYTHONUNBUFFERED": "1",
        },
        # In this folder there is no .env of the owner's either.
        folder=home.root.resolve(),
    )


def _is_ours(variable: str) -> bool:
    return variable.startswith(("TRIMTAB_", "APCA_"))


def _new_home(wishes: Wishes, settings: CommandSettings) -> Home:
    started = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    root = wishes.home or settings.home / "demo" / f"{started}-{os.getpid()}"
    home = Home(root)
    home.made(root)
    return home


def _market(wishes: Wishes, config_dir: Path) -> MarketPlan:
    return _generated(wishes, config_dir) if wishes.data is None else _of_file(wishes)


def _generated(wishes: Wishes, config_dir: Path) -> MarketPlan:
    """One-minute bars of the owner's stocks, or of the symbols that were asked for."""
    symbols = wishes.names or _stocks(config_dir)
    pairs = ["/" in symbol for symbol in symbols]
    if any(pairs) and not all(pairs):
        raise wrong_use(
            "--symbols mixes stocks and crypto; a generated market has one calendar.",
            "Give only stocks, or only pairs such as BTC/USD.",
        )
    calendar = CalendarName.ALWAYS if all(pairs) else CalendarName.XNYS
    try:
        canonical = sorted({parse_symbol(name, crypto=all(pairs)) for name in symbols})
    except ValueError as error:
        raise wrong_use(f"--symbols: {error}.") from None
    return MarketPlan(
        source=GENERATED,
        symbols=tuple(canonical),
        calendar=calendar,
        timeframe=Timeframe.ONE_MINUTE,
        simulator={
            "TRIMTAB_SIM_SEED": str(wishes.seed),
            "TRIMTAB_SIM_SYMBOLS": ",".join(canonical),
            "TRIMTAB_SIM_CALENDAR": calendar.value,
            "TRIMTAB_SIM_TIMEFRAME": Timeframe.ONE_MINUTE.value,
            "TRIMTAB_SIM_SESSIONS": str(SESSIONS),
        },
    )


def _stocks(config_dir: Path) -> tuple[str, ...]:
    groups = load(config_dir / UNIVERSE_FILE, Universe).groups
    stocks = [group.symbols for group in groups if group.calendar is CalendarName.XNYS]
    return stocks[0] if stocks else groups[0].symbols


def _of_file(wishes: Wishes) -> MarketPlan:
    """Read the file as the exchange will, so that what is wrong with it is said here and now."""
    from trimtab_runtime.marketcolumns import MarketFileError
    from trimtab_runtime.marketfile import read_bars

    path = (wishes.data or Path()).resolve()
    try:
        market = read_bars(path, symbols=wishes.names or None).market
    except MarketFileError as error:
        raise wrong_use(f"{error}.") from None
    chosen: dict[str, Any] = {"TRIMTAB_SIM_SYMBOLS": ",".join(market.symbols)}
    return MarketPlan(
        source=str(path),
        symbols=market.symbols,
        calendar=CalendarName(market.calendar),
        timeframe=market.timeframe,
        simulator={"TRIMTAB_SIM_FILE": str(path), **(chosen if wishes.names else {})},
    )
