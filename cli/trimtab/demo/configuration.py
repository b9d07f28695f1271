"""The owner's configuration, fitted to the market of the demo and written into its home."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from trimtab.failure import wrong_use
from trimtab_common.calendars import CalendarName
from trimtab_common.timeframes import Timeframe
from trimtab_runtime.config import load
from trimtab_runtime.strategies import STRATEGIES_FILE, UNIVERSE_FILE
from trimtab_trading.config import (
    ALL,
    NATIVE,
    Feed,
    Strategies,
    StrategyConfig,
    SymbolGroup,
    Universe,
    symbols_of,
)

GROUP = "demo"


def write_configuration(
    owners: Path,
    folder: Path,
    *,
    symbols: Sequence[str],
    calendar: CalendarName,
    timeframe: Timeframe,
) -> list[str]:
    """Write every file; returns what was left out, one sentence each."""
    for source in sorted(owners.glob("*.yaml")):
        if source.name not in (UNIVERSE_FILE, STRATEGIES_FILE):
            (folder / source.name).write_bytes(source.read_bytes())
    universe = load(owners / UNIVERSE_FILE, Universe)
    entries, notes, timeframes = [], [], {timeframe}
    written = _as_written(owners / STRATEGIES_FILE)
    for entry in load(owners / STRATEGIES_FILE, Strategies).enabled:
        reason = _unfit(entry, universe, set(symbols), timeframe)
        if reason is None:
            entries.append(_entry(entry, written[entry.name], universe))
            timeframes.add(timeframe if entry.timeframe == NATIVE else Timeframe(entry.timeframe))
        else:
            notes.append(f"strategy {entry.name} is left out: {reason}")
    if not entries:
        raise wrong_use(
            "No enabled strategy can run on this market: "
            + "; ".join(notes or ["none is enabled"]),
            f"`symbols: all` and `timeframe: native` in {owners / STRATEGIES_FILE} fit any market.",
        )
    group = SymbolGroup(
        name=GROUP,
        calendar=calendar,
        timeframes=tuple(sorted(timeframes, key=lambda each: each.duration)),
        symbols=tuple(symbols),
        feed=Feed.SIMULATED,
    )
    _dump(folder / UNIVERSE_FILE, {"groups": [group.model_dump(mode="json", exclude_unset=True)]})
    _dump(folder / STRATEGIES_FILE, {"strategies": entries})
    return notes


def _unfit(
    entry: StrategyConfig, universe: Universe, offered: set[str], timeframe: Timeframe
) -> str | None:
    """Why a strategy cannot run on what the market offers."""
    if entry.timeframe != NATIVE and Timeframe(entry.timeframe).duration < timeframe.duration:
        return f"it decides on {entry.timeframe} bars, the market has only {timeframe.value} ones"
    if entry.symbols == ALL:
        return None
    missing = sorted(set(symbols_of(entry, universe)) - offered)
    return f"the market has no {', '.join(missing)}" if missing else None


def _as_written(path: Path) -> dict[str, dict[str, Any]]:
    """The entries of a file that was found good, by their names."""
    entries = yaml.safe_load(path.read_text(encoding="utf-8-sig"))["strategies"]
    return {entry["name"]: entry for entry in entries}


def _entry(entry: StrategyConfig, written: dict[str, Any], universe: Universe) -> dict[str, Any]:
    """The entry without its group, and with the owner's files named from anywhere."""
    said = {key: value for key, value in written.items() if key != "group"}
    if entry.group is not None:
        said["symbols"] = list(symbols_of(entry, universe))
    path, colon, name = entry.uses.rpartition(":")
    if colon:
        said["uses"] = f"{Path(path).expanduser().resolve()}:{name}"
    return said


def _dump(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
