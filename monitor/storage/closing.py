"""Closes the ledger's days: what a calendar day of every point came to is summed once it is over.

A day is looked at again for a week, for what is found out late (a spool that drains, a run's last mark) overrules what
was: where it comes out otherwise, new sums are appended. Reports and dashboards add these sums up and reckon nothing.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from time import perf_counter
from typing import Final, NamedTuple, Protocol

from monitor import ledger
from monitor.calendar import ZONE
from monitor.config.model import Config
from monitor.ledger import Day
from monitor.model import EndpointKey, History, Observation, Status
from monitor.storage.days import ClosedDay

SETTLES_IN: Final = timedelta(minutes=10)
"""How long after midnight a day is closed: what began before it is confirmed by then."""
AGAIN: Final = timedelta(days=7)
LONGEST: Final = timedelta(days=400)
"""How far back days are closed that nobody closed."""
AT_ONCE: Final = 50
"""Points whose histories are read by one question."""


class Books(Protocol):
    """What is kept (the store). Every verb raises StorageError."""

    async def histories(
        self, keys: Collection[EndpointKey], begin: datetime, end: datetime
    ) -> Mapping[EndpointKey, History]: ...

    async def observations(self, begin: datetime, end: datetime) -> Sequence[Observation]: ...

    async def last_closed_days(self) -> Mapping[str, date]: ...

    async def closed_days(
        self, begin: date, end: date, *, points: Collection[str] | None = None
    ) -> Sequence[ClosedDay]: ...

    async def close_days(self, days: Sequence[ClosedDay]) -> None: ...


class _Names(NamedTuple):
    name: str
    kind: str
    area: str
    area_name: str


class Closing:
    """Closes what is over. ``config`` gives the configuration in force; ``settled`` says whether everything that is
    decided is in the database: while it isn't, no day is closed."""

    def __init__(
        self, *, store: Books, config: Callable[[], Config], settled: Callable[[], bool], clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._config = config
        self._settled = settled
        self._clock = clock

    async def close(self) -> int:
        """Write the sums that are missing or have changed; returns how many. Raises StorageError."""
        if not self._settled():
            return 0
        now = self._clock()
        today = (now - SETTLES_IN).astimezone(ZONE).date()
        present = _present(self._config())
        last = await self._store.last_closed_days()
        # A point that was taken out of the configuration still has its last day to be closed.
        leaving = {point for point, day in last.items() if day >= today - AGAIN}
        begins = await self._begins({*present, *leaving}, last, today)
        written = 0
        for begin, points in sorted(begins.items()):
            for place in range(0, len(points), AT_ONCE):
                begun = perf_counter()
                written += await self._close(points[place : place + AT_ONCE], begin, today, present, now)
                # As long a rest as the work took, as when uptimes are reckoned.
                await asyncio.sleep(perf_counter() - begun)
        return written

    async def _begins(self, points: Collection[str], last: Mapping[str, date], today: date) -> dict[date, list[str]]:
        """The points by the first day that is to be looked at."""
        first = today
        if any(point not in last for point in points):
            runs = await self._store.observations(_midnight(today - LONGEST), _midnight(today))
            first = max(today - LONGEST, min((run.begun.astimezone(ZONE).date() for run in runs), default=today))
        begins: dict[date, list[str]] = defaultdict(list)
        for point in sorted(points):
            begin = min(last[point], today - AGAIN) if point in last else first
            if begin < today:
                begins[begin].append(point)
        return begins

    async def _close(
        self, points: Sequence[str], begin: date, today: date, present: Mapping[str, _Names], now: datetime
    ) -> int:
        kept: dict[str, dict[date, ClosedDay]] = defaultdict(dict)
        for row in await self._store.closed_days(begin, today, points=points):
            kept[row.point][row.day] = row
        keys = [EndpointKey(point, "") for point in points]
        span = _midnight(begin), _midnight(today)
        rows: list[ClosedDay] = []
        for key, history in (await self._store.histories(keys, *span)).items():
            intervals = ledger.timeline(history.transitions, history.observations, *span, history.flags)
            rows += _rows(key.point, ledger.days(intervals, ZONE), kept[key.point], present.get(key.point), now)
            await asyncio.sleep(0)
        await self._store.close_days(rows)
        return len(rows)


def _rows(
    point: str, days: Sequence[Day], kept: Mapping[date, ClosedDay], names: _Names | None, now: datetime
) -> list[ClosedDay]:
    """What is to be written of a point's days. Without ``names`` it is in the configuration no more."""
    rows = []
    began = False
    for day in days:
        seen = day.uptime.by_status[Status.UNOBSERVED] < day.end - day.begin
        before = kept.get(day.date)
        began = began or seen or before is not None
        named = names or _named(before or kept.get(max(kept, default=day.date)))
        # Before it was first seen a point has no days, and none after it was taken out.
        if named is None or not began or not (seen or names):
            continue
        row = _row(point, day, named, now)
        if before is None or (before.spent, before.maintenance) != (row.spent, row.maintenance):
            rows.append(row)
    return rows


def _row(point: str, day: Day, names: _Names, now: datetime) -> ClosedDay:
    spent = {
        status: length - day.uptime.in_maintenance.get(status, timedelta())
        for status, length in day.uptime.by_status.items()
    }
    return ClosedDay(
        point=point, day=day.date, recorded_at=now, spent=spent, maintenance=day.uptime.maintenance, **names._asdict()
    )


def _present(config: Config) -> dict[str, _Names]:
    areas = {area.id: area.name for area in config.areas}
    return {
        point.id: _Names(point.name, point.kind, point.area, areas.get(point.area, ""))
        for point in config.points
        if point.declared
    }


def _named(row: ClosedDay | None) -> _Names | None:
    return None if row is None else _Names(row.name, row.kind, row.area, row.area_name)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZONE).astimezone(UTC)
