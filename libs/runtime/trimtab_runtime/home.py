"""Where this machine keeps what Trimtab writes: one folder, and the name of everything in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PRIVATE_FOLDER_MODE = 0o700
PRIVATE_FILE_MODE = 0o600


@dataclass(frozen=True)
class Home:
    """The paths under TRIMTAB_HOME. Naming a path creates nothing; `made` creates a folder."""

    root: Path

    @property
    def redis(self) -> Path:
        """The embedded server's data."""
        return self.root / "redis"

    @property
    def redis_url(self) -> Path:
        """The embedded server's address with its password; there while the server runs."""
        return self.redis / "url"

    @property
    def database(self) -> Path:
        """The record, where no other database is configured."""
        return self.root / "trimtab.db"

    @property
    def journal(self) -> Path:
        """Execution's own database: intents written down before they are sent."""
        return self.root / "journal.db"

    @property
    def outbox(self) -> Path:
        """Alerting's own database: alerts written down before they are delivered."""
        return self.root / "outbox.db"

    @property
    def alerts_log(self) -> Path:
        """Every alert, one JSON object a line."""
        return self.root / "alerts.log"

    @property
    def bars(self) -> Path:
        return self.root / "bars"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def backtests(self) -> Path:
        return self.root / "backtests"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def backups(self) -> Path:
        return self.root / "backups"

    @property
    def run(self) -> Path:
        """What lives as long as the processes do: pid files, sockets, locks."""
        return self.root / "run"

    @property
    def status(self) -> Path:
        """The state of the whole system as JSON, rewritten by the supervisor."""
        return self.root / "status.json"

    @property
    def halt(self) -> Path:
        """The kill switch: while this file exists, nothing is bought or sold."""
        return self.root / "HALT"

    def made(self, folder: Path) -> Path:
        """Create a folder of this home, readable by its owner alone, and return it."""
        missing = [folder, *folder.parents]
        for path in reversed([path for path in missing if not path.exists()]):
            path.mkdir(mode=PRIVATE_FOLDER_MODE, exist_ok=True)
        return folder


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step by a new one that only its owner can read."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=PRIVATE_FILE_MODE)
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
