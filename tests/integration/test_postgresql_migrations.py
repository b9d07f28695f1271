"""Migrations there and back, on SQLite and on PostgreSQL, with rows in the tables."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, func, inspect, select, text

from tests.integration import postgres_server
from tests.integration.test_recorder_record import LIFE, batch_of, everything
from trimtab_recorder.adapters.database import SqlRecord
from trimtab_runtime import migrations
from trimtab_runtime.database import connect
from trimtab_runtime.delivery.endings import Unavailable
from trimtab_runtime.tables import metadata

postgres = postgres_server.postgres
STARTERS = 3
OURS = set(metadata.tables)


def script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


REVISIONS = [each.revision for each in reversed(list(script().walk_revisions()))]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a place where nothing is yet."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres").new_database())
    return f"sqlite:///{tmp_path / 'trimtab.db'}"


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = connect(url)
    yield engine
    engine.dispose()


def tables_of(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names())


def differences(engine: Engine) -> list[object]:
    """What the tables of a database and those that the code speaks of do not agree on."""
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        return list(compare_metadata(context, metadata))


def fill(url: str) -> None:
    """Write something of everything into the record."""
    record = SqlRecord(url, busy_seconds=5.0)
    record.prepare()
    record.write(batch_of(LIFE))
    record.close()


def test_every_migration_knows_the_way_back():
    for each in script().walk_revisions():
        assert callable(getattr(each.module, "downgrade", None)), each.revision


def test_the_tables_are_those_the_code_speaks_of_on_the_way_there_and_back_again(engine):
    migrations.upgrade(engine)
    assert differences(engine) == []
    migrations.downgrade(engine, migrations.NOTHING)
    assert tables_of(engine) & OURS == set()
    assert migrations.current(engine) is None
    migrations.upgrade(engine)
    assert differences(engine) == []
    assert migrations.current(engine) == migrations.newest() == REVISIONS[-1]


def test_a_record_with_rows_in_it_goes_back_a_step_and_on_again(engine, url):
    """Whatever the step: what both sides have a place for is there afterwards."""
    fill(url)
    before = {name: len(rows) for name, rows in everything(url).items()}
    assert all(before[name] for name in ("events", "orders", "fills", "alerts"))
    previous = REVISIONS[-2] if len(REVISIONS) > 1 else migrations.NOTHING
    migrations.downgrade(engine, previous)
    kept = tables_of(engine) & OURS
    migrations.upgrade(engine)
    for name in kept:
        with engine.connect() as connection:
            count = connection.scalar(select(func.count()).select_from(metadata.tables[name]))
        assert count == before[name]
    fill(url)
    assert {name: len(rows) for name, rows in everything(url).items()} == before


def test_what_is_not_ours_is_left_alone(engine):
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE somebody_elses (number INTEGER)"))
    migrations.upgrade(engine)
    migrations.downgrade(engine, migrations.NOTHING)
    assert tables_of(engine) == {"alembic_version", "somebody_elses"}


def test_a_migration_that_breaks_leaves_nothing_half_done(engine):
    migrations.upgrade(engine)
    migrations.downgrade(engine, migrations.NOTHING)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alerts (number INTEGER)"))
    with pytest.raises(Exception, match="already exists"):
        migrations.upgrade(engine)
    assert tables_of(engine) == {"alembic_version", "alerts"}
    assert migrations.current(engine) is None


def test_several_recorders_that_start_at_once_migrate_once(engine, url):
    command = [sys.executable, "-m", "trimtab_recorder.adapters.migration"]
    starting = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(STARTERS)
    ]
    for process in starting:  # the URL is what they wait for
        assert process.stdin is not None
        process.stdin.write(url)
        process.stdin.close()
    for process in starting:
        assert process.stderr is not None
        assert (process.stderr.read(), process.wait(60)) == ("", 0)
        process.stderr.close()
    assert differences(engine) == []
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1


@pytest.mark.long
def test_a_database_of_a_later_release_is_refused_with_a_sentence(engine, url):
    fill(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    before = everything(url)
    with pytest.raises(Unavailable, match="migration 9999, which this release does not know"):
        SqlRecord(url, busy_seconds=1.0).prepare()
    with pytest.raises(migrations.NewerDatabase, match="restore a backup"):
        migrations.downgrade(engine, migrations.NOTHING)
    assert everything(url) == before
