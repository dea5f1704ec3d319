"""Uptime of every point over the four usual windows, reckoned in the background for the metrics and the wall."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from time import perf_counter
from typing import Protocol

from monitor import ledger
from monitor.calendar import ZONE
from monitor.ledger import Interval, Uptime, timeline, uptime
from monitor.model import EndpointKey, Observation
from monitor.storage.errors import StorageError
from monitor.web.keys import Clock, Past, Views
from monitor.web.series import day_begin

WINDOWS: Mapping[str, timedelta] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
log = logging.getLogger(__name__)

Span = tuple[datetime, datetime]
MARK_LAG = timedelta(seconds=15)
"""How old the liveness mark of a program that runs may be: it is written every five seconds."""
STANDS_FOR = timedelta(minutes=5)
AT_ONCE = 50
"""Points whose histories are read by one question."""


class UptimeSink(Protocol):
    """Who wants to know (the metrics)."""

    def on_uptime(self, point: str, windows: Mapping[str, Uptime]) -> None: ...


class Uptimes:
    """The last reckoned uptimes by point id and window. ``run`` belongs to the program's task group."""

    def __init__(self, *, board: Views, store: Past, clock: Clock, sink: UptimeSink) -> None:
        self._board = board
        self._store = store
        self._clock = clock
        self._sink = sink
        self._latest: dict[str, Mapping[str, Uptime]] = {}
        self._refreshed = clock()

    @property
    def latest(self) -> Mapping[str, Mapping[str, Uptime]]:
        """By point id, then by window (1h, 24h, 7d, 30d)."""
        return self._latest

    async def refresh(self) -> None:
        """Reckon every declared point once, resting between two points."""
        vantage = self._board.config.vantage
        declared = [view.point.id for view in self._board.points().values() if view.point.declared]
        for begin in range(0, len(declared), AT_ONCE):
            begun = perf_counter()
            now = self._clock()
            spans = {name: (now - length, now) for name, length in WINDOWS.items()}
            keys = [EndpointKey(point, "") for point in declared[begin : begin + AT_ONCE]]
            for key, windows in (await reckon_all(self._store, keys, spans, now, vantage)).items():
                self._latest[key.point] = windows
                self._sink.on_uptime(key.point, windows)
            # As long a rest as the work took: thousands of points take longer, they don't take the machine.
            await asyncio.sleep(perf_counter() - begun)
        for point in self._latest.keys() - set(declared):
            del self._latest[point]
        self._refreshed = self._clock()

    async def try_refresh(self) -> None:
        """Refresh; while the database is away the last figures stand for a while, then none do."""
        try:
            await self.refresh()
        except StorageError as error:
            log.warning("uptimes could not be reckoned: %s", error)
            if self._clock() - self._refreshed > STANDS_FOR:
                self.withdraw()

    def withdraw(self) -> None:
        """Say nothing rather than something old."""
        for point in self._latest:
            self._sink.on_uptime(point, {})
        self._latest = {}


async def reckon(
    store: Past, key: EndpointKey, spans: Mapping[str, Span], now: datetime, vantage: str
) -> dict[str, Uptime]:
    """The uptime of one subject over each of ``spans`` (begin, end)."""
    return (await reckon_all(store, (key,), spans, now, vantage))[key]


async def reckon_all(
    store: Past, keys: Collection[EndpointKey], spans: Mapping[str, Span], now: datetime, vantage: str
) -> dict[EndpointKey, dict[str, Uptime]]:
    """The uptime of each subject over each of ``spans`` (begin, end), from one reading of their histories."""
    begin = min(begin for begin, _ in spans.values())
    end = max(end for _, end in spans.values())
    reckoned = {}
    for key, history in (await store.histories(keys, begin, end)).items():
        observations = live(history.observations, now, vantage)
        intervals = timeline(history.transitions, observations, begin, end, history.flags)
        reckoned[key] = {name: uptime(list(clip(intervals, *span))) for name, span in spans.items()}
        await asyncio.sleep(0)
    return reckoned


async def days_of(store: Past, key: EndpointKey, days: int, now: datetime, vantage: str) -> dict[date, Uptime]:
    """The uptime of each of the last ``days`` calendar days of the Centre's time zone; the last one ends now."""
    today = now.astimezone(ZONE).date()
    begin = day_begin(today - timedelta(days=days - 1)).astimezone(now.tzinfo)
    history = await store.history(key, begin, now)
    intervals = timeline(history.transitions, live(history.observations, now, vantage), begin, now, history.flags)
    return {day.date: day.uptime for day in ledger.days(intervals, ZONE)}


def live(observations: Sequence[Observation], now: datetime, vantage: str) -> Sequence[Observation]:
    """``observations`` with this program's own, the last of its vantage, going on until now: its mark lags.

    An older mark is left alone: it is that of a run which ended, or a database that can't be written, and time that
    nobody may have watched is never called observed.
    """
    ours = [number for number, each in enumerate(observations) if each.vantage == vantage and each.begun <= now]
    if not ours or not timedelta(0) < now - observations[ours[-1]].ended < MARK_LAG:
        return observations
    last = ours[-1]
    return [*observations[:last], replace(observations[last], ended=now), *observations[last + 1 :]]


def clip(intervals: Iterable[Interval], begin: datetime, end: datetime) -> Iterable[Interval]:
    """The parts of ``intervals`` that lie in [begin, end)."""
    for interval in intervals:
        if interval.begin < end and interval.end > begin:
            yield interval._replace(begin=max(begin, interval.begin), end=min(end, interval.end))
