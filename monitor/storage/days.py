"""The ledger's sums of closed days: written once a day and point, and again where a day comes out otherwise."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from monitor.model import EndpointKey, Status
from monitor.storage.database import Database
from monitor.storage.names import Names
from monitor.storage.tables import days, subjects

_SAID: Final = ("name", "kind", "area", "area_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedDay:
    """A point's calendar day in the Centre's time zone, once it is over.

    ``spent`` is the time in each status outside maintenance; with ``maintenance`` it adds up to the day. Connectivity
    and service are reckoned from it as the ledger does it: ``unknown`` and ``unobserved`` are left out. The point's
    names are those that the configuration gave when it was ``recorded_at``.
    """

    point: str
    day: date
    recorded_at: datetime
    name: str
    kind: str
    area: str
    area_name: str
    spent: Mapping[Status, timedelta]
    maintenance: timedelta


class Days:
    """Closed days on ``database``. Raises StorageError."""

    def __init__(self, database: Database, names: Names) -> None:
        self._database = database
        self._names = names

    async def write(self, closed: Sequence[ClosedDay]) -> None:
        """Append them in one transaction; one that is there already (point, day, recorded_at) is left out."""
        numbers = await self._names.make_subjects([EndpointKey(each.point, "") for each in closed])
        rows = [
            {
                "subject": numbers[EndpointKey(each.point, "")],
                "day": each.day,
                "recorded_at": each.recorded_at,
                "maintenance": each.maintenance,
                **{name: getattr(each, name) for name in _SAID},
                **{str(status): each.spent[status] for status in Status},
            }
            for each in closed
        ]
        async with self._database.writing() as connection:
            await connection.execute(self._database.insert(days).on_conflict_do_nothing(), rows)

    async def last(self) -> Mapping[str, date]:
        """Each point's last closed day."""
        query = select(subjects.c.point, func.max(days.c.day)).join_from(days, subjects).group_by(subjects.c.point)
        async with self._database.reading() as connection:
            rows = await connection.execute(query)
            return {row[0]: row[1] for row in rows}

    async def read(
        self, begin: date, end: date, *, points: Collection[str] | None = None, as_of: datetime | None = None
    ) -> Sequence[ClosedDay]:
        """Those in force of [begin, end), or that were ``as_of``, by day and point."""
        latest = select(
            days.c.id,
            func.row_number()
            .over(partition_by=(days.c.subject, days.c.day), order_by=(days.c.recorded_at.desc(), days.c.id.desc()))
            .label("place"),
        ).where(days.c.day >= begin, days.c.day < end)
        if as_of is not None:
            latest = latest.where(days.c.recorded_at <= as_of)
        ranked = latest.subquery()
        query = select(subjects.c.point, days).join_from(days, subjects).join(ranked, ranked.c.id == days.c.id)
        query = query.where(ranked.c.place == 1).order_by(days.c.day, subjects.c.point)
        if points is not None:
            query = query.where(subjects.c.point.in_(points))
        async with self._database.reading() as connection:
            rows = await connection.execute(query)
            return [
                ClosedDay(
                    point=row["point"],
                    day=row["day"],
                    recorded_at=row["recorded_at"],
                    spent={status: row[str(status)] for status in Status},
                    maintenance=row["maintenance"],
                    **{name: row[name] for name in _SAID},
                )
                for row in rows.mappings()
            ]
