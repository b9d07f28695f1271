"""`check-config` and `show-config`: the owner's files and the environment, as rooms read them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel, SecretStr

from trimtab import show as showing
from trimtab.exit_codes import NO
from trimtab.place import CommandSettings, read_settings
from trimtab.supervisor.plan import EXCHANGE, ROOMS
from trimtab_runtime.config import load
from trimtab_runtime.errors import ConfigError, Problem
from trimtab_runtime.settings import RoomSettings
from trimtab_runtime.strategies import STRATEGIES_FILE, UNIVERSE_FILE, read_slots

FILES = {
    UNIVERSE_FILE: "trimtab_trading.config:Universe",
    STRATEGIES_FILE: "trimtab_trading.config:Strategies",
    "risk.yaml": "trimtab_trading.risk.limits:RiskLimits",
    "alerts.yaml": "trimtab_alerting.core.rules:AlertRules",
}
"""File → the model that its room reads it into."""
HIDDEN = "set, not shown"


def check(*, config: Path | None, as_json: bool) -> None:
    """Answer 0 where everything can be used, 1 with one line for each problem."""
    settings = read_settings(config=config)
    problems = find_problems(settings)
    lines = [str(problem) for problem in problems]
    if problems:
        lines.append(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}.")
    else:
        rooms = len(ROOMS) + 1
        lines.append(f"{', '.join(FILES)} and the settings of {rooms} rooms can be used.")
    found = [asdict(problem) for problem in problems]
    showing.result({"ok": not problems, "problems": found}, as_json=as_json, lines=lines)
    if problems:
        raise typer.Exit(NO)


def find_problems(settings: CommandSettings) -> list[Problem]:
    """Everything that would keep a room from starting, or strategies from running."""
    checks: list[Callable[[], object]] = [
        *(lambda name=name: load(settings.config_dir / name, model_of(name)) for name in FILES),
        *(lambda name=name: settings_class(name).read() for name in (EXCHANGE, *ROOMS)),
    ]
    problems = [problem for check in checks for problem in _problems_of(check)]
    if not problems:
        problems = list(_problems_of(lambda: read_slots(settings.config_dir)))
    return list(dict.fromkeys(problems))


def model_of(file: str) -> type[BaseModel]:
    """The model of a configuration file."""
    module, _, name = FILES[file].partition(":")
    model: type[BaseModel] = getattr(importlib.import_module(module), name)
    return model


def settings_class(room: str) -> type[RoomSettings]:
    """The settings of a room, found without importing the room's work."""
    module = importlib.import_module(f"trimtab_{room}.settings")
    return next(
        found
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, RoomSettings) and found.room == room
    )


def _problems_of(check: Callable[[], object]) -> Iterator[Problem]:
    try:
        check()
    except ConfigError as error:
        yield from error.problems


def show(*, home: Path | None, config: Path | None, as_json: bool) -> None:
    """Print what is in force, room by room and file by file."""
    settings = read_settings(home, config)
    content: dict[str, Any] = {
        "files": {name: _file(settings.config_dir / name, model_of(name)) for name in FILES},
        "settings": {room: _settings(settings_class(room).read()) for room in (EXCHANGE, *ROOMS)},
    }
    if as_json:
        showing.result(content, as_json=True)
        return
    import yaml

    print(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), end="")


def _file(path: Path, model: type[BaseModel]) -> dict[str, Any]:
    return load(path, model).model_dump(mode="json")


def _settings(settings: RoomSettings) -> dict[str, Any]:
    """Every setting; a secret says only that it is there."""
    return {
        name: HIDDEN if isinstance(value, SecretStr) else _plain(value) for name, value in settings
    }


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | float | None) else str(value)
