"""The migrations make the schema that the program uses, and refuse what they do not know."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from monitor.model import EndpointKey, Flag, FlagChange, Reason, Status, StoredResult, Transition
from monitor.storage.blocks import NOTHING, encode_batch, encode_block, instant, merge, microseconds, slot_of
from monitor.storage.database import Database
from monitor.storage.errors import StorageError
from monitor.storage.migrate import MIGRATIONS
from monitor.storage.store import Store
from monitor.storage.tables import REVISION, metadata

T = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
NOW = microseconds(T)
POINT = EndpointKey("phuong-cua-nam", "")
LINK = EndpointKey("phuong-cua-nam", "link")


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


def go_back(connection: Connection, revision: str) -> None:
    """Make the database what the program of that revision made of an empty one."""
    metadata.drop_all(connection)
    connection.execute(text("DROP TABLE alembic_version"))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


OLD_COLUMNS = "id, subject, at, recorded_at, status, previous, reason, failed_phase, detail, culprit, not_before, first"
FIRST_ROWS = (
    f"(5, 1, {NOW}, {NOW + 3}, 'down', 'up', 'timeout', 'connect', 'chậm', 'link', {NOW - 9}, true), "
    f"(6, 2, {NOW}, {NOW + 2}, 'down', 'up', 'refused', '', '', '', NULL, false)"
)
FIRST_VERSION = (
    "INSERT INTO subjects (id, point, endpoint, fingerprint) VALUES (1, 'phuong-cua-nam', '', NULL)",
    "INSERT INTO subjects (id, point, endpoint, fingerprint) VALUES (2, 'phuong-cua-nam', 'link', 'f1')",
    "INSERT INTO series (id, subject, vantage) VALUES (3, 2, 'local')",
    f"INSERT INTO runs (id, vantage, begun, alive) VALUES (1, 'local', {NOW}, {NOW + 60_000_000})",
    f"INSERT INTO transitions ({OLD_COLUMNS}) VALUES {FIRST_ROWS}",
    "INSERT INTO batches (id, slot, rows) VALUES (1, :slot, :batch)",
    "INSERT INTO blocks (slot, series, rows) VALUES (:slot, 3, :block)",
)


async def contents(database: Database, tables: Mapping[str, str]) -> dict[str, list[tuple[object, ...]]]:
    async with database.reading() as connection:
        return {
            table: [tuple(row) for row in await connection.execute(text(f"SELECT {columns} FROM {table} ORDER BY 1"))]
            for table, columns in tables.items()
        }


async def test_the_first_schema_is_brought_up_to_date_and_loses_nothing(url: str) -> None:
    packed, loose = (NOW, 12_500, 0), (NOW + 15_000_000, 13_000, 0)
    values = {
        "slot": slot_of(NOW),
        "batch": encode_batch([(3, loose)]),
        "block": encode_block(slot_of(NOW), merge(NOTHING, [packed])),
    }
    tables = {
        "subjects": "id, point, endpoint, fingerprint",
        "series": "id, subject, vantage",
        "runs": "id, vantage, begun, alive",
        "transitions": OLD_COLUMNS,
        "batches": "id, slot, rows",
        "blocks": "slot, series, rows",
    }
    database = Database(url)
    async with database.writing() as connection:
        await connection.run_sync(go_back, "0001")
        for statement in FIRST_VERSION:
            named = {name: value for name, value in values.items() if f":{name}" in statement}
            await connection.execute(text(statement), named)
    before = await contents(database, tables)
    await database.close()

    store = Store(url)
    await store.open()
    database = Database(url)
    assert await contents(database, tables) == before
    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []
    await database.close()
    down = Transition(
        key=POINT, at=T, recorded_at=instant(NOW + 3), status=Status.DOWN, previous=Status.UP, reason=Reason.TIMEOUT,
        failed_phase="connect", detail="chậm", culprit="link", not_before=instant(NOW - 9), first=True,
    )  # fmt: skip
    resumed = await store.resume("local", T)
    assert resumed.statuses[POINT] == down
    assert resumed.statuses[LINK].fault == ""
    assert resumed.fingerprints == {LINK: "f1"}
    assert [StoredResult(*each) for each in await store.results(LINK, T, instant(NOW + 10**9))] == [
        StoredResult(T, Reason.OK, 0.0125, "local"),
        StoredResult(instant(NOW + 15_000_000), Reason.OK, 0.013, "local"),
    ]
    change = FlagChange(key=POINT, flag=Flag.FLAPPING, on=True, at=T, recorded_at=T)
    await store.write_entries([change])
    assert (await store.resume("local", T)).flags == {("phuong-cua-nam", Flag.FLAPPING): change}
    await store.close()
