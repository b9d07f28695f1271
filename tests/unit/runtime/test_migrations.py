"""Migrations bring any older database to the present shape, and refuse a newer one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from trimtab_runtime import migrations
from trimtab_runtime.database import connect
from trimtab_runtime.tables import metadata


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = connect(tmp_path / "record.db")
    yield engine
    engine.dispose()


def test_an_empty_database_gets_every_table(engine):
    assert migrations.current(engine) is None
    migrations.upgrade(engine)
    assert migrations.current(engine) == migrations.newest()
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_upgrading_again_changes_nothing(engine):
    migrations.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO dead_letters VALUES ('1', 'bars', '1-0', 'risk', NULL, 'r', 3, "
                 "'{}', '2024-01-01 00:00:00')")
        )  # fmt: skip
    migrations.upgrade(engine)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM dead_letters")) == 1


def test_a_database_of_a_later_release_is_left_alone(engine):
    migrations.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(migrations.NewerDatabase, match="9999"):
        migrations.upgrade(engine)


def test_the_tables_are_such_that_postgresql_makes_them_too():
    dialect = postgresql.dialect()
    statements = [
        str(CreateTable(table).compile(dialect=dialect)) for table in metadata.tables.values()
    ]
    statements += [
        str(CreateIndex(index).compile(dialect=dialect))
        for table in metadata.tables.values()
        for index in table.indexes
    ]
    assert sum("TIMESTAMP WITH TIME ZONE" in statement for statement in statements) == 5
    names = [index.name for table in metadata.tables.values() for index in table.indexes]
    assert len(names) == len(set(names))  # PostgreSQL has one space of names for all of them
