"""The incidents: their events, appended and never altered, and what is asked for of them, reckoned from these.

The table ``incidents`` could be made again from the events at any time. What an event changes in it moves one way only
(closed once, severity worse, points added), so that an event that is written twice, or again after later ones, changes
nothing.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import and_, bindparam, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.incidents.model import EventKind, IncidentEvent, Severity
from monitor.storage.blocks import instant, microseconds
from monitor.storage.cursors import cursor_at, parse_place
from monitor.storage.database import Database
from monitor.storage.names import MANY
from monitor.storage.records import IncidentResume
from monitor.storage.tables import incident_events, incident_points, incidents

log = logging.getLogger(__name__)

State = Literal["open", "closed", "all"]

_FIELDS: Final = tuple(column for column in incident_events.c if column.name not in ("id", "event"))
_FIELD_NAMES: Final = tuple(column.name for column in _FIELDS)
_TOUCHING: Final = (EventKind.JOINED, EventKind.FLAPPING)
_CLOSING: Final = (EventKind.CLOSED, EventKind.TAKEN_OVER)


class Incidents:
    """Incidents on ``database``. Raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, connection: AsyncConnection, events: Sequence[IncidentEvent]) -> None:
        """Append within the connection's transaction; an event whose id is there already is left out."""
        if not events:
            return
        rows = [{"event": event.id, **{name: getattr(event, name) for name in _FIELD_NAMES}} for event in events]
        await connection.execute(self._database.insert(incident_events).on_conflict_do_nothing(), rows)
        await self._open(connection, events)
        await self._join(connection, events)
        await self._worsen(connection, events)
        await self._close(connection, events)

    async def _open(self, connection: AsyncConnection, events: Sequence[IncidentEvent]) -> None:
        rows = []
        for event in events:
            if event.kind is EventKind.OPENED:
                try:
                    rows.append(_opened(event))
                except (KeyError, TypeError, ValueError):
                    # Our own fault, and no reason to hold up every entry behind it.
                    log.exception("incident %s cannot be listed: its opening lacks something", event.incident)
        if rows:
            await connection.execute(self._database.insert(incidents).on_conflict_do_nothing(), rows)

    async def _join(self, connection: AsyncConnection, events: Sequence[IncidentEvent]) -> None:
        pairs = dict.fromkeys((event.point, event.incident) for event in events if event.kind in _TOUCHING)
        if pairs:
            rows = [{"point": point, "incident": incident} for point, incident in pairs]
            await connection.execute(self._database.insert(incident_points).on_conflict_do_nothing(), rows)

    async def _worsen(self, connection: AsyncConnection, events: Sequence[IncidentEvent]) -> None:
        order = list(Severity)
        for event in events:
            severity = event.data.get("severity")
            if event.kind is EventKind.WORSENED and severity in order:
                milder = order[order.index(Severity(severity)) + 1 :]
                here = and_(incidents.c.uid == event.incident, incidents.c.severity.in_(milder))
                await connection.execute(update(incidents).where(here).values(severity=severity))

    async def _close(self, connection: AsyncConnection, events: Sequence[IncidentEvent]) -> None:
        rows = [{"of": event.incident, "since": event.at} for event in events if event.kind in _CLOSING]
        if rows:
            still_open = and_(incidents.c.uid == bindparam("of"), incidents.c.closed.is_(None))
            await connection.execute(update(incidents).where(still_open).values(closed=bindparam("since")), rows)

    async def resume(self) -> IncidentResume:
        """The open incidents' events, and the last number."""
        async with self._database.reading() as connection:
            last = await connection.scalar(select(func.max(incidents.c.number)))
            query = select(*_FIELDS, incident_events.c.event)
            query = query.join_from(incident_events, incidents, incidents.c.uid == incident_events.c.incident)
            query = query.where(incidents.c.closed.is_(None)).order_by(incident_events.c.id)
            found = _by_incident((await connection.execute(query)).all())
        return IncidentResume(events=found, last_number=last or 0)

    async def events(self, uids: Collection[str]) -> Mapping[str, Sequence[IncidentEvent]]:
        """The events of these incidents in the order of recording; of one that is unknown, nothing."""
        wanted = list(dict.fromkeys(uids))
        found: dict[str, Sequence[IncidentEvent]] = {}
        async with self._database.reading() as connection:
            for begin in range(0, len(wanted), MANY):
                query = select(*_FIELDS, incident_events.c.event).order_by(incident_events.c.id)
                query = query.where(incident_events.c.incident.in_(wanted[begin : begin + MANY]))
                found.update(_by_incident((await connection.execute(query)).all()))
        return {uid: found[uid] for uid in wanted if uid in found}

    async def uid(self, number: int) -> str | None:
        """The incident of that number; should one have been given twice, the newest."""
        query = select(incidents.c.uid).where(incidents.c.number == number)
        async with self._database.reading() as connection:
            return await connection.scalar(query.order_by(incidents.c.opened.desc(), incidents.c.uid).limit(1))

    async def page(
        self, begin: datetime, end: datetime, *, state: State, point: str | None, limit: int, cursor: str
    ) -> tuple[Sequence[str], str]:
        """The uids of those that lasted at some time of [begin, end), latest opened first, and the next page's cursor.

        Raises ValueError on a cursor that is none of ours.
        """
        query = select(incidents.c.uid, incidents.c.opened)
        query = query.where(incidents.c.began < end, or_(incidents.c.closed.is_(None), incidents.c.closed >= begin))
        if state != "all":
            query = query.where(incidents.c.closed.is_(None) if state == "open" else incidents.c.closed.is_not(None))
        if point is not None:
            touched = select(incident_points.c.incident).where(incident_points.c.point == point)
            query = query.where(incidents.c.uid.in_(touched))
        if cursor:
            opened, uid = parse_place(cursor)
            query = query.where(
                or_(incidents.c.opened < opened, and_(incidents.c.opened == opened, incidents.c.uid < uid))
            )
        query = query.order_by(incidents.c.opened.desc(), incidents.c.uid.desc()).limit(limit + 1)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        following = cursor_at(rows[limit - 1].opened, rows[limit - 1].uid) if len(rows) > limit else ""
        return [row.uid for row in rows[:limit]], following


def _opened(event: IncidentEvent) -> dict[str, object]:
    return {
        "uid": event.incident,
        "number": int(event.data["number"]),
        "fault": str(event.data["fault"]),
        "severity": Severity(event.data["severity"]),
        "began": instant(microseconds(datetime.fromisoformat(event.data["began"]))),
        "opened": event.at,
        "closed": None,
    }


def _by_incident(rows: Sequence[Sequence[Any]]) -> dict[str, Sequence[IncidentEvent]]:
    found: dict[str, list[IncidentEvent]] = defaultdict(list)
    for row in rows:
        *values, number = row
        fields = dict(zip(_FIELD_NAMES, values, strict=True))
        event = IncidentEvent(id=number, **{**fields, "kind": EventKind(fields["kind"])})
        found[event.incident].append(event)
    return dict(found)
