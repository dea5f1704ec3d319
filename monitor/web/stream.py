"""The live stream: server-sent events, each serialised once for every page that listens.

Events (``data`` is JSON):

- ``snapshot`` on connecting: ``{"beat", "verdict", "points": [...], "incidents": [...]}``, everything that a wall shows
- ``status``: ``{"verdict": ..., "points": [...]}``, the points that changed
- ``transition``: one transition as in /api/v1/transitions
- ``incident``: one incident that changed, as in /api/v1/incidents
- ``beat`` every two seconds: ``{"time", "data_age_seconds", "banners": [...]}``
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aiohttp import web
from pydantic import BaseModel

from monitor.incidents.model import Decision
from monitor.model import Result
from monitor.web import documents, incident_records, records
from monitor.web.keys import HUB, Clock, Incidents, Views

if TYPE_CHECKING:
    from monitor.board import PointView

BEAT_EVERY = timedelta(seconds=2)
"""How often the program is to call :meth:`Hub.beat`: a page that hears nothing for five seconds says it is lost."""
QUEUE_EVENTS = 64
"""What a page may lag behind before it is dropped: it connects again and gets a new snapshot."""
WRITE_SECONDS = 10.0


class Listener:
    """One page that listens: its events wait in a bounded queue; a page that doesn't take them is dropped."""

    def __init__(self, drop: Callable[[], None]) -> None:
        self._drop = drop
        self._events: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_EVENTS)

    def put(self, event: bytes | None) -> None:
        """Queue an event, or the end (None). A full queue drops the page."""
        try:
            self._events.put_nowait(event)
        except asyncio.QueueFull:
            self._drop()

    async def get(self) -> bytes | None:
        """The next event; None when the stream ends."""
        return await self._events.get()


class Hub:
    """Tells every page that listens what changed: an observer of the pipeline.

    To be told of a decision after ``board`` and ``incidents`` were. ``banners`` answers what people must know now
    (see :class:`monitor.web.documents.Beat`).
    """

    def __init__(
        self, *, board: Views, incidents: Incidents, clock: Clock, banners: Callable[[], Sequence[str]]
    ) -> None:
        self._board = board
        self._incidents = incidents
        self._clock = clock
        self._banners = banners
        self._listeners: set[Listener] = set()
        self.limit = 2000
        """How many pages may listen."""
        self._shown: dict[str, tuple[object, ...]] = {}
        self._sequence = 0
        self._newest: datetime | None = None
        self._snapshot: bytes | None = None

    @property
    def newest(self) -> datetime | None:
        """When the latest result was there; None: there is none yet."""
        return self._newest

    @property
    def listeners(self) -> int:
        """How many pages listen."""
        return len(self._listeners)

    def on_result(self, result: Result) -> None:
        """Remember how fresh the picture is."""
        self._newest = result.begun + timedelta(seconds=result.latency_seconds)

    def on_decision(self, decision: Decision) -> None:
        """Tell what changed."""
        # In one piece: a decision over the whole network must not flood a page that reads a little late.
        told = [self._event("transition", records.TransitionDocument.of(row)) for row in decision.transitions]
        if told:
            self._snapshot = None
            self._send(b"".join(told))
        views = self._board.points()
        touched = {row.key.point for row in decision.rows}
        self._tell_changes([views[point] for point in touched if point in views])
        config = self._board.config
        for uid in dict.fromkeys(event.incident for event in decision.events):
            incident = self._incidents.get(uid)
            if incident is not None:
                self._publish("incident", incident_records.IncidentSummary.of(incident, config))

    def beat(self) -> None:
        """Give a sign of life, and tell what changed by time alone (a point became stable, a reload)."""
        views = self._board.points()
        if self._shown.keys() - views.keys():
            self._shown = {}
            self._send(self.snapshot(fresh=True))
        else:
            self._tell_changes(views.values())
        self._publish("beat", self._beat())

    @contextmanager
    def listen(self, drop: Callable[[], None]) -> Iterator[Listener]:
        """A new listener, for as long as the context lasts; its first event is a snapshot."""
        listener = Listener(drop)
        listener.put(self.snapshot())
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """End every stream at once."""
        for listener in self._listeners:
            listener.put(None)

    def snapshot(self, *, fresh: bool = False) -> bytes:
        """The event that holds everything; made once however many pages ask between two changes."""
        if self._snapshot is None or fresh:
            views = self._board.points()
            content = incident_records.Snapshot(
                beat=self._beat(),
                verdict=documents.VerdictDocument.of(self._board.verdict(self._clock())),
                points=documents.summaries(views.values()),
                incidents=[
                    incident_records.IncidentSummary.of(each, self._board.config) for each in self._incidents.open()
                ],
            )
            self._snapshot = self._event("snapshot", content)
        return self._snapshot

    def _tell_changes(self, views: Iterable[PointView]) -> None:
        changed = []
        for view in views:
            appearance = _appearance(view)
            if self._shown.get(view.point.id) != appearance:
                self._shown[view.point.id] = appearance
                changed.append(view)
        if changed:
            verdict = documents.VerdictDocument.of(self._board.verdict(self._clock()))
            self._publish("status", documents.StatusChange(verdict=verdict, points=documents.summaries(changed)))

    def _beat(self) -> documents.Beat:
        now = self._clock()
        age = None if self._newest is None else max(0.0, (now - self._newest).total_seconds())
        return documents.Beat(time=now, data_age_seconds=age, banners=list(self._banners()))

    def _publish(self, name: str, content: BaseModel) -> None:
        self._snapshot = None
        self._send(self._event(name, content))

    def _send(self, event: bytes) -> None:
        for listener in tuple(self._listeners):
            listener.put(event)

    def _event(self, name: str, content: BaseModel) -> bytes:
        self._sequence += 1
        return f"id: {self._sequence}\nevent: {name}\ndata: {content.model_dump_json()}\n\n".encode()


async def stream(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/stream. Whatever Last-Event-ID says, the first event is a whole snapshot, so nothing is missed."""
    hub = request.app[HUB]
    if hub.listeners >= hub.limit:
        raise web.HTTPServiceUnavailable(text="too many pages listen", headers={"Retry-After": "10"})
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    await response.prepare(request)
    transport = request.transport
    if transport is None:
        return response
    with hub.listen(transport.abort) as listener:
        try:
            while (event := await listener.get()) is not None:
                async with asyncio.timeout(WRITE_SECONDS):
                    await response.write(event)
        except (ConnectionError, TimeoutError):
            transport.abort()
    return response


def _appearance(view: PointView) -> tuple[object, ...]:
    """What a wall shows of a point: when this changes the pages are told."""
    return (
        view.point.name, view.point.declared, view.status, view.since, view.reason, view.failed_phase, view.culprit,
        view.fault, view.stable, view.flapping, view.maintenance, view.never,
        any(each.suspect for each in view.endpoints),
    )  # fmt: skip
