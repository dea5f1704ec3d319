"""``monitor db``: back the history up, and put a backup in its place; the same for SQLite and PostgreSQL."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monitor.cli.arguments import Commands
from monitor.config import ConfigError, load
from monitor.config.model import Storage
from monitor.storage.backup import Contents, back_up, restore
from monitor.storage.errors import StorageError
from monitor.storage.spool import Spool

Work = Callable[[argparse.Namespace, Storage], Coroutine[Any, Any, None]]


def add_to(commands: Commands, *, default_config: Path) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser(
        "db",
        help="back the history up and restore it",
        description="Works on the database that the configuration names, SQLite or PostgreSQL. A backup is one SQLite "
        "file; it may go back into either.",
        epilog="Example: monitor db backup /var/backups/monitor/",
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    new = verbs.add_parser(
        "backup",
        help="write everything into a new file, also while the monitor runs",
        description="The file is there whole or not at all, and only its owner may read it.",
    )
    new.add_argument("file", type=Path, metavar="FILE", help="a name that isn't taken, or a directory: named by time")
    new.set_defaults(command=_on_storage(_back_up))
    old = verbs.add_parser(
        "restore",
        help="put a backup in the database's place; stop the monitor first",
        description="A SQLite database that is replaced is kept beside under another name; a PostgreSQL database is "
        "emptied and filled in one transaction.",
    )
    old.add_argument("file", type=Path, metavar="FILE", help="what `monitor db backup` wrote")
    old.add_argument("--force", action="store_true", help="replace a database that is not empty")
    old.set_defaults(command=_on_storage(_restore))
    for verb in (new, old):
        verb.add_argument("--config", type=Path, default=default_config, metavar="FILE", help="default: %(default)s")


async def _back_up(arguments: argparse.Namespace, storage: Storage) -> None:
    file = _named(arguments.file)
    print(f"{file}: {_said(await back_up(storage.url, file))}.")


async def _restore(arguments: argparse.Namespace, storage: Storage) -> None:
    spool = Spool(storage.spool, storage.spool_bytes)
    try:
        spool.open()  # whoever holds it runs no monitor beside
        waiting = len(spool.entries)
        contents = await restore(arguments.file, storage.url, force=arguments.force)
    finally:
        spool.close()
    print(f"Restored {arguments.file}: {_said(contents)}.")
    if contents.moved:
        print(f"What was there before is now {contents.moved}.")
    if waiting:
        print(f"{waiting} entries still wait in {storage.spool}: the monitor will add them at its next start.")


def _named(file: Path) -> Path:
    return file / f"monitor-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.db" if file.is_dir() else file


def _said(contents: Contents) -> str:
    return f"{contents.rows} rows, {contents.size_bytes / 1e6:.1f} MB, schema {contents.revision}"


def _on_storage(work: Work) -> Callable[[argparse.Namespace], int]:
    """The command, on the configuration's storage."""

    def command(arguments: argparse.Namespace) -> int:
        try:
            asyncio.run(work(arguments, load(arguments.config, placeholders=True).storage))
        except ConfigError as error:
            print(error, file=sys.stderr)
            return 1
        except StorageError as error:
            print(f"monitor db {work.__name__.strip('_').replace('_', '')}: {error}", file=sys.stderr)
            return 1
        return 0

    return command
