"""The numbers that stand for endpoints, points and series in the other tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final, TypeAlias

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.model import EndpointKey
from monitor.storage.database import Database
from monitor.storage.tables import series, subjects

MANY: Final = 1000
"""Above so many names it is quicker to ask for all and sort out here."""


SeriesName: TypeAlias = tuple[EndpointKey, str]
"""What one vantage (by name) saw of one endpoint. A plain tuple: one is made for every result."""


class Names:
    """Numbers by name. They are committed before anything uses them, then remembered; :meth:`forget` when in doubt."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._subjects: dict[EndpointKey, int] = {}
        self._series: dict[SeriesName, int] = {}

    def forget(self) -> None:
        """Ask the database again: it may have been replaced by another."""
        self._subjects = {}
        self._series = {}

    async def make_subjects(self, keys: Collection[EndpointKey]) -> Mapping[EndpointKey, int]:
        """The numbers of endpoints and points, made where missing. Holds at least ``keys``."""
        missing = [key for key in dict.fromkeys(keys) if key not in self._subjects]
        if missing:
            rows = [{"point": key.point, "endpoint": key.endpoint} for key in missing]
            async with self._database.writing() as connection:
                await connection.execute(self._database.insert(subjects).on_conflict_do_nothing(), rows)
                known = await _read_subjects(connection)
            self._subjects = known
        return self._subjects

    async def make_series(self, names: Iterable[SeriesName]) -> Mapping[SeriesName, int]:
        """The numbers of series, made where missing. Holds at least ``names``."""
        missing = [name for name in dict.fromkeys(names) if name not in self._series]
        if missing:
            numbers = await self.make_subjects([key for key, _ in missing])
            rows = [{"subject": numbers[key], "vantage": vantage} for key, vantage in missing]
            async with self._database.writing() as connection:
                await connection.execute(self._database.insert(series).on_conflict_do_nothing(), rows)
                known = await _read_series(connection)
            self._series = known
        return self._series

    async def find_subjects(self, connection: AsyncConnection, keys: Collection[EndpointKey]) -> dict[EndpointKey, int]:
        """The numbers of those of ``keys`` that the database knows."""
        if any(key not in self._subjects for key in keys):
            self._subjects = await _read_subjects(connection)
        return {key: self._subjects[key] for key in keys if key in self._subjects}

    async def find_series(self, connection: AsyncConnection, keys: Collection[EndpointKey]) -> dict[int, SeriesName]:
        """Every vantage's series of ``keys`` by number."""
        numbers = await self.find_subjects(connection, keys)
        query = select(series.c.id, series.c.subject, series.c.vantage)
        if len(keys) <= MANY:
            query = query.where(series.c.subject.in_(numbers.values()))
        found = {number: key for key, number in numbers.items()}
        rows = await connection.execute(query)
        return {number: (found[subject], vantage) for number, subject, vantage in rows if subject in found}


async def _read_subjects(connection: AsyncConnection) -> dict[EndpointKey, int]:
    rows = await connection.execute(select(subjects.c.point, subjects.c.endpoint, subjects.c.id))
    return {EndpointKey(point, endpoint): number for point, endpoint, number in rows}


async def _read_series(connection: AsyncConnection) -> dict[SeriesName, int]:
    query = select(subjects.c.point, subjects.c.endpoint, series.c.vantage, series.c.id).join_from(series, subjects)
    rows = await connection.execute(query)
    return {(EndpointKey(point, endpoint), vantage): number for point, endpoint, vantage, number in rows}
