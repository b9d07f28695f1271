"""`lookahead`: proof by trial that a strategy uses no future and can be trusted live."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import typer

from trimtab import show
from trimtab.exit_codes import NO
from trimtab.failure import wrong_use
from trimtab.place import read_settings
from trimtab_common.calendars import CalendarName
from trimtab_common.timeframes import Timeframe, parse_timeframe
from trimtab_runtime.config import load
from trimtab_runtime.strategies import STRATEGIES_FILE, UNIVERSE_FILE, strategy_class
from trimtab_trading.causality import check
from trimtab_trading.config import Strategies, StrategyConfig, Universe, symbols_of, timeframe_of
from trimtab_trading.generated import generated
from trimtab_trading.panel import Panel
from trimtab_trading.strategy import AnyStrategy, make, traits

CUTS = 40
ROWS_BEYOND_WARMUP = 400
SYMBOLS = ("AAPL", "MSFT", "QQQ", "SPY")
START = date(2020, 1, 2)
MISSING = 0.02
ROWS_A_SESSION = {Timeframe.ONE_DAY: 1, Timeframe.FOUR_HOURS: 2, Timeframe.ONE_HOUR: 7}
ROWS_A_SESSION_OTHERWISE = 13


def check_strategy(named: str, *, seed: int, config: Path | None, as_json: bool) -> None:
    """Answer 0 where nothing was found, 1 with the first row at which it differs."""
    strategy, symbols, timeframe = _made(named, config)
    said = traits(strategy, name="strategy", timeframe=timeframe)
    rows = (said.warmup or 1) + ROWS_BEYOND_WARMUP
    panel = _panel(symbols, said.timeframe, rows, seed, others=tuple(said.other_rows or ()))
    generator = np.random.Generator(np.random.PCG64(seed))
    findings = check(strategy, panel, cuts=CUTS, generator=generator)
    content: dict[str, Any] = {
        "strategy": named,
        "passes": not findings,
        "rows": len(panel),
        "cuts": CUTS,
        "warmup": said.warmup,
        "findings": [finding._asdict() for finding in findings],
    }
    lines = [f"{finding.kind}: {finding.text}" for finding in findings]
    if not findings:
        lines = [f"{named} passes: {CUTS} random cuts of {len(panel)} generated rows."]
        if said.warmup is None:
            lines.append("It names no warmup, so it runs in backtests only.")
    show.result(content, as_json=as_json, lines=lines)
    if findings:
        raise typer.Exit(NO)


def _made(named: str, config: Path | None) -> tuple[AnyStrategy, tuple[str, ...], Timeframe]:
    """The strategy as it is configured, or with its own defaults."""
    config_dir = read_settings(config=config).config_dir
    entry = _entry(named, config_dir)
    try:
        if entry is None:
            strategy = make(strategy_class(named), {}, name="strategy", timeframe=Timeframe.ONE_DAY)
            return strategy, SYMBOLS, Timeframe.ONE_DAY
        universe = load(config_dir / UNIVERSE_FILE, Universe)
        timeframe = timeframe_of(entry, universe) or Timeframe.ONE_DAY
        type_ = strategy_class(entry.uses)
        strategy = make(type_, entry.parameters, name=entry.name, timeframe=timeframe)
        return strategy, symbols_of(entry, universe) or SYMBOLS, timeframe
    except ValueError as error:
        raise wrong_use(f"{named}: {error}.") from None


def _entry(named: str, config_dir: Path) -> StrategyConfig | None:
    if not (config_dir / STRATEGIES_FILE).exists():
        return None
    entries = load(config_dir / STRATEGIES_FILE, Strategies).strategies
    return next((entry for entry in entries if entry.name == named), None)


def _panel(
    symbols: tuple[str, ...],
    timeframe: Timeframe,
    rows: int,
    seed: int,
    others: tuple[str, ...] = (),
) -> Panel:
    """A generated market with some bars missing, as long as asked for."""
    sessions = rows // ROWS_A_SESSION.get(timeframe, ROWS_A_SESSION_OTHERWISE) + 1
    panel = _of_market(symbols, timeframe, sessions, seed).prefix(rows)
    return Panel.of(
        panel.ts,
        panel.symbols,
        open=panel.open,
        high=panel.high,
        low=panel.low,
        close=panel.close,
        volume=panel.volume,
        others={
            other: _of_market(symbols, parse_timeframe(other), sessions, seed) for other in others
        },
    )


def _of_market(symbols: tuple[str, ...], timeframe: Timeframe, sessions: int, seed: int) -> Panel:
    is_pairs = all("/" in symbol for symbol in symbols)
    market = generated(
        seed=seed,
        symbols=symbols,
        calendar_name=(CalendarName.ALWAYS if is_pairs else CalendarName.XNYS).value,
        timeframe=timeframe,
        start=START,
        sessions=sessions,
        missing=MISSING,
    )
    bars = np.stack([market.open, market.high, market.low, market.close, market.volume])
    columns = market.symbol_index.astype(np.int64)
    return Panel.from_bars(market.symbols, columns, market.available_at, bars)
