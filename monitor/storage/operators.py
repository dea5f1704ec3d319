"""What operators enter: maintenance windows, tokens, and the record of who did what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Table, insert, select, update

from monitor.calendar.model import Window
from monitor.storage.cursors import parse_number
from monitor.storage.database import Database
from monitor.storage.records import AuditRow, Token
from monitor.storage.tables import audit, tokens, windows

_WINDOW_NAMES: Final = tuple(column.name for column in windows.c)
_TOKEN_NAMES: Final = tuple(column.name for column in tokens.c)
_AUDIT_NAMES: Final = tuple(column.name for column in audit.c if column.name != "id")


class Operators:
    """Windows, tokens and the audit log on ``database``. Raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put_window(self, window: Window) -> None:
        """Keep it, in place of one with the same id."""
        values = {name: getattr(window, name) for name in _WINDOW_NAMES} | {"labels": dict(window.labels)}
        statement = self._database.insert(windows).values(values)
        others = {name: statement.excluded[name] for name in _WINDOW_NAMES if name != "id"}
        async with self._database.writing() as connection:
            await connection.execute(statement.on_conflict_do_update(index_elements=[windows.c.id], set_=others))

    async def cancel_window(self, identity: str, at: datetime) -> bool:
        """From ``at`` on it covers nothing. False: there is none, or it is cancelled already."""
        return await self._end(windows, "cancelled_at", identity, at)

    async def windows(self) -> Sequence[Window]:
        """All of them, cancelled ones too, in the order of their begins."""
        async with self._database.reading() as connection:
            rows = await connection.execute(select(windows).order_by(windows.c.begin, windows.c.id))
            return [
                Window(**{**row, "points": tuple(row["points"]), "areas": tuple(row["areas"])})
                for row in rows.mappings()
            ]

    async def add_token(self, token: Token) -> None:
        """Keep a new token. StorageError when its id or digest is there already."""
        async with self._database.writing() as connection:
            await connection.execute(insert(tokens).values({name: getattr(token, name) for name in _TOKEN_NAMES}))

    async def tokens(self) -> Sequence[Token]:
        """All of them, those that hold no more too, in the order of creation."""
        async with self._database.reading() as connection:
            rows = await connection.execute(select(tokens).order_by(tokens.c.created_at, tokens.c.id))
            return [Token(**row) for row in rows.mappings()]

    async def revoke_token(self, identity: str, at: datetime) -> bool:
        """From ``at`` on it lets nobody in. False: there is none, or it is revoked already."""
        return await self._end(tokens, "revoked_at", identity, at)

    async def write_audit(self, row: AuditRow) -> None:
        """Append to the record of who did what."""
        async with self._database.writing() as connection:
            await connection.execute(insert(audit).values({name: getattr(row, name) for name in _AUDIT_NAMES}))

    async def audit(self, *, limit: int, cursor: str) -> tuple[Sequence[AuditRow], str]:
        """Who did what, newest first, and the next page's cursor. Raises ValueError on one that is none of ours."""
        query = select(audit).order_by(audit.c.id.desc()).limit(limit + 1)
        if cursor:
            query = query.where(audit.c.id < parse_number(cursor))
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        following = str(rows[limit - 1]["id"]) if len(rows) > limit else ""
        return [AuditRow(**{name: row[name] for name in _AUDIT_NAMES}) for row in rows[:limit]], following

    async def _end(self, table: Table, column: str, identity: str, at: datetime) -> bool:
        statement = update(table).where(table.c.id == identity, table.c[column].is_(None)).values({column: at})
        async with self._database.writing() as connection:
            return (await connection.execute(statement)).rowcount > 0
