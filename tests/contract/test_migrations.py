"""The migrations make the schema that the program uses, and refuse what they do not know."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from monitor.storage.database import Database
from monitor.storage.errors import StorageError
from monitor.storage.migrate import MIGRATIONS
from monitor.storage.tables import REVISION, metadata


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_an_empty_database_gets_the_schema_of_the_tables(url: str) -> None:
    database = Database(url)
    await database.open()
    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.scalar(text("SELECT version_num FROM alembic_version")) == REVISION
    await database.close()


def test_the_program_knows_its_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


async def test_a_newer_schema_is_refused_and_left_alone(url: str) -> None:
    database = Database(url)
    async with database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.close()

    later = Database(url)
    with pytest.raises(
        StorageError, match=rf"newer version of this program \(schema 9999, this one knows {REVISION}\)"
    ):
        await later.open()
    await later.close()


async def test_the_directory_of_a_file_is_made(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/a/b/monitor.db")
    await database.open()
    assert (tmp_path / "a" / "b" / "monitor.db").is_file()
    await database.close()
