"""`parity` from outside: one market, two ways through it, and what differs."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trimtab import show
from trimtab.demo.configuration import write_configuration
from trimtab.demo.scene import SESSIONS, Scene, set_scene
from trimtab.demo.wishes import MAX, Wishes
from trimtab.exit_codes import NO, OK
from trimtab.parity.compare import TOLD_MAX, Difference, differences
from trimtab.parity.expected import said_by_engine
from trimtab.parity.live import Lived, live_through
from trimtab_common.symbols import parse_symbol
from trimtab_common.timeframes import Timeframe
from trimtab_runtime.marketfile import read_bars
from trimtab_trading.generated import generated
from trimtab_trading.market import Market


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options of `trimtab parity`."""

    data: Path | None
    rows: int | None
    symbols: str | None
    seed: int
    kills: int
    config: Path | None
    live_config: Path | None
    as_json: bool


def run_parity(asked: Asked) -> int:
    """The exit code: 0 where the rooms say what the engine says."""
    scene = _scene(asked)
    market = _market(scene, asked)
    chance = random.Random(asked.seed)
    show.aside(f"{market.rows_total} rows of {len(market.symbols)} symbols through the engine …")
    expected = said_by_engine(market, scene.plan.config_dir)
    show.aside("… and through the rooms")
    lived = live_through(scene, kills=asked.kills, chance=chance, say=show.aside)
    found = differences(expected, lived.events)
    counts = {family: len(events) for family, events in expected.items() if family != "bars"}
    show.result(
        _as_json(market, counts, lived, found), as_json=asked.as_json, lines=_lines(lived, found)
    )
    if found or lived.left_over:
        show.aside(f"Everything recorded is in {scene.plan.home.root}.")
        return NO
    shutil.rmtree(scene.plan.home.root, ignore_errors=True)
    return OK


def _scene(asked: Asked) -> Scene:
    scene = set_scene(
        Wishes(
            data=asked.data,
            seconds=None,
            speed=MAX,
            symbols=asked.symbols,
            seed=asked.seed,
            home=None,
            config=asked.config,
            keep=True,
            as_json=asked.as_json,
        )
    )
    told = dict(scene.plan.environment)
    if asked.rows is not None:
        told["TRIMTAB_SIM_ROWS"] = str(asked.rows)
    if asked.live_config is not None:
        told["TRIMTAB_CONFIG_DIR"] = str(_fitted(asked.live_config, scene).resolve())
    return replace(scene, plan=replace(scene.plan, environment=told))


def _fitted(config: Path, scene: Scene) -> Path:
    """A configuration that only the rooms see, fitted to the market like the other one."""
    home, market = scene.plan.home, scene.market
    folder = home.made(home.root / "live-config")
    write_configuration(
        config,
        folder,
        symbols=market.symbols,
        calendar=market.calendar,
        timeframe=market.timeframe,
    )
    return folder


def _market(scene: Scene, asked: Asked) -> Market:
    """The market that the exchange will show."""
    plan = scene.market
    if asked.data is not None:
        chosen = plan.symbols if asked.symbols else None
        return read_bars(asked.data, symbols=chosen, rows=asked.rows).market
    from trimtab_simulator.settings import SimulatorSettings

    crypto = plan.calendar.value == "24/7"
    whole = generated(
        seed=asked.seed,
        symbols=[parse_symbol(name, crypto=crypto) for name in plan.symbols],
        calendar_name=plan.calendar,
        timeframe=Timeframe.ONE_MINUTE,
        start=SimulatorSettings.model_fields["sim_start"].default,
        sessions=SESSIONS,
    )
    return whole if asked.rows is None else whole.first_rows(asked.rows)


def _as_json(
    market: Market, counts: dict[str, int], lived: Lived, found: list[Difference]
) -> dict[str, Any]:
    return {
        "events": sum(counts.values()),
        "differences": len(found),
        **counts,
        "rows": market.rows_total,
        "symbols": len(market.symbols),
        "source": market.source,
        "killed": lived.killed,
        "seconds": round(lived.seconds, 3),
        "left_over": lived.left_over,
        "first_differences": [difference.as_json() for difference in found[:TOLD_MAX]],
    }


def _lines(lived: Lived, found: list[Difference]) -> list[str]:
    if not found:
        events = sum(map(len, lived.events.values()))
        killed = f", with {', '.join(lived.killed)} killed on the way" if lived.killed else ""
        return [f"The rooms say what the engine says: {events} events, no difference{killed}."]
    lines = [f"{len(found)} differences; the first ones:"]
    return lines + [f"  {difference}" for difference in found[:TOLD_MAX]]
