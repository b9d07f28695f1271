"""How a setting is found: in the environment, in `.env`, or in a file that the environment names.

A room looks for `TRIMTAB_<ROOM>_<FIELD>` first, then `TRIMTAB_<FIELD>`, then the field's other
names; each of these may end in `_FILE` and then names a file that holds the value.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from trimtab_runtime.errors import ConfigError, Problem

PREFIX = "TRIMTAB_"
SECRET_FOLDERS = (Path("/run/secrets"), Path("/var/run/secrets"))
"""Where an orchestrator mounts secrets and sets their modes itself. It mounts every secret that it
was told of, so an empty one there is one that the owner has not given."""
SECRET_BYTES_MAX = 65_536
QUOTES = "\"'"


class Environment(PydanticBaseSettingsSource):
    """Reads every field of a settings class from variables and the files they name."""

    def __init__(
        self, settings: type[BaseSettings], variables: Mapping[str, str], room: str
    ) -> None:
        super().__init__(settings)
        self._variables = variables
        self._room = room

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        for name in names_of(field_name, field, self._room):
            text = self._text(name)
            if text is not None:
                return text, field_name, self.field_is_complex(field)
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, field in self.settings_cls.model_fields.items():
            value, key, is_complex = self.get_field_value(field, name)
            if value is not None:
                found[key] = self.prepare_field_value(name, field, value, is_complex)
        return found

    def _text(self, name: str) -> str | None:
        """The cleaned value of a variable or of its file; an empty variable counts as unset."""
        text = unquoted(self._variables.get(name, ""))
        file = unquoted(self._variables.get(f"{name}_FILE", ""))
        if text and file:
            raise ConfigError(
                [
                    Problem(
                        place="environment",
                        key=f"{name} and {name}_FILE",
                        expected="only one of the two",
                        found="both",
                    )
                ]
            )
        return (read_secret(Path(file), name) if file else text) or None


def variables(env_file: Path = Path(".env")) -> dict[str, str]:
    """The process's environment over what `.env` in the working folder says."""
    written = dotenv_values(env_file, interpolate=False) if env_file.is_file() else {}
    return {name: text for name, text in written.items() if text is not None} | dict(os.environ)


def names_of(field_name: str, field: FieldInfo, room: str) -> Iterator[str]:
    """The variables that may hold a field, the most particular one first."""
    if room:
        yield f"{PREFIX}{room}_{field_name}".upper()
    yield f"{PREFIX}{field_name}".upper()
    extra = field.json_schema_extra
    if isinstance(extra, dict):
        also = extra.get("also")
        if isinstance(also, list):
            yield from (str(name) for name in also)


def unquoted(text: str) -> str:
    """Take off what shells and env files leave behind: outer whitespace and one pair of quotes.

    >>> unquoted(' "a b"'), unquoted("it's")
    ('a b', "it's")
    """
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in QUOTES:
        return text[1:-1].strip()
    return text


def read_secret(path: Path, name: str, mounts: Sequence[Path] = SECRET_FOLDERS) -> str:
    """The value in a secret file, which nobody else may read; "" for an empty mounted one.

    Raises:
        ConfigError: where the file is missing, empty, too large, or open to other users.
    """
    is_mounted = any(folder in path.resolve().parents for folder in mounts)

    def refuse(expected: str, found: str) -> ConfigError:
        return ConfigError(
            [Problem(place=str(path), key=f"{name}_FILE", expected=expected, found=found)]
        )

    try:
        held = path.stat()
        if not is_mounted and (complaint := _exposed(held)):
            raise refuse("a file that only its owner can read (chmod 600)", complaint)
        if held.st_size > SECRET_BYTES_MAX:
            raise refuse(f"at most {SECRET_BYTES_MAX} bytes", f"{held.st_size}")
        text = unquoted(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise refuse("a file that can be read", error.strerror or str(error)) from None
    except UnicodeDecodeError:
        raise refuse("text in UTF-8", "other bytes") from None
    if not text and not is_mounted:
        raise refuse("a value", "an empty file")
    return text


def _exposed(held: os.stat_result) -> str | None:
    """Why others could read or change the secret."""
    if held.st_uid not in (0, os.getuid()):
        return f"a file of user {held.st_uid}"
    if held.st_mode & (stat.S_IRWXO | stat.S_IWGRP):
        return f"mode {stat.S_IMODE(held.st_mode):04o}"
    return None
