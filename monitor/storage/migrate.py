"""Brings a database to the schema that this program knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, text

from monitor.storage.errors import StorageUnusable
from monitor.storage.tables import REVISION

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def migrate(connection: Connection, name: str, *, revision: str = REVISION) -> None:
    """Run what migrations are missing up to ``revision``, within the connection's transaction. ``name`` is the
    database's, for errors.

    Raises StorageUnusable when the database was made by a newer program.
    """
    if connection.dialect.name == "postgresql":
        # Two programs that start at once must not both migrate. The number is arbitrary, the lock ends with the commit.
        connection.execute(text("SELECT pg_advisory_xact_lock(7205759403)"))
    current = current_revision(connection)
    if current == revision:
        return
    # Imported only when there is something to do: it takes 10 MB and a third of a second.
    from alembic import command

    if current is not None:
        refuse_newer(current, name)
    config = _alembic()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def refuse_newer(revision: str, name: str) -> None:
    """Raise StorageUnusable when this program does not know the schema's revision."""
    from alembic.script import ScriptDirectory

    if revision not in {script.revision for script in ScriptDirectory.from_config(_alembic()).walk_revisions()}:
        raise StorageUnusable(
            f"{name}: made by a newer version of this program (schema {revision}, this one knows {REVISION}); "
            "install that version, or restore a backup from before the upgrade"
        )


def _alembic() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def is_current(connection: Connection) -> bool:
    """Whether nothing is to be migrated."""
    return current_revision(connection) == REVISION


def current_revision(connection: Connection) -> str | None:
    """The newest migration that the database has had; None before the first."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if revision is None else str(revision)
