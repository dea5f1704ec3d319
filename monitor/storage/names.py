"""The numbers that stand for endpoints, points and series in the other tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.model import EndpointKey
from monitor.storage.database import Database
from monitor.storage.tables import series, subjects


class SeriesName(NamedTuple):
    """What one vantage saw of one endpoint."""

    key: EndpointKey
    vantage: str


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
            numbers = await self.make_subjects([name.key for name in missing])
            rows = [{"subject": numbers[name.key], "vantage": name.vantage} for name in missing]
            async with self._database.writing() as connection:
                await connection.execute(self._database.insert(series).on_conflict_do_nothing(), rows)
                known = await _read_series(connection)
            self._series = known
        return self._series

    async def find_subjects(self, keys: Collection[EndpointKey]) -> dict[EndpointKey, int]:
        """The numbers of those of ``keys`` that the database knows."""
        if any(key not in self._subjects for key in keys):
            async with self._database.reading() as connection:
                self._subjects = await _read_subjects(connection)
        return {key: self._subjects[key] for key in keys if key in self._subjects}

    async def find_series(self, keys: Collection[EndpointKey] | None = None) -> dict[int, SeriesName]:
        """Every vantage's series of ``keys`` (None: of all) by number."""
        async with self._database.reading() as connection:
            self._series = await _read_series(connection)
        wanted = None if keys is None else frozenset(keys)
        return {number: name for name, number in self._series.items() if wanted is None or name.key in wanted}


async def _read_subjects(connection: AsyncConnection) -> dict[EndpointKey, int]:
    rows = await connection.execute(select(subjects.c.point, subjects.c.endpoint, subjects.c.id))
    return {EndpointKey(point, endpoint): number for point, endpoint, number in rows}


async def _read_series(connection: AsyncConnection) -> dict[SeriesName, int]:
    query = select(subjects.c.point, subjects.c.endpoint, series.c.vantage, series.c.id).join_from(series, subjects)
    rows = await connection.execute(query)
    return {SeriesName(EndpointKey(point, endpoint), vantage): number for point, endpoint, vantage, number in rows}
