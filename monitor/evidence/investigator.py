"""When an incident opens, evidence is collected once, in bounds, and recorded as an event of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from monitor.config.model import Config, Point
from monitor.incidents.model import Decision, EventKind, IncidentEvent
from monitor.model import EndpointKey, Fault, FaultKind, Outcome, Result

log = logging.getLogger(__name__)

LONGEST_SECONDS: Final = 10.0
AT_ONCE: Final = 5
SAMPLES: Final = 3
"""Points that are looked into when an incident touches many."""

_MOST_WAITING: Final = 200
"""Incidents that may wait for their turn; of a flood the later ones get no evidence rather than late evidence."""


class Collects(Protocol):
    """Looks into one point (the collector)."""

    async def collect(self, point: Point, last_good: Mapping[EndpointKey, Result]) -> dict[str, Any]:
        """What was found out, as JSON."""
        ...


class Record(Protocol):
    """Takes events in (the pipeline)."""

    def __call__(self, *, events: Sequence[IncidentEvent]) -> None: ...


class Investigator:
    """An observer of the pipeline. ``run`` does the work; ``make_id`` gives each event its id."""

    def __init__(
        self,
        config: Config,
        *,
        collector: Collects,
        record: Record,
        clock: Callable[[], datetime],
        make_id: Callable[[], str],
    ) -> None:
        self._collector = collector
        self._record = record
        self._clock = clock
        self._make_id = make_id
        self._last_good: dict[EndpointKey, Result] = {}
        self._waiting: asyncio.Queue[tuple[str, tuple[Point, ...]]] = asyncio.Queue(_MOST_WAITING)
        self.reload(config)

    def reload(self, config: Config) -> None:
        """Take over another configuration."""
        self._points = {point.id: point for point in config.points}
        self._anchors = tuple(point for point in config.points if point.kind == "anchor" and point.declared)
        known = {endpoint.key for endpoint in config.endpoints()}
        self._last_good = {key: result for key, result in self._last_good.items() if key in known}

    def on_result(self, result: Result) -> None:
        """Remember the last good one of each endpoint."""
        if result.outcome is Outcome.UP:
            self._last_good[result.key] = result

    def on_decision(self, decision: Decision) -> None:
        """Note whom to look into for each incident that opened."""
        joined: dict[str, list[str]] = {}
        for event in decision.events:
            if event.kind is EventKind.JOINED:
                joined.setdefault(event.incident, []).append(event.point)
        for event in decision.events:
            if event.kind is EventKind.OPENED:
                points = self._whom(Fault.parse(event.data["fault"]), joined.get(event.incident, ()))
                if points and not self._waiting.full():
                    self._waiting.put_nowait((event.incident, points))

    async def run(self) -> None:
        """Look into what waits, some at once, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(self._work())

    async def _work(self) -> None:
        while True:
            incident, points = await self._waiting.get()
            samples = await self._look(points)
            now = self._clock()
            event = IncidentEvent(
                id=self._make_id(),
                incident=incident,
                kind=EventKind.EVIDENCE,
                at=now,
                recorded_at=now,
                data={"evidence": {"samples": samples}},
            )
            self._record(events=(event,))

    async def _look(self, points: Sequence[Point]) -> list[dict[str, Any]]:
        """What is found out of each within the time; one that takes longer is left out."""
        samples: list[dict[str, Any]] = []

        async def look(point: Point) -> None:
            samples.append(await self._collector.collect(point, self._last_good))

        try:
            async with asyncio.timeout(LONGEST_SECONDS), asyncio.TaskGroup() as tasks:
                for point in points:
                    tasks.create_task(look(point))
        except TimeoutError:
            log.warning("evidence took longer than %g s: it is incomplete", LONGEST_SECONDS)
        order = [point.id for point in points]
        return sorted(samples, key=lambda sample: order.index(sample["point"]))

    def _whom(self, fault: Fault, joined: Sequence[str]) -> tuple[Point, ...]:
        """The points that tell most: the fault's own; the anchors when we are cut off; else the first that joined."""
        if fault.kind is FaultKind.VANTAGE:
            return self._anchors[:SAMPLES]
        if fault.kind is FaultKind.POINT and self._known(fault.subject):
            return (self._points[fault.subject],)
        return tuple(self._points[each] for each in joined[:SAMPLES] if self._known(each))

    def _known(self, point: str) -> bool:
        return point in self._points and self._points[point].declared
