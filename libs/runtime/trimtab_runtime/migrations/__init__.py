"""Brings a database to the shape this release needs, or back; safe to run at every start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

NEWEST, NOTHING = "head", "base"
_LOCK_NUMBER = 7_423_519  # any number, as long as all of ours use the same


class NewerDatabase(Exception):
    """The database was written by a later release than this one."""


def upgrade(engine: Engine, revision: str = NEWEST) -> None:
    """Apply the migrations that are missing, all in one transaction, one process at a time.

    Raises:
        NewerDatabase: where the database has migrations that this release does not know.
    """
    with _alone(engine) as connection:
        command.upgrade(_config(connection), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take back every migration after this one; what only they had a place for is lost.

    Raises:
        NewerDatabase: where the database has migrations that this release does not know.
    """
    with _alone(engine) as connection:
        command.downgrade(_config(connection), revision)


def current(engine: Engine) -> str | None:
    """The newest migration a database has; None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """The newest migration this release has."""
    return ScriptDirectory.from_config(_config(None)).get_current_head()


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A transaction in which nobody else migrates."""
    with engine.begin() as connection:  # on SQLite this holds the write lock already
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK_NUMBER})
        _refuse_newer(connection)
        yield connection


def _refuse_newer(connection: Connection) -> None:
    found = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(_config(None))
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        raise NewerDatabase(
            f"the database has migration {found}, which this release does not know: install the "
            "release that wrote it, or restore a backup made by this one"
        )


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
