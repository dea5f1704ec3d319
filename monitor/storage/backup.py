"""Backups: one SQLite file that holds everything, whichever database it was made of and whichever it goes to.

A backup keeps the schema of the database that it was made of: a program of that schema's age can take it back, a later
one migrates it at its next start. docs/decisions/containers.md says why there is one form for both databases.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from monitor.storage.backup_server import read_server, replace_server
from monitor.storage.database import async_url, explain
from monitor.storage.errors import StorageError, StorageUnusable
from monitor.storage.migrate import refuse_newer

_SIDES: Final = ("-wal", "-shm")
"""What SQLite keeps beside a database in use."""
_OURS: Final = frozenset({"alembic_version", "subjects", "transitions"})
"""Tables without which a database is not this program's."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds. ``revision`` names the schema, ``rows`` counts those of all tables together, ``moved`` is
    where the file that a restore replaced is now ("" when there was none)."""

    revision: str
    rows: int
    size_bytes: int
    moved: str = ""


async def back_up(url: str, file: Path) -> Contents:
    """Write all that the database at ``url`` holds just now into a new ``file``; the program may go on writing to it.

    The file appears whole or not at all. Raises StorageError: the file exists, the database is away or damaged.
    """
    parsed = async_url(url)
    with _errors(str(file)), _whole(file) as part:
        with _errors(_name(parsed)):
            if parsed.get_backend_name() == "sqlite":
                await asyncio.to_thread(_copy_live, Path(parsed.database or ""), part)
            else:
                await read_server(parsed, part)
        return await asyncio.to_thread(inspect_backup, part)


async def restore(file: Path, url: str, *, force: bool = False) -> Contents:
    """Make the database at ``url`` hold what ``file`` does, and nothing else; no program may be running on it.

    A SQLite file that was there is moved aside; a PostgreSQL database is emptied and filled in one transaction. Raises
    StorageError: ``file`` is no backup of this program or of a newer one, or is damaged; the database is not empty and
    ``force`` is not set; it is another program's; it is away.
    """
    parsed = async_url(url)
    contents = await asyncio.to_thread(inspect_backup, file)
    if parsed.get_backend_name() == "sqlite":
        moved = await asyncio.to_thread(_replace_file, file, Path(parsed.database or ""), force=force)
        return Contents(contents.revision, contents.rows, contents.size_bytes, moved)
    with _errors(_name(parsed)), closing(_open(file)) as backup:
        await replace_server(parsed, backup, revision=contents.revision, name=_name(parsed), force=force)
    return contents


def inspect_backup(file: Path) -> Contents:
    """Read a backup from end to end. Raises StorageError when it is none, damaged, or of a newer program."""
    with _errors(str(file)):
        if not file.is_file():
            raise StorageUnusable(f"{file}: there is no such file")
        if not file.stat().st_size:
            raise StorageUnusable(f"{file} is empty: it is no backup")
        with closing(_open(file)) as backup:
            found = backup.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise StorageUnusable(f"{file} is damaged ({found}); take another backup")
            if not _tables(backup) >= _OURS:
                raise StorageUnusable(f"{file} is a database of another program, no backup of this one")
            (revision,) = backup.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
            refuse_newer(revision, str(file))
            return Contents(revision, _count(backup), file.stat().st_size)


def _name(url: URL) -> str:
    """What a database is called in errors."""
    return url.database or "" if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)


def _copy_live(source: Path, part: Path) -> None:
    if not source.is_file():
        raise StorageUnusable(f"{source}: there is no such file; say this where the monitor runs, once it has run")
    with closing(_open(source, mode="rw")) as live, closing(sqlite3.connect(part)) as backup:
        live.backup(backup)
        backup.execute("PRAGMA journal_mode = DELETE")  # one file, which a read-only medium can hold


def _replace_file(file: Path, path: Path, *, force: bool) -> str:
    with _errors(str(path)):
        if file.resolve() == path.resolve():
            raise StorageUnusable(f"{file} is the database itself; give the backup's file")
        if path.exists() and not force and (held := _held(path)):
            raise StorageUnusable(f"{path} is not empty ({held}); say --force to replace it: it is kept beside")
        with _part(path) as part:
            with closing(_open(file)) as backup, closing(sqlite3.connect(part)) as fresh:
                backup.backup(fresh)
            _sync(part)
            moved = _move_aside(path)
            part.rename(path)
        return moved


def _move_aside(path: Path) -> str:
    """Rename a database with what lies beside it; the new name, "" when there was none."""
    if not path.exists():
        return ""
    moved = f"{path.name}.replaced-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    for side in ("", *_SIDES):
        found = path.with_name(path.name + side)
        if found.exists():
            found.rename(path.with_name(moved + side))
    return str(path.with_name(moved))


def _held(path: Path) -> str:
    """What a SQLite file holds, in words; "" for nothing."""
    if not path.stat().st_size:
        return ""
    try:
        with closing(_open(path, mode="rw")) as database:
            rows = _count(database)
    except sqlite3.DatabaseError as error:
        return f"it cannot be read: {error}"
    return f"{rows} rows" if rows else ""


def _count(database: sqlite3.Connection) -> int:
    tables = _tables(database) - {"alembic_version"}
    return sum(int(database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]) for table in tables)  # noqa: S608


def _tables(database: sqlite3.Connection) -> set[str]:
    rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {name for (name,) in rows}


def _open(path: Path, *, mode: str = "ro") -> sqlite3.Connection:
    # Used by one thread at a time, though not always by the one that opened it.
    return sqlite3.connect(f"file:{quote(str(path))}?mode={mode}", uri=True, timeout=10, check_same_thread=False)


@contextmanager
def _whole(file: Path) -> Iterator[Path]:
    """A file that becomes ``file`` when the context ends well, and is gone otherwise."""
    if file.exists():
        raise StorageUnusable(f"{file} exists; give another name")
    with _part(file) as part:
        yield part
        _sync(part)
        part.rename(file)


@contextmanager
def _part(file: Path) -> Iterator[Path]:
    """An empty file beside ``file``, gone at the end, that only its owner may read: it will hold who may act."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _sync(file: Path) -> None:
    for path in (file, file.parent):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _errors(name: str) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise StorageError(f"{name}: {explain(str(error.orig))}") from error
    except (SQLAlchemyError, sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise StorageError(f"{name}: {explain(str(error) or type(error).__name__)}") from error
