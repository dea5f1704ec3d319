"""The rows that the board decides, transitions and flags: appended, never altered, and asked for in the ways that the
house needs."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, NamedTuple, TypeVar

from sqlalchemy import Column, CursorResult, FromClause, Row, Select, Table, and_, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.model import EndpointKey, Flag, FlagChange, Reason, Status, Transition
from monitor.model import Row as Decided
from monitor.storage.cursors import cursor_at, parse_number, parse_place
from monitor.storage.database import Database
from monitor.storage.names import MANY, Names
from monitor.storage.tables import flags, subjects, transitions

_PART: Final = 50
"""Rows that are turned into transitions in one go."""

Kept = TypeVar("Kept", Transition, FlagChange)


class TransitionPage(NamedTuple):
    """Some transitions, newest first, and where the next page begins ("" when this is the last)."""

    transitions: Sequence[Transition]
    cursor: str


@dataclass(frozen=True, slots=True)
class _Kind(Generic[Kept]):
    """A kind of row: its table, its words with what they are made of, and the value."""

    table: Table
    words: Mapping[str, Callable[[str], Any]]
    value: type[Kept]

    @property
    def fields(self) -> Sequence[Column[Any]]:
        return [column for column in self.table.c if column.name not in ("id", "subject")]

    @property
    def columns(self) -> Sequence[Column[Any]]:
        return (subjects.c.point, subjects.c.endpoint, *self.fields)

    def make(self, row: Sequence[Any]) -> Kept:
        """The value of a row of ``columns``."""
        point, endpoint, *values = row
        fields = {
            field.name: self.words[field.name](value) if field.name in self.words else value
            for field, value in zip(self.fields, values, strict=True)
        }
        return self.value(key=EndpointKey(point, endpoint), **fields)

    def in_force(self, before: datetime | None = None, flag: Flag | None = None) -> FromClause:
        """Each subject joined with its row that was recorded last, of those with ``at`` before ``before``."""
        rows = self.table.alias()
        last = select(rows.c.id).where(rows.c.subject == subjects.c.id)
        if flag is not None:
            last = last.where(rows.c.flag == flag)
        if before is not None:
            last = last.where(rows.c.at < before)
        last = last.order_by(rows.c.recorded_at.desc(), rows.c.id.desc()).limit(1).correlate(subjects)
        return subjects.join(self.table, self.table.c.id == last.scalar_subquery())


_TRANSITIONS: Final = _Kind(transitions, {"status": Status, "previous": Status, "reason": Reason}, Transition)
_FLAGS: Final = _Kind(flags, {"flag": Flag}, FlagChange)


class Journal:
    """Rows on ``database``. Raises StorageError."""

    def __init__(self, database: Database, names: Names) -> None:
        self._database = database
        self._names = names

    async def write(
        self, connection: AsyncConnection, rows: Sequence[Decided], numbers: Mapping[EndpointKey, int]
    ) -> None:
        """Append within the connection's transaction; what is there already is left out.

        A transition is known by (subject, at, recorded_at, status), a flag by (subject, flag, at, recorded_at).
        ``numbers`` are the subjects' own.
        """
        for kind in (_TRANSITIONS, _FLAGS):
            names = [field.name for field in kind.fields]
            values = [
                {"subject": numbers[row.key], **{name: getattr(row, name) for name in names}}
                for row in rows
                if isinstance(row, kind.value)
            ]
            if values:
                await connection.execute(self._database.insert(kind.table).on_conflict_do_nothing(), values)

    async def in_force(self) -> dict[EndpointKey, Transition]:
        """The row of each subject that was recorded last: it overrules the others from its ``at`` on."""
        query = select(*_TRANSITIONS.columns).select_from(_TRANSITIONS.in_force())
        async with self._database.reading() as connection:
            rows = await connection.execute(query)
        return {row.key: row async for row in _made(_TRANSITIONS, rows)}

    async def flags_in_force(self) -> dict[tuple[str, Flag], FlagChange]:
        """The row of each point and flag that was recorded last."""
        queries = [select(*_FLAGS.columns).select_from(_FLAGS.in_force(flag=flag)) for flag in Flag]
        async with self._database.reading() as connection:
            rows = await connection.execute(union_all(*queries))
        return {(row.key.point, row.flag): row async for row in _made(_FLAGS, rows)}

    async def rows_since(
        self, keys: Collection[EndpointKey], begin: datetime, end: datetime
    ) -> Mapping[EndpointKey, Sequence[Transition]]:
        """The transitions that have a say in [begin, end), in the order of recording.

        Of those with ``at`` before ``begin`` only the one recorded last: from ``begin`` on it overrules the others.
        """
        return await self._since(_TRANSITIONS, keys, begin, end)

    async def flags_since(
        self, flag: Flag, points: Collection[str], begin: datetime, end: datetime
    ) -> Mapping[str, Sequence[FlagChange]]:
        """The rows of one flag of each point likewise."""
        keys = [EndpointKey(point, "") for point in points]
        return {key.point: rows for key, rows in (await self._since(_FLAGS, keys, begin, end, flag)).items()}

    async def _since(
        self, kind: _Kind[Kept], keys: Collection[EndpointKey], begin: datetime, end: datetime, flag: Flag | None = None
    ) -> dict[EndpointKey, Sequence[Kept]]:
        columns = (*kind.columns, kind.table.c.id)
        before = select(*columns).select_from(kind.in_force(begin, flag))
        within = select(*columns).join_from(kind.table, subjects)
        within = within.where(kind.table.c.at >= begin, kind.table.c.at < end)
        if flag is not None:
            within = within.where(kind.table.c.flag == flag)
        async with self._database.reading() as connection:
            numbers = await self._names.find_subjects(connection, keys)
            if len(keys) <= MANY:
                wanted = subjects.c.id.in_(numbers.values())
                before, within = before.where(wanted), within.where(wanted)
            rows = await connection.execute(union_all(before, within))
        found: dict[EndpointKey, list[tuple[datetime, int, Kept]]] = defaultdict(list)
        async for part in _parts(rows):
            for *fields, number in part:
                value = kind.make(fields)
                found[value.key].append((value.recorded_at, number, value))
        history: dict[EndpointKey, Sequence[Kept]] = {}
        for key, unordered in found.items():
            history[key] = [value for _, _, value in sorted(unordered, key=lambda each: each[:2])]
            await asyncio.sleep(0)
        return history

    async def page(
        self, begin: datetime, end: datetime, *, point: str | None, limit: int, cursor: str
    ) -> TransitionPage:
        """Those with ``at`` within [begin, end), newest first. Raises ValueError on a cursor that is none of ours."""
        query: Select[*tuple[Any, ...]] = select(*_TRANSITIONS.columns, transitions.c.id)
        query = query.join_from(transitions, subjects).where(transitions.c.at >= begin, transitions.c.at < end)
        if point is not None:
            query = query.where(subjects.c.point == point)
        if cursor:
            at, number = parse_place(cursor)
            earlier = transitions.c.id < parse_number(number)
            query = query.where(or_(transitions.c.at < at, and_(transitions.c.at == at, earlier)))
        query = query.order_by(transitions.c.at.desc(), transitions.c.id.desc()).limit(limit + 1)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        following = cursor_at(rows[limit - 1].at, rows[limit - 1].id) if len(rows) > limit else ""
        return TransitionPage([_TRANSITIONS.make(row[:-1]) for row in rows[:limit]], following)


async def _made(kind: _Kind[Kept], rows: CursorResult[*tuple[Any, ...]]) -> AsyncIterator[Kept]:
    async for part in _parts(rows):
        for row in part:
            yield kind.make(row)


async def _parts(rows: CursorResult[*tuple[Any, ...]]) -> AsyncIterator[Sequence[Row[*tuple[Any, ...]]]]:
    """The rows some at a time, letting the loop go between: a month of all points has thousands."""
    for part in rows.partitions(_PART):
        yield part
        await asyncio.sleep(0)
