"""SQLite or PostgreSQL: opened, migrated, guarded. What the two do differently is here and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Final

from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, Pool

from monitor.storage.errors import StorageError, StorageUnusable
from monitor.storage.migrate import is_current, migrate

_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
_IMMEDIATE: Final = "immediate"
_MIGRATION_SECONDS: Final = 60

# FULL: a commit is on the disk when it returns, so a transition outlives a power cut; NORMAL would keep the file whole
# but could forget the last commits. One write a second and the rare transition can pay for the fsync.
_PRAGMAS: Final = (
    "busy_timeout = 2000",
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    f"journal_size_limit = {16 * 1024 * 1024}",
)

_NO_DATABASE: Final = "file is not a database"
_REMEDIES: Final = {
    _NO_DATABASE: "it is no SQLite database; move it away or give another path",
    "malformed": "the file is damaged; stop the program, keep a copy, and restore a backup or recover it with "
    "`sqlite3 FILE .recover`",
    "unable to open": "it cannot be opened; see that the path is a file in a directory that this user may write to",
    "readonly": "it cannot be written; see to the owner and mode of the file and its directory",
    "locked": "another program holds it; close what else has it open",
    "is full": "the disk is full; make room",
}


class Database:
    """Reading and writing transactions on ``url``, a SQLAlchemy URL of SQLite (a file) or PostgreSQL.

    It opens, and migrates, at the first use or by :meth:`open`; when that fails the next use tries again, so a database
    that is away at the start may come later. ``patience`` bounds each transaction, waiting for its turn included. Every
    failure is a :class:`StorageError`.
    """

    def __init__(self, url: str, *, patience: timedelta = timedelta(seconds=10)) -> None:
        self._url = async_url(url)
        self._patience_seconds = patience.total_seconds()
        self.name = self._url.database or "" if self.is_sqlite else self._url.render_as_string(hide_password=True)
        self._engine = make_engine(self._url)
        self._opening = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._opened = False
        self._closed = False
        self.write_seconds = 0.0
        """How long the last writing transaction took, its turn not counted."""

    @property
    def is_sqlite(self) -> bool:
        return self._url.get_backend_name() == "sqlite"

    @property
    def missing(self) -> str:
        """The SQLite file that :meth:`open` would make; "" when it is there, or on a server."""
        return self.name if self.is_sqlite and not Path(self.name).exists() else ""

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that knows ON CONFLICT; both dialects spell it alike."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    async def open(self) -> None:
        """Make the directory, migrate to this program's schema. Opening an open database does nothing."""
        async with self._opening:
            if self._closed:
                raise StorageError(f"{self.name}: closed")
            if self._opened:
                return
            with self._errors():
                if self.is_sqlite:
                    Path(self.name).parent.mkdir(parents=True, exist_ok=True)
                # Alembic is synchronous and slow to import: in a thread, with a connection of its own.
                async with asyncio.timeout(_MIGRATION_SECONDS):
                    await asyncio.to_thread(self._migrate)
            self._opened = True

    async def close(self) -> None:
        """Close every connection. Whatever is asked afterwards fails."""
        self._closed = True
        await self._engine.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection within a transaction that only reads."""
        await self._ready()
        with self._errors():
            async with asyncio.timeout(self._patience_seconds), self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A connection within a transaction that writes; when this returns, it is on the disk. One at a time."""
        await self._ready()
        with self._errors():
            async with asyncio.timeout(self._patience_seconds), self._writing:
                begun = perf_counter()
                try:
                    async with self._engine.execution_options(**{_IMMEDIATE: True}).begin() as connection:
                        yield connection
                finally:
                    self.write_seconds = perf_counter() - begun

    async def _ready(self) -> None:
        if self._closed:
            raise StorageError(f"{self.name}: closed")
        if not self._opened:
            await self.open()

    def _migrate(self) -> None:
        if self.is_sqlite:
            engine = create_engine(self._url.set(drivername="sqlite"), poolclass=NullPool, hide_parameters=True)
            speak_sqlite(engine)
            # Whoever finds nothing to migrate needs no turn at writing: a locked database can still be read.
            with engine.begin() as connection:
                current = is_current(connection)
            if not current:
                with engine.execution_options(**{_IMMEDIATE: True}).begin() as connection:
                    migrate(connection, self.name)
        else:
            asyncio.run(self._migrate_server())

    async def _migrate_server(self) -> None:
        engine = make_engine(self._url, poolclass=NullPool)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(migrate, self.name)
        finally:
            await engine.dispose()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            kind = StorageUnusable if _NO_DATABASE in str(error.orig) else StorageError
            raise kind(f"{self.name}: {explain(str(error.orig))}") from error
        except TimeoutError as error:
            raise StorageError(f"{self.name}: no answer in time") from error
        except (SQLAlchemyError, OSError) as error:
            raise StorageError(f"{self.name}: {explain(str(error) or type(error).__name__)}") from error


def async_url(url: str) -> URL:
    """The URL with this program's driver. Raises StorageUnusable, which never repeats the text and its password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise StorageUnusable(
            "the storage URL cannot be read; write sqlite:///FILE or postgresql://USER@HOST/NAME"
        ) from error
    driver = _DRIVERS.get(parsed.get_backend_name())
    if driver is None:
        raise StorageUnusable(
            f"{parsed.get_backend_name()!r} is not a database that this program knows: sqlite, postgresql"
        )
    if driver.startswith("sqlite") and (parsed.database or ":memory:") == ":memory:":
        raise StorageUnusable("a SQLite database needs a file; write sqlite:///FILE")
    return parsed.set(drivername=driver)


def make_engine(url: URL, *, poolclass: type[Pool] | None = None) -> AsyncEngine:
    """An engine on a URL of :func:`async_url`; nothing is opened yet."""
    if url.get_backend_name() == "sqlite":
        engine = create_async_engine(url, poolclass=poolclass, hide_parameters=True)
        speak_sqlite(engine.sync_engine)
        return engine
    return create_async_engine(
        url, poolclass=poolclass, pool_pre_ping=True, connect_args={"timeout": 5}, hide_parameters=True
    )


def speak_sqlite(engine: Engine) -> None:
    """Make an engine's SQLite connections what this room expects of them: its pragmas, its own BEGIN."""
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    event.listen(engine, "invalidate", _abandon_sqlite)


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # The driver's own transactions begin late and leave DDL out: this room says BEGIN itself.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _abandon_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry, __: BaseException | None) -> None:
    # Of a write that was cut off a cursor may live on, and with it, past the close, the transaction and its lock.
    connection.rollback()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that will write takes its turn at once: promoting one that has read may fail without waiting.
    immediate = connection.get_execution_options().get(_IMMEDIATE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def explain(text: str) -> str:
    """A driver's message in a line, with the remedy where one is known."""
    remedy = next((remedy for sign, remedy in _REMEDIES.items() if sign in text), "")
    first = text.strip().partition("\n")[0]
    return f"{remedy} ({first})" if remedy else first
