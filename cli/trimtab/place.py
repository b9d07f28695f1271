"""Which home and which configuration a command is about."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from trimtab_runtime.home import Home
from trimtab_runtime.settings import AlpacaKeys


class CommandSettings(AlpacaKeys):
    """What the environment and `.env` say, as every room would read it."""

    room: ClassVar[str] = ""

    room_host: str | None = Field(default=None, pattern=r"^([a-z0-9.-]|\{room\})+$")
    """Where rooms answer that no supervisor runs, such as containers; {room} is its name."""

    def in_place(self, home: Path | None, config: Path | None) -> CommandSettings:
        """The same with what was given on the command line."""
        given = {"home": home, "config_dir": config}
        update = {name: path.expanduser() for name, path in given.items() if path is not None}
        return self.model_copy(update=update)


def read_settings(home: Path | None = None, config: Path | None = None) -> CommandSettings:
    """The settings of this command; raises ConfigError."""
    return CommandSettings.read().in_place(home, config)


def home_for_emergencies(home: Path | None) -> Home:
    """The home, found even where nothing else of the settings can be read."""
    return Home(home or Path(os.environ.get("TRIMTAB_HOME") or "var").expanduser())
