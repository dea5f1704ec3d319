"""When an incident opens, evidence is collected once, in bounds, and recorded as an event of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol

from monitor.config.model import Config, Point
from monitor.evidence.collector import GLANCE_SECONDS, STEP_SECONDS, glanced
from monitor.incidents.model import Decision, EventKind, IncidentEvent
from monitor.model import EndpointKey, Fault, FaultKind, Outcome, Result

log = logging.getLogger(__name__)

LONGEST_SECONDS: Final = 10.0
AT_ONCE: Final = 5
"""Points that are looked into at the same time."""
SAMPLES: Final = 3
"""Points that are looked into when an incident touches many."""

_MOST_WAITING: Final = 200
"""Incidents that may wait for their turn; of a flood the later ones get no evidence rather than late evidence."""


class Collects(Protocol):
    """Looks into one point (the collector)."""

    async def collect(
        self, point: Point, last_good: Mapping[EndpointKey, Result], *, step_seconds: float
    ) -> dict[str, Any]:
        """What was found out, as JSON. Each question may take ``step_seconds``."""
        ...


class Record(Protocol):
    """Takes events in (the pipeline)."""

    def __call__(self, *, events: Sequence[IncidentEvent]) -> None: ...


@dataclass(frozen=True, slots=True)
class _Case:
    """Points to look into for an incident: at a glance first, and for longer when something keeps silent."""

    incident: str
    points: tuple[Point, ...]
    glance: bool = True


class Investigator:
    """An observer of the pipeline. ``run`` does the work; ``make_id`` gives each event its id.

    The first message of a fault waits a moment for the evidence, and a host that is cut off keeps silent for longer
    than that: so what a glance shows is recorded at once, and where something was silent, what a patient look shows
    takes its place.
    """

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
        self._waiting: asyncio.Queue[_Case] = asyncio.Queue(_MOST_WAITING)
        self._free = asyncio.Semaphore(AT_ONCE)
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
                if points:
                    self._put(_Case(event.incident, points))

    async def run(self) -> None:
        """Look into what waits, some at once, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(self._work())

    def _put(self, case: _Case) -> None:
        if not self._waiting.full():
            self._waiting.put_nowait(case)

    async def _work(self) -> None:
        while True:
            case = await self._waiting.get()
            samples = await self._look(case)
            if case.glance:
                told = [glanced(sample) for sample in samples]
                samples = [sample for sample, _ in told]
                if len(samples) < len(case.points) or any(silent for _, silent in told):
                    # Behind the others: what their messages wait for comes first.
                    self._put(replace(case, glance=False))
            elif not samples:
                continue  # what the glance showed stands
            now = self._clock()
            event = IncidentEvent(
                id=self._make_id(),
                incident=case.incident,
                kind=EventKind.EVIDENCE,
                at=now,
                recorded_at=now,
                data={"evidence": {"samples": samples}},
            )
            self._record(events=(event,))

    async def _look(self, case: _Case) -> list[dict[str, Any]]:
        """What is found out of each point within the time; one that takes longer is left out."""
        samples: list[dict[str, Any]] = []
        step_seconds = GLANCE_SECONDS if case.glance else STEP_SECONDS

        async def look(point: Point) -> None:
            async with self._free:
                try:
                    samples.append(await self._collector.collect(point, self._last_good, step_seconds=step_seconds))
                except Exception:
                    log.exception("%s: looking into it failed through our own fault", point.id)

        try:
            async with asyncio.timeout(LONGEST_SECONDS), asyncio.TaskGroup() as tasks:
                for point in case.points:
                    tasks.create_task(look(point))
        except TimeoutError:
            log.warning("evidence took longer than %g s: it is incomplete", LONGEST_SECONDS)
        order = [point.id for point in case.points]
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
