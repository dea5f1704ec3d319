"""The incidents as decided, and how events about them are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from monitor.incidents.fold import apply, fold
from monitor.incidents.model import EventKind, Incident, IncidentEvent, Severity
from monitor.incidents.severity import is_worse, severity_by, severity_of
from monitor.model import Fault, FaultKind, Status, Transition

KEPT: Final = 100
"""So many closed incidents stay at hand for what is yet to be told of them."""
OURS: Final = frozenset({FaultKind.VANTAGE, FaultKind.MONITOR})


class Book:
    """The open incidents, by fault and by point, and those just closed. It holds what its pages' events add up to."""

    def __init__(self) -> None:
        self._incidents: dict[str, Incident] = {}
        self._open: dict[Fault, str] = {}
        self._where: dict[str, str] = {}
        self._closed: dict[str, None] = {}
        self.number = 0
        """The last that was given."""

    def load(self, events: Mapping[str, Sequence[IncidentEvent]], last_number: int) -> None:
        """Take these up: each incident's events, by its uid, in the order of recording. What is here already stays as
        it is, and keeps its points and its fault."""
        self.number = max(self.number, last_number)
        incidents = [incident for story in events.values() if (incident := fold(story)) is not None]
        for incident in sorted(incidents, key=lambda incident: incident.number):
            self.number = max(self.number, incident.number)
            if incident.uid in self._incidents:
                continue
            self._incidents[incident.uid] = incident
            if not incident.is_open:
                self._shelve(incident)
                continue
            self._open.setdefault(incident.fault, incident.uid)
            for each in incident.troubled:
                self._where.setdefault(each.point, incident.uid)

    def get(self, uid: str) -> Incident | None:
        return self._incidents.get(uid)

    def of_fault(self, fault: Fault) -> Incident | None:
        return self._incidents.get(self._open.get(fault, ""))

    def of_point(self, point: str) -> Incident | None:
        """The one that the point is troubled in."""
        return self._incidents.get(self._where.get(point, ""))

    def open(self) -> list[Incident]:
        """The open ones, in the order of opening."""
        return [self._incidents[uid] for uid in self._open.values()]

    def take(self, event: IncidentEvent) -> None:
        """Let an event be true. One of an incident that isn't at hand is passed over."""
        before = self._incidents.get(event.incident)
        if before is None and event.kind is not EventKind.OPENED:
            return
        incident = self._incidents[event.incident] = apply(before, event)
        if event.kind is EventKind.OPENED:
            self._open[incident.fault] = incident.uid
            self.number = max(self.number, incident.number)
        elif event.kind is EventKind.JOINED:
            self._where[event.point] = incident.uid
        elif event.kind is EventKind.RELEASED:
            if self._where.get(event.point) == event.incident:
                del self._where[event.point]
        elif event.kind in (EventKind.CLOSED, EventKind.TAKEN_OVER):
            self._shelve(incident)

    def forget(self) -> None:
        """Put away what was closed long ago."""
        while len(self._closed) > KEPT:
            oldest = next(iter(self._closed))
            del self._closed[oldest]
            del self._incidents[oldest]

    def _shelve(self, incident: Incident) -> None:
        if self._open.get(incident.fault) == incident.uid:
            del self._open[incident.fault]
        for each in incident.affected.values():
            if self._where.get(each.point) == incident.uid:
                del self._where[each.point]
        self._closed[incident.uid] = None


class Writing:
    """What is written into the book at one moment; :meth:`events` hands it out."""

    def __init__(self, book: Book, *, now: datetime, make_id: Callable[[], str]) -> None:
        self._book = book
        self._now = now
        self._make_id = make_id
        self._events: list[IncidentEvent] = []

    def events(self) -> list[IncidentEvent]:
        """Everything in the order in which it is to be shown. What is opened here is opened with the severity and the
        begin that it has by the end of it."""
        opened = {event.incident for event in self._events if event.kind is EventKind.OPENED}
        return [
            self._summed_up(event) if event.kind is EventKind.OPENED else event
            for event in self._events
            if event.kind is not EventKind.WORSENED or event.incident not in opened
        ]

    def join(self, fault: Fault, row: Transition, *, at: datetime, flapping: bool = False) -> None:
        """A point that is in no incident joins that of the fault, which is opened if need be."""
        point = row.key.point
        incident = self._opened(fault, row, at)
        self._write(EventKind.JOINED, incident, at, point, **_cause(row))
        self._weigh(incident, severity_by(fault, row.key.point, row.status))
        if flapping:
            self.flapping(point, at)

    def move(self, old: Incident, fault: Fault, row: Transition, *, over: bool = False) -> None:
        """A point leaves one incident for another. ``over``: what it was in the old one for is over."""
        point, at = row.key.point, row.at
        taken, superseded = _bearing(old, fault, row, over=over)
        last = len(old.troubled) == 1
        flapping = point in old.flapping
        new = self._opened(fault, row, at)
        data: dict[str, Any] = _cause(row)
        if taken:
            data["taken_from"] = old.number
        if last and superseded:
            data["took_over"] = old.uid
        if flapping:
            data["flapping"] = True
        self._release(old, point, at, why="moved", to=self._current(new).number)
        self._write(EventKind.JOINED, new, at, point, **data)
        self._weigh(new, Severity.WARNING if flapping else Severity.INFO)
        self._weigh(new, severity_by(fault, row.key.point, row.status))
        if last and superseded:
            self._write(EventKind.TAKEN_OVER, old.uid, self._now, into=new, number=self._current(new).number)
        elif last:
            self._recover(old.uid)

    def change(self, incident: Incident, row: Transition) -> None:
        """An affected point's row changed, if it says anything new."""
        point = row.key.point
        now = incident.affected[point]
        bad = row.status not in (Status.UP, Status.UNKNOWN)
        at = row.at if bad else max(row.at, now.since)
        told = (now.status, now.reason, now.failed_phase, now.culprit)
        if told == (row.status, row.reason, row.failed_phase, row.culprit) and at >= now.since:
            return
        self._write(EventKind.CHANGED, incident.uid, at, point, **_cause(row))
        if bad:
            self._weigh(incident.uid, severity_by(incident.fault, point, row.status))

    def flapping(self, point: str, at: datetime) -> None:
        """A troubled point began to flap."""
        incident = self._book.of_point(point)
        if incident is not None and point not in incident.flapping:
            self._write(EventKind.FLAPPING, incident.uid, at, point)
            self._weigh(incident.uid, Severity.WARNING)

    def steady(self, point: str, at: datetime, status: Status) -> None:
        """It holds again."""
        incident = self._book.of_point(point)
        if incident is not None and point in incident.flapping:
            self._write(EventKind.STEADY, incident.uid, at, point, status=status.value)

    def recover(self, incident: Incident, row: Transition) -> None:
        """A point is well again; when it was the last, so is the incident."""
        unseen = {"not_before": row.not_before.isoformat()} if row.not_before else {}
        self._release(incident, row.key.point, row.at, why="recovered", **unseen)
        if not self._current(incident.uid).troubled:
            self._recover(incident.uid)

    def hand_over(self, old: str, new: Incident, point: str, at: datetime) -> None:
        """A point is another incident's business by now; the old one ends with its last."""
        self._release(self._current(old), point, at, why="moved", to=new.number)
        if not self._current(old).troubled:
            self._write(EventKind.TAKEN_OVER, old, self._now, into=new.uid, number=new.number)

    def withdraw(self, incident: Incident, point: str, at: datetime, *, why: str, closed: str) -> None:
        """A point is affected no more, though it didn't recover; the incident is closed when it was the last."""
        self._release(incident, point, at, why=why)
        if not self._current(incident.uid).troubled:
            self._write(EventKind.CLOSED, incident.uid, self._now, why=closed)

    def _opened(self, fault: Fault, row: Transition, at: datetime) -> str:
        """The uid of the fault's open incident."""
        incident = self._book.of_fault(fault)
        if incident is not None:
            return incident.uid
        uid = self._make_id()
        self._write(
            EventKind.OPENED,
            uid,
            self._now,
            number=self._book.number + 1,
            fault=str(fault),
            severity=severity_by(fault, row.key.point, row.status).value,
            began=at.isoformat(),
        )
        return uid

    def _release(self, incident: Incident, point: str, at: datetime, **data: object) -> None:
        """Nothing ends before it began: what is found never to have been ends at once."""
        self._write(EventKind.RELEASED, incident.uid, max(at, incident.affected[point].since), point, **data)

    def _recover(self, uid: str) -> None:
        """The last point has left; the incident was over when the last of them was well, or another's."""
        left = [(each.until, each.not_before) for each in self._current(uid).affected.values() if each.until]
        at = max(until for until, _ in left)
        unseen = [not_before for until, not_before in left if until == at and not_before is not None]
        since = {"not_before": min(unseen).isoformat()} if unseen else {}
        self._write(EventKind.RECOVERED, uid, at, why="recovered", **since)
        self._write(EventKind.CLOSED, uid, self._now, why="recovered")

    def _weigh(self, uid: str, severity: Severity) -> None:
        if is_worse(severity, self._current(uid).severity):
            self._write(EventKind.WORSENED, uid, self._now, severity=severity.value)

    def _summed_up(self, event: IncidentEvent) -> IncidentEvent:
        incident = self._current(event.incident)
        said = {"severity": incident.severity.value, "began": incident.began.isoformat()}
        return replace(event, data={**event.data, **said})

    def _current(self, uid: str) -> Incident:
        incident = self._book.get(uid)
        assert incident is not None  # noqa: S101  (whoever asks has just written about it)
        return incident

    def _write(self, kind: EventKind, uid: str, at: datetime, point: str = "", **data: object) -> None:
        event = IncidentEvent(
            id=self._make_id(), incident=uid, kind=kind, at=at, recorded_at=self._now, point=point, data=data
        )
        self._book.take(event)
        self._events.append(event)


def _bearing(old: Incident, fault: Fault, row: Transition, *, over: bool) -> tuple[bool, bool]:
    """Whether a point is taken over, and whether its old incident is, should it have been the last in there.

    It is when the row overrules what stood since it joined, or names a wider cause of what isn't better than before.
    Else the old cause is over and this is what was behind it: then the old incident has recovered, if anything did.
    """
    before = old.affected[row.key.point]
    better = is_worse(severity_of(old.fault, before.status), severity_of(fault, row.status))
    wider = fault.kind is not FaultKind.NEVER and fault != Fault(FaultKind.POINT, row.key.point)
    over = over or old.fault.kind in OURS or better
    taken = row.at <= before.since or (wider and not over)
    return taken, taken or not (over or any(each.left == "recovered" for each in old.affected.values()))


def _cause(row: Transition) -> dict[str, Any]:
    return {
        "status": row.status.value,
        "reason": row.reason.value,
        "failed_phase": row.failed_phase,
        "culprit": row.culprit,
    }
