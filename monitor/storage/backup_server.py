"""A PostgreSQL database to and from a backup's SQLite file, table by table, without a client program."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import NullPool

from monitor.storage.database import make_engine, speak_sqlite
from monitor.storage.errors import StorageUnusable
from monitor.storage.migrate import current_revision, migrate, refuse_newer

_AT_ONCE: Final = 2000
"""Rows of one step: blocks of a quarter of an hour are some hundred bytes each."""
_VERSION: Final = "alembic_version"


async def read_server(url: URL, file: Path) -> None:
    """Copy a server's database, as it is at one moment, into the empty ``file``, with the same schema.

    Raises StorageUnusable when it holds nothing of this program or has a newer schema, and what the drivers raise.
    """
    name = url.render_as_string(hide_password=True)
    engine = make_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            # One snapshot for all tables: what is written meanwhile is in none of them.
            await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            revision = await connection.run_sync(current_revision)
            if revision is None:
                raise StorageUnusable(f"{name}: holds nothing of this program; say this once the monitor has run")
            refuse_newer(revision, name)
            _lay_out(file, revision)
            driver = await _driver(connection)
            with closing(sqlite3.connect(file)) as backup:
                for table, columns in _tables(backup):
                    cursor = await driver.cursor(f"SELECT {_names(columns)} FROM {_quoted(table)}")  # noqa: S608
                    places = ", ".join("?" * len(columns))
                    statement = f"INSERT INTO {_quoted(table)} ({_names(columns)}) VALUES ({places})"  # noqa: S608
                    while rows := await cursor.fetch(_AT_ONCE):
                        backup.executemany(statement, [tuple(row) for row in rows])
                backup.commit()
    finally:
        await engine.dispose()


async def replace_server(url: URL, backup: sqlite3.Connection, *, revision: str, name: str, force: bool) -> None:
    """Make a server's database hold what the backup does and nothing else, in one transaction.

    Raises StorageUnusable when it is another program's, or not empty and ``force`` isn't set, and what the drivers
    raise, for instance when another program holds its tables; nothing has changed then.
    """
    engine = make_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SET LOCAL lock_timeout = '10s'"))
            await connection.run_sync(_empty, name, force)
            await connection.run_sync(lambda each: migrate(each, name, revision=revision))
            kinds = await connection.run_sync(_kinds)
            driver = await _driver(connection)
            for table, columns in _tables(backup):
                rows = _rows(backup, table, columns, [kinds[table][column] for column in columns])
                await driver.copy_records_to_table(table, records=rows, columns=columns)
                if "id" in columns and kinds[table]["id"] is int:
                    await connection.execute(text(_NEXT_NUMBER.format(table=_quoted(table))), {"table": table})
    finally:
        await engine.dispose()


# The rows came with their numbers; the next one that the database gives goes on behind them.
_NEXT_NUMBER: Final = (
    "SELECT setval(pg_get_serial_sequence(:table, 'id'), (SELECT max(id) FROM {table})) "
    "WHERE EXISTS (SELECT 1 FROM {table})"
)


def _empty(connection: Connection, name: str, force: bool) -> None:
    """Drop every table of a database that is this program's. Raises StorageUnusable when that may not be."""
    tables = inspect(connection).get_table_names()
    if not tables:
        return
    if not {_VERSION, "transitions"} <= set(tables):
        raise StorageUnusable(
            f"{name}: holds tables of another program ({', '.join(sorted(tables)[:3])}); give a database of its own"
        )
    held = [table for table in tables if table != _VERSION and _holds_rows(connection, table)]
    if held and not force:
        raise StorageUnusable(f"{name} is not empty ({', '.join(sorted(held)[:3])} ...); say --force to replace all")
    # All of them: those of a newer program, which this one can't name, would be in the way of the next upgrade.
    connection.execute(text(f"DROP TABLE {', '.join(map(_quoted, tables))}"))


def _holds_rows(connection: Connection, table: str) -> bool:
    return bool(connection.scalar(text(f"SELECT EXISTS (SELECT 1 FROM {_quoted(table)})")))  # noqa: S608


def _kinds(connection: Connection) -> dict[str, dict[str, type]]:
    """Every table's columns with the Python type that the driver takes."""
    inspector = inspect(connection)
    return {
        table: {column["name"]: column["type"].python_type for column in inspector.get_columns(table)}
        for table in inspector.get_table_names()
    }


def _rows(
    backup: sqlite3.Connection, table: str, columns: Sequence[str], kinds: Sequence[type]
) -> Iterator[tuple[Any, ...]]:
    """A table's rows one after the other; SQLite keeps a yes or no as a number, which the server won't take for one."""
    rows = backup.execute(f"SELECT {_names(columns)} FROM {_quoted(table)}")  # noqa: S608
    if bool not in kinds:
        return rows
    answers = [kind is bool for kind in kinds]
    return (
        tuple(
            bool(value) if answer and value is not None else value for value, answer in zip(row, answers, strict=True)
        )
        for row in rows
    )


def _lay_out(file: Path, revision: str) -> None:
    """Make the tables of a schema in an empty file."""
    engine = create_engine(URL.create("sqlite", database=str(file)), poolclass=NullPool)
    speak_sqlite(engine)
    with engine.begin() as connection:
        migrate(connection, str(file), revision=revision)
    with closing(sqlite3.connect(file)) as backup:
        backup.execute("PRAGMA journal_mode = DELETE")


def _tables(backup: sqlite3.Connection) -> list[tuple[str, list[str]]]:
    """The tables that hold data with their columns, those that others refer to first."""
    # The migrations make a table before those that refer to it.
    names = backup.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name != ? ORDER BY rowid",
        (_VERSION,),
    )
    return [
        (name, [column for (column,) in backup.execute("SELECT name FROM pragma_table_info(?)", (name,))])
        for (name,) in names.fetchall()
    ]


async def _driver(connection: AsyncConnection) -> Any:
    """The driver's own connection, within the transaction that has begun."""
    return (await connection.get_raw_connection()).driver_connection


def _names(columns: Sequence[str]) -> str:
    return ", ".join(map(_quoted, columns))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
