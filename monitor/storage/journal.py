"""The transitions: appended, never altered, and asked for in the three ways that the house needs."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import CursorResult, FromClause, Row, and_, or_, select, union_all

from monitor.model import EndpointKey, Reason, Status, Transition
from monitor.storage.blocks import instant, microseconds
from monitor.storage.database import Database
from monitor.storage.names import MANY, Names
from monitor.storage.tables import subjects, transitions

_FIELDS: Final = tuple(column for column in transitions.c if column.name not in ("id", "subject"))
_FIELD_NAMES: Final = tuple(column.name for column in _FIELDS)
_ROW: Final = (subjects.c.point, subjects.c.endpoint, *_FIELDS)
_PART: Final = 50
"""Rows that are turned into transitions in one go."""


class TransitionPage(NamedTuple):
    """Some transitions, newest first, and where the next page begins ("" when this is the last)."""

    transitions: Sequence[Transition]
    cursor: str


class Journal:
    """Transitions on ``database``. Raises StorageError."""

    def __init__(self, database: Database, names: Names) -> None:
        self._database = database
        self._names = names

    async def write(self, rows: Sequence[Transition]) -> None:
        """Append, all or none; a row that is there already (subject, at, recorded_at, status) is left out."""
        numbers = await self._names.make_subjects([row.key for row in rows])
        values = [{"subject": numbers[row.key], **{name: getattr(row, name) for name in _FIELD_NAMES}} for row in rows]
        async with self._database.writing() as connection:
            await connection.execute(self._database.insert(transitions).on_conflict_do_nothing(), values)

    async def in_force(self) -> dict[EndpointKey, Transition]:
        """The row of each subject that was recorded last: it overrules the others from its ``at`` on."""
        query = select(*_ROW).select_from(_in_force())
        async with self._database.reading() as connection:
            rows = await connection.execute(query)
        return {EndpointKey(row[0], row[1]): _transition(row) async for part in _parts(rows) for row in part}

    async def rows_since(
        self, keys: Collection[EndpointKey], begin: datetime, end: datetime
    ) -> Mapping[EndpointKey, Sequence[Transition]]:
        """The rows that have a say in [begin, end), in the order of recording.

        Of those with ``at`` before ``begin`` only the one recorded last: from ``begin`` on it overrules the others.
        """
        columns = (*_ROW, transitions.c.id)
        before = select(*columns).select_from(_in_force(before=begin))
        within = select(*columns).join_from(transitions, subjects)
        within = within.where(transitions.c.at >= begin, transitions.c.at < end)
        async with self._database.reading() as connection:
            numbers = await self._names.find_subjects(connection, keys)
            if len(keys) <= MANY:
                wanted = subjects.c.id.in_(numbers.values())
                before, within = before.where(wanted), within.where(wanted)
            rows = await connection.execute(union_all(before, within))
        found: dict[EndpointKey, list[tuple[datetime, int, Transition]]] = defaultdict(list)
        async for part in _parts(rows):
            for *fields, number in part:
                transition = _transition(fields)
                found[transition.key].append((transition.recorded_at, number, transition))
        history: dict[EndpointKey, Sequence[Transition]] = {}
        for key, unordered in found.items():
            history[key] = [transition for _, _, transition in sorted(unordered)]
            await asyncio.sleep(0)
        return history

    async def page(
        self, begin: datetime, end: datetime, *, point: str | None, limit: int, cursor: str
    ) -> TransitionPage:
        """Those with ``at`` within [begin, end), newest first. Raises ValueError on a cursor that is none of ours."""
        query = select(*_ROW, transitions.c.id).join_from(transitions, subjects)
        query = query.where(transitions.c.at >= begin, transitions.c.at < end)
        if point is not None:
            query = query.where(subjects.c.point == point)
        if cursor:
            at, number = _parse(cursor)
            query = query.where(
                or_(transitions.c.at < at, and_(transitions.c.at == at, transitions.c.id < number)),
            )
        query = query.order_by(transitions.c.at.desc(), transitions.c.id.desc()).limit(limit + 1)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        following = f"{microseconds(rows[limit - 1].at)}-{rows[limit - 1].id}" if len(rows) > limit else ""
        return TransitionPage([_transition(row[:-1]) for row in rows[:limit]], following)


def _in_force(before: datetime | None = None) -> FromClause:
    """Each subject joined with its row that was recorded last, of those with ``at`` before ``before``."""
    rows = transitions.alias()
    last = select(rows.c.id).where(rows.c.subject == subjects.c.id)
    if before is not None:
        last = last.where(rows.c.at < before)
    last = last.order_by(rows.c.recorded_at.desc(), rows.c.id.desc()).limit(1).correlate(subjects)
    return subjects.join(transitions, transitions.c.id == last.scalar_subquery())


def _parse(cursor: str) -> tuple[datetime, int]:
    at, _, number = cursor.partition("-")
    if not (at.isascii() and at.isdigit() and number.isascii() and number.isdigit()) or len(cursor) > 40:
        raise ValueError("not a cursor that a page of transitions gave")
    return instant(int(at)), int(number)


async def _parts(rows: CursorResult[*tuple[Any, ...]]) -> AsyncIterator[Sequence[Row[*tuple[Any, ...]]]]:
    """The rows some at a time, letting the loop go between: a month of all points has thousands."""
    for part in rows.partitions(_PART):
        yield part
        await asyncio.sleep(0)


def _transition(row: Sequence[Any]) -> Transition:
    """A row of ``_ROW`` as a transition."""
    point, endpoint, *values = row
    fields = dict(zip(_FIELD_NAMES, values, strict=True))
    for name, kind in (("status", Status), ("previous", Status), ("reason", Reason)):
        fields[name] = kind(fields[name])
    return Transition(key=EndpointKey(point, endpoint), **fields)
