"""Brings a database to the schema that this program knows."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from monitor.storage.errors import StorageUnusable
from monitor.storage.tables import REVISION

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def migrate(connection: Connection, name: str) -> None:
    """Run what migrations are missing, within the connection's transaction. ``name`` is the database's, for errors.

    Raises StorageUnusable when the database was made by a newer program.
    """
    if connection.dialect.name == "postgresql":
        # Two programs that start at once must not both migrate. The number is arbitrary, the lock ends with the commit.
        connection.execute(text("SELECT pg_advisory_xact_lock(7205759403)"))
    current = _current(connection)
    if current == REVISION:
        return
    # Imported only when there is something to do: it takes 10 MB and a third of a second.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise StorageUnusable(
            f"{name}: made by a newer version of this program (schema {current}, this one knows {REVISION}); "
            "install that version, or restore a backup from before the upgrade"
        )
    command.upgrade(config, "head")


def is_current(connection: Connection) -> bool:
    """Whether nothing is to be migrated."""
    return _current(connection) == REVISION


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if revision is None else str(revision)
