"""A register with rows and flags written by hand, and what it says kept for reading."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from monitor.config.model import Alerts, Config, Point
from monitor.incidents.fold import fold
from monitor.incidents.model import EventKind, Incident, IncidentEvent
from monitor.incidents.register import Register
from monitor.model import EndpointKey, Flag, FlagChange, Reason, Resume, Row, Status, Transition

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
CONFIRMED = timedelta(seconds=3)


def moment(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def row(
    name: str,
    seconds: float,
    status: str,
    fault: str = "",
    *,
    first: bool = False,
    reason: Reason = Reason.TIMEOUT,
    not_before: float | None = None,
) -> Transition:
    at = moment(seconds)
    return Transition(
        key=EndpointKey(name, ""),
        at=at,
        recorded_at=at + CONFIRMED,
        status=Status(status),
        previous=Status.UNKNOWN,
        reason=Reason.OK if status == "up" else reason,
        fault=fault,
        first=first,
        not_before=None if not_before is None else moment(not_before),
    )


def flag(name: str, seconds: float, kind: str, on: bool) -> FlagChange:
    at = moment(seconds)
    return FlagChange(key=EndpointKey(name, ""), flag=Flag(kind), on=on, at=at, recorded_at=at)


def config(*points: str) -> Config:
    return Config(
        alerts=Alerts(never_after=timedelta(minutes=10)),
        points=tuple(Point(id=name, name=name, kind="ward", endpoints=()) for name in points),
    )


class Desk:
    """``story`` is every event, in order; ids are numbers in the order of making."""

    def __init__(self, settings: Config | None = None) -> None:
        self._ids = count(1)
        self.settings = settings or config()
        self.register = Register(self.settings, make_id=lambda: f"{next(self._ids):032x}")
        self.story: list[IncidentEvent] = []
        self.rows: list[Row] = []

    def take(self, *rows: Row, now: float | None = None) -> list[str]:
        """What the rows cause, in short; each further row of a point is decided after those before it."""
        told: list[str] = []
        piece: list[Row] = []
        for row in rows:
            if isinstance(row, Transition) and any(isinstance(e, Transition) and e.key == row.key for e in piece):
                told += self.decide(*piece, now=now)
                piece = []
            piece.append(row)
        return told + self.decide(*piece, now=now)

    def decide(self, *rows: Row, now: float | None = None) -> list[str]:
        """What rows cause that are decided together."""
        if not rows:
            return []
        self.rows += rows
        at = moment(now) if now is not None else max(r.recorded_at for r in rows)
        return self.keep(self.register.take(rows, at))

    def age(self, seconds: float) -> list[str]:
        return self.keep(self.register.age(moment(seconds)))

    def learn(self, *events: IncidentEvent) -> None:
        self.register.learn(events)
        self.story += events

    def keep(self, events: Iterable[IncidentEvent]) -> list[str]:
        events = list(events)
        self.story += events
        return [brief(event, self.number(event.incident)) for event in events]

    def number(self, uid: str) -> int:
        return next(e.data["number"] for e in self.story if e.incident == uid and e.kind is EventKind.OPENED)

    def stories(self) -> dict[str, list[IncidentEvent]]:
        stories: dict[str, list[IncidentEvent]] = {}
        for event in self.story:
            stories.setdefault(event.incident, []).append(event)
        return stories

    def incidents(self) -> list[Incident]:
        """Every incident, folded from its events."""
        return [incident for events in self.stories().values() if (incident := fold(events))]

    def incident(self, number: int) -> Incident:
        return next(incident for incident in self.incidents() if incident.number == number)

    def restarted(self, now: float) -> tuple[Desk, list[str]]:
        """Another program that goes on from what was written."""
        statuses: dict[EndpointKey, Transition] = {}
        flags: dict[tuple[str, Flag], FlagChange] = {}
        for each in self.rows:
            if isinstance(each, Transition):
                statuses[each.key] = each
            else:
                flags[each.key.point, each.flag] = each
        other = Desk(self.settings)
        other._ids = count(1000 * (len(self.story) + 1))
        other.story, other.rows = list(self.story), list(self.rows)
        ongoing = {uid: events for uid, events in self.stories().items() if fold(events).is_open}
        numbers = [event.data["number"] for event in self.story if event.kind is EventKind.OPENED]
        resume = Resume(statuses=statuses, flags=flags, last_alive=moment(now))
        events = other.register.resume(ongoing, max(numbers, default=0), resume, moment(now))
        return other, other.keep(events)


def brief(event: IncidentEvent, number: int) -> str:
    """An event in a line: incident's number, kind, point, and what matters of its data."""
    words = [f"#{number}", event.kind.value]
    if event.point:
        words.append(event.point)
    keys = ("fault", "severity", "status", "why", "to", "taken_from", "number", "flapping")
    shown = [key for key in keys if key in event.data and (key != "number" or event.kind is EventKind.TAKEN_OVER)]
    return " ".join([*words, *(f"{key}={event.data[key]}" for key in shown)])


def as_told(incident: Incident) -> Incident:
    """The incident without what depends on when it was decided."""
    return replace(incident, uid="", opened=T0, closed=T0 if incident.closed else None, into="", took_over=())
