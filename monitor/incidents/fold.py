"""What an incident's events add up to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from monitor.incidents.model import Acknowledgement, Affected, EventKind, Incident, IncidentEvent, Severity
from monitor.model import Fault, Reason, Status

FOR_EVER: Final = datetime.max.replace(tzinfo=UTC)
"""A silence's end when it holds until recovery."""


def fold(events: Iterable[IncidentEvent]) -> Incident | None:
    """One incident from its events, in the order of recording; None: there are none. Raises ValueError like `apply`."""
    incident = None
    for event in events:
        incident = apply(incident, event)
    return incident


def apply(incident: Incident | None, event: IncidentEvent) -> Incident:
    """The incident after one more event. Raises ValueError when its first event doesn't open it."""
    if event.kind is EventKind.OPENED:
        return _opened(event)
    if incident is None:
        raise ValueError(f"incident {event.incident} begins with {event.kind}")
    return _APPLY[event.kind](incident, event)


def _opened(event: IncidentEvent) -> Incident:
    return Incident(
        uid=event.incident,
        number=event.data["number"],
        fault=Fault.parse(event.data["fault"]),
        severity=Severity(event.data["severity"]),
        began=datetime.fromisoformat(event.data["began"]),
        opened=event.recorded_at,
    )


def _joined(incident: Incident, event: IncidentEvent) -> Incident:
    affected = Affected(point=event.point, since=event.at, **_cause(event.data))
    taken = event.data.get("took_over")
    return replace(
        incident,
        affected={**incident.affected, event.point: affected},
        began=min(incident.began, event.at),
        flapping=incident.flapping | {event.point} if event.data.get("flapping") else incident.flapping,
        took_over=(*incident.took_over, taken) if taken else incident.took_over,
    )


def _changed(incident: Incident, event: IncidentEvent) -> Incident:
    before = incident.affected[event.point]
    after = replace(before, since=min(before.since, event.at), **_cause(event.data))
    return replace(incident, affected={**incident.affected, event.point: after}, began=min(incident.began, event.at))


def _released(incident: Incident, event: IncidentEvent) -> Incident:
    after = replace(
        incident.affected[event.point],
        until=event.at,
        left=event.data["why"],
        not_before=_moment(event.data.get("not_before")),
    )
    return replace(
        incident,
        affected={**incident.affected, event.point: after},
        flapping=incident.flapping - {event.point},
    )


def _evidence(incident: Incident, event: IncidentEvent) -> Incident:
    return replace(incident, evidence=event.data["evidence"])


def _acknowledged(incident: Incident, event: IncidentEvent) -> Incident:
    return replace(
        incident,
        acknowledged=Acknowledgement(actor=event.actor, at=event.at, ticket=event.data.get("ticket", "")),
    )


def _silenced(incident: Incident, event: IncidentEvent) -> Incident:
    if event.data.get("lifted"):
        return replace(incident, silenced_until=None)
    return replace(incident, silenced_until=_moment(event.data.get("until")) or FOR_EVER)


def _silenced_elsewhere(incident: Incident, event: IncidentEvent) -> Incident:
    name = event.data["silence"]
    others = {each: said for each, said in incident.silences.items() if each != name}
    return replace(incident, silences=others if event.data.get("ended") else {**others, name: event})


def _told_elsewhere(incident: Incident, event: IncidentEvent) -> Incident:
    return replace(incident, relayed={**incident.relayed, event.data["key"]: event})


def _taken_over(incident: Incident, event: IncidentEvent) -> Incident:
    return replace(incident, closed=event.at, closed_why="superseded", into=event.data["into"])


def _recovered(incident: Incident, event: IncidentEvent) -> Incident:
    return replace(incident, recovered=event.at, recovered_not_before=_moment(event.data.get("not_before")))


_APPLY: Final[Mapping[EventKind, Callable[[Incident, IncidentEvent], Incident]]] = {
    EventKind.JOINED: _joined,
    EventKind.CHANGED: _changed,
    EventKind.RELEASED: _released,
    EventKind.WORSENED: lambda incident, event: replace(incident, severity=Severity(event.data["severity"])),
    EventKind.FLAPPING: lambda incident, event: replace(incident, flapping=incident.flapping | {event.point}),
    EventKind.STEADY: lambda incident, event: replace(incident, flapping=incident.flapping - {event.point}),
    EventKind.EVIDENCE: _evidence,
    EventKind.TOLD: lambda incident, event: replace(incident, told=incident.told | {event.data["channel"]}),
    EventKind.ACKNOWLEDGED: _acknowledged,
    EventKind.NOTED: lambda incident, event: incident,
    EventKind.SILENCED: _silenced,
    EventKind.SILENCED_ELSEWHERE: _silenced_elsewhere,
    EventKind.TOLD_ELSEWHERE: _told_elsewhere,
    EventKind.CLASSIFIED: lambda incident, event: replace(incident, resolution=event.data["resolution"]),
    EventKind.TAKEN_OVER: _taken_over,
    EventKind.RECOVERED: _recovered,
    EventKind.CLOSED: lambda incident, event: replace(incident, closed=event.at, closed_why=event.data["why"]),
}


def _cause(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "status": Status(data["status"]),
        "reason": Reason(data["reason"]),
        "failed_phase": data.get("failed_phase", ""),
        "culprit": data.get("culprit", ""),
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
