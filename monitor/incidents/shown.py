"""The incidents as they may be shown: what is durable of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from monitor.incidents.fold import apply, fold
from monitor.incidents.model import Decision, EventKind, Incident, IncidentEvent
from monitor.incidents.severity import urgency
from monitor.model import Result

KEPT: Final = 1000
"""So many closed incidents are kept at hand; older ones are in the store."""


class Incidents:
    """An observer of the pipeline that folds the events of what became durable."""

    def __init__(self) -> None:
        self._incidents: dict[str, Incident] = {}
        self._closed: dict[str, None] = {}
        self._numbers: dict[int, str] = {}
        self._where: dict[str, str] = {}
        self.version = 0
        """Grows with each change."""

    def load(self, events: Mapping[str, Sequence[IncidentEvent]]) -> None:
        """Take these incidents up: each one's events, by its uid, in the order of recording. What is here already stays
        as it is."""
        here = self.open()
        for uid, story in events.items():
            incident = fold(story)
            if incident is not None and uid not in self._incidents:
                self._put(incident)
        for incident in here:
            self._put(incident)
        self.version += 1

    def on_result(self, result: Result) -> None:
        """Results change no incident."""

    def on_decision(self, decision: Decision) -> None:
        """Take in what became durable. Events of an incident that isn't at hand any more are left to the store."""
        changed: dict[str, Incident] = {}
        for event in decision.events:
            before = changed.get(event.incident) or self._incidents.get(event.incident)
            if before is not None or event.kind is EventKind.OPENED:
                changed[event.incident] = apply(before, event)
        for incident in changed.values():
            self._put(incident)
        self.version += bool(changed)

    def open(self) -> Sequence[Incident]:
        """The open ones, worst first."""
        return sorted((each for each in self._incidents.values() if each.is_open), key=urgency)

    def get(self, uid: str) -> Incident | None:
        """An incident by its identity, when it is open or was closed not long ago."""
        return self._incidents.get(uid)

    def by_number(self, number: int) -> Incident | None:
        """The same by its name among people."""
        return self._incidents.get(self._numbers.get(number, ""))

    def of_point(self, point: str) -> Incident | None:
        """The open incident that the point is troubled in."""
        return self._incidents.get(self._where.get(point, ""))

    def _put(self, incident: Incident) -> None:
        uid = incident.uid
        self._incidents[uid] = incident
        self._numbers[incident.number] = uid
        for each in incident.affected.values():
            if incident.is_open and each.until is None:
                self._where[each.point] = uid
            elif self._where.get(each.point) == uid:
                del self._where[each.point]
        if not incident.is_open:
            self._closed[uid] = None
            self._forget()

    def _forget(self) -> None:
        while len(self._closed) > KEPT:
            uid = next(iter(self._closed))
            del self._closed[uid]
            del self._numbers[self._incidents.pop(uid).number]
