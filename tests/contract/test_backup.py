"""A backup brings everything back, into either database, of any age; nothing is lost by taking one, or by mistake."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect, text

from monitor.model import EndpointKey, Flag, FlagChange, Reason, Result, Status, Transition
from monitor.storage.backup import back_up, restore
from monitor.storage.database import Database
from monitor.storage.errors import StorageError
from monitor.storage.migrate import MIGRATIONS
from monitor.storage.records import AuditRow, Token
from monitor.storage.store import Store
from monitor.storage.tables import REVISION

T = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LINK = EndpointKey("phuong-cua-nam", "link")
OTHER = EndpointKey("xã-Đông-Anh", "link")
NewUrl = Callable[[str], str]
Rows = dict[str, list[tuple[Any, ...]]]


def change(at: datetime, status: Status = Status.DOWN, key: EndpointKey = LINK) -> Transition:
    return Transition(key=key, at=at, recorded_at=at, status=status, previous=Status.UNKNOWN, detail="chậm \0 \ud800")


async def fill(url: str) -> None:
    """Rows of many kinds: packed and loose results, yes and no, nothing, text in Vietnamese, bytes."""
    store = Store(url)
    results = [
        Result(key=key, vantage="local", begun=T + n * MINUTE, latency_seconds=n / 7, reason=Reason.OK)
        for n in range(40)
        for key in (LINK, OTHER)
    ]
    await store.write_results(results[:60])
    await store.pack(T + timedelta(days=1))
    await store.write_results(results[60:])
    on = FlagChange(key=EndpointKey("phuong-cua-nam", ""), flag=Flag.FLAPPING, on=True, at=T, recorded_at=T)
    await store.write_entries([change(T), change(T + MINUTE, Status.UP), change(T, key=OTHER), on])
    await store.add_token(
        Token(id="1f", name="Phòng trực", digest="00ff", scope="operate", created_at=T, expires_at=None)
    )
    await store.write_audit(AuditRow(at=T, actor="thử", act="reload", subject="configuration"))
    await store.close()


def files(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


async def rows_of(url: str) -> Rows:
    """Every row of every table, the schema's revision among them."""
    database = Database(url)
    async with database.reading() as connection:
        names = await connection.run_sync(lambda each: inspect(each).get_table_names())
        found = {
            name: sorted(map(tuple, await connection.execute(text(f'SELECT * FROM "{name}"'))), key=repr)
            for name in names
        }
    await database.close()
    return found


@pytest.fixture
def other_url(tmp_path: Path, postgres: Any) -> NewUrl:
    """An empty database of the kind that is asked for."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path}/other/monitor.db"
        name = f"other_{abs(hash(tmp_path))}"
        postgres.psql(f"CREATE DATABASE {name}")
        return str(postgres.get_uri(database=name))

    return make


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_backup_holds_everything_and_goes_into_either_database(
    url: str, kind: str, other_url: NewUrl, tmp_path: Path
) -> None:
    await fill(url)
    file = tmp_path / "backups" / "monday.db"
    written = await back_up(url, file)
    there = other_url(kind)
    restored = await restore(file, there)

    before = await rows_of(url)
    assert await rows_of(there) == before
    assert written == restored
    assert written.revision == REVISION
    assert written.rows == sum(len(rows) for name, rows in before.items() if name != "alembic_version")
    assert written.size_bytes == file.stat().st_size
    assert file.stat().st_mode & 0o777 == 0o600
    assert files(file.parent) == ["monday.db"]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_the_program_goes_on_with_what_was_restored(
    url: str, kind: str, other_url: NewUrl, tmp_path: Path
) -> None:
    await fill(url)
    await back_up(url, tmp_path / "copy.db")
    there = other_url(kind)
    await restore(tmp_path / "copy.db", there)

    store = Store(there)
    late = change(T + 9 * MINUTE, Status.UP, EndpointKey("mới", "link"))
    await store.write_entries([late])  # takes numbers that the restored rows don't have
    await store.write_audit(AuditRow(at=T, actor="sau", act="reload", subject="configuration"))
    assert len(await store.transitions(T, T + timedelta(days=1))) == 4
    assert len(await store.results(OTHER, T, T + timedelta(days=1))) == 40
    assert [token.name for token in await store.tokens()] == ["Phòng trực"]
    await store.close()


async def test_a_backup_is_of_one_moment_while_the_program_goes_on_writing(url: str, tmp_path: Path) -> None:
    store = Store(url)
    await store.write_entries([change(T)])
    await back_up(url, tmp_path / "early.db")
    await store.write_entries([change(T + MINUTE, Status.UP)])
    await back_up(url, tmp_path / "late.db")
    await store.close()
    assert [len((await rows_of(f"sqlite:///{tmp_path}/{name}.db"))["transitions"]) for name in ("early", "late")] == [
        1,
        2,
    ]


async def test_a_database_that_is_not_empty_is_not_overwritten(url: str, tmp_path: Path) -> None:
    await fill(url)
    await back_up(url, tmp_path / "copy.db")
    store = Store(url)
    await store.write_entries([change(T + 5 * MINUTE)])
    await store.close()
    before = await rows_of(url)
    with pytest.raises(StorageError, match=r"is not empty \(.*\); say --force to replace"):
        await restore(tmp_path / "copy.db", url)
    assert await rows_of(url) == before

    restored = await restore(tmp_path / "copy.db", url, force=True)
    assert len((await rows_of(url))["transitions"]) == 3
    if url.startswith("sqlite"):  # and what was there is kept
        assert await rows_of(f"sqlite:///{restored.moved}") == before


async def test_a_database_without_rows_may_be_restored_into(url: str, tmp_path: Path, other_url: NewUrl) -> None:
    await fill(url)
    await back_up(url, tmp_path / "copy.db")
    for kind in ("sqlite", "postgresql"):
        there = other_url(kind)
        fresh = Database(there)
        await fresh.open()
        await fresh.close()
        await restore(tmp_path / "copy.db", there)
        assert await rows_of(there) == await rows_of(url)


def undo(connection: Connection, revision: str) -> None:
    """Leave what the program of that revision made of an empty database."""
    for table in reversed(inspect(connection).get_table_names()):
        connection.execute(text(f'DROP TABLE "{table}"' + (" CASCADE" if connection.dialect.name != "sqlite" else "")))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def test_an_upgrade_keeps_everything_and_its_backup_leads_back(
    url: str, tmp_path: Path, other_url: NewUrl
) -> None:
    """As docs/operating.md tells it: back up, upgrade, dislike it, roll back; then upgrade again."""
    database = Database(url)
    async with database.writing() as connection:
        await connection.run_sync(undo, "0001")
        await connection.execute(
            text("INSERT INTO subjects (id, point, endpoint) VALUES (7, 'phuong-cua-nam', 'link')")
        )
        await connection.execute(
            text(
                "INSERT INTO transitions (id, subject, at, recorded_at, status, previous, reason, failed_phase, "
                "detail, culprit, first) VALUES (5, 7, 1, 2, 'down', 'up', 'timeout', '', 'chậm', '', true)"
            )
        )
    await database.close()
    backup = tmp_path / "before.db"
    assert (await back_up(url, backup)).revision == "0001"

    new = Store(url)  # the upgrade
    await new.open()
    await new.write_entries([change(T)])
    assert len(await new.transitions(datetime(1970, 1, 1, tzinfo=UTC), T + MINUTE)) == 2
    await new.close()

    await restore(backup, url, force=True)  # the way back
    there = other_url("postgresql" if url.startswith("sqlite") else "sqlite")
    await restore(backup, there)
    for each in (url, there):
        again = Store(each)  # a program of today migrates it anew
        await again.open()
        (old,) = await again.transitions(datetime(1970, 1, 1, tzinfo=UTC), T + MINUTE)
        assert (old.key, old.status, old.detail, old.first) == (LINK, Status.DOWN, "chậm", True)
        await again.close()


async def test_the_way_back_clears_tables_that_only_a_newer_program_knows(url: str, tmp_path: Path) -> None:
    await fill(url)
    await back_up(url, tmp_path / "before.db")
    before = await rows_of(url)
    database = Database(url)
    async with database.writing() as connection:
        await connection.execute(text("CREATE TABLE tomorrow (id INTEGER PRIMARY KEY)"))
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.close()
    with pytest.raises(StorageError, match=r"newer version of this program \(schema 9999"):
        await back_up(url, tmp_path / "after.db")
    assert not (tmp_path / "after.db").exists()
    await restore(tmp_path / "before.db", url, force=True)
    assert await rows_of(url) == before


class TestBadInput:
    """Says what is wrong, and changes nothing."""

    async def test_a_file_that_exists_is_not_overwritten(self, url: str, tmp_path: Path) -> None:
        await fill(url)
        (tmp_path / "taken.db").write_text("precious")
        with pytest.raises(StorageError, match=r"taken\.db exists; give another name"):
            await back_up(url, tmp_path / "taken.db")
        assert (tmp_path / "taken.db").read_text() == "precious"

    async def test_no_database_makes_no_backup(self, tmp_path: Path) -> None:
        with pytest.raises(StorageError, match=r"nowhere\.db: there is no such file"):
            await back_up(f"sqlite:///{tmp_path}/nowhere.db", tmp_path / "copy.db")
        assert files(tmp_path) == []

    async def test_a_server_that_holds_nothing_makes_no_backup(self, other_url: NewUrl, tmp_path: Path) -> None:
        with pytest.raises(StorageError, match="holds nothing of this program"):
            await back_up(other_url("postgresql"), tmp_path / "copy.db")

    async def test_a_server_that_is_away(self, tmp_path: Path, unused_tcp_port: int) -> None:
        away = f"postgresql://monitor:geheim@127.0.0.1:{unused_tcp_port}/monitor"
        with pytest.raises(StorageError, match=r"127\.0\.0\.1") as caught:
            await back_up(away, tmp_path / "copy.db")
        assert "geheim" not in str(caught.value)
        assert files(tmp_path) == []

    @pytest.mark.parametrize(
        ("content", "message"),
        [(None, "there is no such file"), (b"", "is empty: it is no backup"), (b"Xin chao" * 99, "no SQLite database")],
    )
    async def test_a_file_that_is_no_backup(
        self, url: str, tmp_path: Path, content: bytes | None, message: str
    ) -> None:
        file = tmp_path / "odd.db"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(StorageError, match=message):
            await restore(file, url)

    async def test_a_backup_that_was_damaged(self, url: str, tmp_path: Path) -> None:
        await fill(url)
        file = tmp_path / "copy.db"
        await back_up(url, file)
        before = await rows_of(url)
        file.write_bytes(file.read_bytes()[:-8192] + b"\xff" * 8192)
        with pytest.raises(StorageError, match=r"copy\.db.*damaged"):
            await restore(file, url, force=True)
        assert await rows_of(url) == before

    async def test_another_programs_file(self, url: str, tmp_path: Path) -> None:
        other = sqlite3.connect(tmp_path / "other.db")
        other.execute("CREATE TABLE bookmarks (id INTEGER PRIMARY KEY)")
        other.close()
        with pytest.raises(StorageError, match="a database of another program"):
            await restore(tmp_path / "other.db", url)

    async def test_a_newer_programs_backup(self, url: str, tmp_path: Path) -> None:
        await fill(url)
        await back_up(url, tmp_path / "copy.db")
        backup = sqlite3.connect(tmp_path / "copy.db")
        backup.execute("UPDATE alembic_version SET version_num = '9999'")
        backup.commit()
        backup.close()
        with pytest.raises(
            StorageError, match=rf"newer version of this program \(schema 9999, this one knows {REVISION}"
        ):
            await restore(tmp_path / "copy.db", url, force=True)

    async def test_another_programs_server_is_left_alone_even_by_force(
        self, other_url: NewUrl, tmp_path: Path, url: str
    ) -> None:
        await fill(url)
        await back_up(url, tmp_path / "copy.db")
        there = other_url("postgresql")
        database = Database(there)
        async with database._engine.begin() as connection:
            await connection.execute(text("CREATE TABLE invoices (id INTEGER PRIMARY KEY)"))
        await database.close()
        with pytest.raises(StorageError, match=r"tables of another program \(invoices\)"):
            await restore(tmp_path / "copy.db", there, force=True)

    async def test_the_database_itself_is_no_backup_of_itself(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/monitor.db"
        await fill(url)
        with pytest.raises(StorageError, match="is the database itself"):
            await restore(tmp_path / "monitor.db", url, force=True)

    async def test_a_damaged_database_gives_way_to_a_backup(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/monitor.db"
        await fill(url)
        await back_up(url, tmp_path / "copy.db")
        good = await rows_of(url)
        (tmp_path / "monitor.db").write_bytes(b"rubbish" * 999)
        with pytest.raises(StorageError, match="it cannot be read"):
            await restore(tmp_path / "copy.db", url)
        await restore(tmp_path / "copy.db", url, force=True)
        assert await rows_of(url) == good
