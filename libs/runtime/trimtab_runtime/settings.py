"""What every room can be told from outside: where things are, in which mode, how loud."""

from __future__ import annotations

from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from trimtab_runtime.environment import Environment, names_of, variables
from trimtab_runtime.errors import ConfigError, Problem, shown
from trimtab_runtime.home import Home

ROOM_PORTS = {
    "ingest": 8101,
    "strategy": 8102,
    "risk": 8103,
    "execution": 8104,
    "alerting": 8105,
    "trainer": 8106,
    "scheduler": 8107,
    "recorder": 8108,
    "simulator": 8190,
    "dashboard": 8080,
}
HIGHEST_PORT = 65_535
DATABASES = ("postgresql://", "postgresql+psycopg://", "postgres://", "sqlite:///")


class Mode(StrEnum):
    """Whose money moves: nobody's, nobody's at a real broker, or the owner's."""

    SIM = "sim"
    PAPER = "paper"
    LIVE = "live"


class LogFormat(StrEnum):
    """How a log line on the terminal looks; the log file is JSON always."""

    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """The least important line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _printable(secret: SecretStr) -> SecretStr:
    """A secret travels in headers and addresses: whitespace or control characters break them."""
    text = secret.get_secret_value()
    if not text:
        raise ValueError("a value; it is empty (leave it out instead)")
    if any(character.isspace() or not character.isprintable() for character in text):
        raise ValueError("text without spaces, line breaks and control characters")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_printable)]
"""A value that is shown nowhere; read it with `get_secret_value()` where it is used."""


def release_id() -> str:
    """The version of the installed code, where no build id is given."""
    try:
        return version("trimtab-runtime")
    except PackageNotFoundError:
        return "unreleased"


class RoomSettings(BaseSettings):
    """The settings of every room. A room adds its own fields and names itself in `room`."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    room: ClassVar[str] = ""

    home: Path = Path("var")
    mode: Mode = Mode.SIM
    redis_url: Secret | None = None
    """None: the embedded server's address, read from the home."""
    database_url: Secret | None = None
    """None: SQLite in the home."""
    stream_prefix: str = Field(default="trimtab:", pattern=r"^[a-z][a-z0-9_.:-]{0,40}$")
    config_dir: Path = Path("config")
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=0, ge=0, le=HIGHEST_PORT, validate_default=True)
    """0: the room's own port, from ROOM_PORTS."""
    log_level: LogLevel = LogLevel.INFO
    log_format: LogFormat = LogFormat.JSON
    entries_per_commit: int = Field(default=200, ge=1, le=1_000)
    """So many entries at most become one commit; what is decided does not depend on it."""
    release: str = Field(
        default_factory=release_id, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/+-]{0,79}$"
    )
    """The same in all rooms of one system: they report it, and a mixture is a fault."""

    @field_validator("http_port")
    @classmethod
    def _own_port(cls, port: int) -> int:
        return port or ROOM_PORTS.get(cls.room, 0)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del env_settings, dotenv_settings, file_secret_settings
        return init_settings, Environment(settings_cls, variables(), cls.room)

    @classmethod
    def read(cls) -> Self:
        """Read the settings, or raise a ConfigError that names the variables to put right."""
        try:
            return cls()
        except ValidationError as error:
            raise ConfigError(_problems(cls, error)) from None

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: SecretStr | None) -> SecretStr | None:
        text = "" if url is None else url.get_secret_value()
        if text and not text.startswith(DATABASES):
            raise ValueError("postgresql://user:password@host/database, or sqlite:///a/file")
        return url

    @field_validator("home", "config_dir")
    @classmethod
    def _expanded(cls, path: Path) -> Path:
        return path.expanduser()

    @property
    def at_home(self) -> Home:
        """The paths under `home`."""
        return Home(self.home)

    def redis_address(self) -> str | None:
        """The server's URL with its password; None while an embedded server is not running."""
        if self.redis_url is not None:
            return self.redis_url.get_secret_value()
        file = self.at_home.redis_url
        return file.read_text(encoding="utf-8").strip() if file.exists() else None

    def database_address(self) -> str:
        """The URL of the record."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.at_home.database}"

    def secrets(self) -> list[str]:
        """Every secret value, and the passwords inside addresses, for the log's redaction."""
        values = (getattr(self, name) for name in type(self).model_fields)
        found = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        return found + [password for text in found if (password := urlsplit(text).password)]


class AlpacaKeys(RoomSettings):
    """For rooms that talk to Alpaca; the broker's own variable names are read too."""

    alpaca_key_id: Secret | None = Field(
        default=None, json_schema_extra={"also": ["APCA_API_KEY_ID"]}
    )
    alpaca_secret_key: Secret | None = Field(
        default=None, json_schema_extra={"also": ["APCA_API_SECRET_KEY"]}
    )


def _problems(settings: type[RoomSettings], error: ValidationError) -> list[Problem]:
    problems = []
    for detail in error.errors(include_url=False):
        name = str(detail["loc"][0]) if detail["loc"] else ""
        field = settings.model_fields.get(name)
        variable = " or ".join(names_of(name, field, settings.room)) if field else name
        secret = field is not None and "SecretStr" in str(field.annotation)
        message = detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        found = "a secret that is not shown" if secret else shown(detail.get("input"))
        if detail["type"] == "missing":
            message, found = "a value", "nothing"
        problems.append(Problem(place="environment", key=variable, expected=message, found=found))
    return problems
