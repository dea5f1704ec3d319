"""What a message is made of, as JSON: enough to render it when nothing else is known any more. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from monitor.alerts.labels import channel_labels, concerned
from monitor.config.model import Contact, Point
from monitor.incidents.model import Affected, Incident
from monitor.model import Fault, FaultKind

MOST_POINTS = 200
"""So many points are listed at most; ``affected`` counts all."""

_CONTACT_FIELDS = ("name", "phone", "provider", "provider_hotline", "circuit_id")


def facts(
    incident: Incident, points: Mapping[str, Point], areas: Mapping[str, str], *, url: str, now: datetime
) -> dict[str, Any]:
    """Everything about ``incident`` that a template may say. ``areas`` are names by id, ``url`` is the wall's."""
    ended = incident.recovered or incident.closed or now
    told = incident.acknowledged
    return {
        "uid": incident.uid,
        "number": incident.number,
        "severity": incident.severity.value,
        "fault": {
            "kind": incident.fault.kind.value,
            "subject": incident.fault.subject,
            "name": _fault_name(incident.fault, points, areas),
        },
        "began": _text(incident.began),
        "opened": _text(incident.opened),
        "recovered": _text(incident.recovered),
        "not_before": _text(incident.recovered_not_before),
        "duration_seconds": max(0.0, (ended - incident.began).total_seconds()),
        "affected": len(incident.affected),
        "troubled": len(incident.troubled),
        "points": [_point(each, points.get(each.point), areas) for each in _listed(incident)],
        "contact": _contact(concerned(incident, points)),
        "evidence": dict(incident.evidence) if incident.evidence is not None else None,
        "acknowledged": {"actor": told.actor, "at": _text(told.at), "ticket": told.ticket} if told else None,
        "flapping": sorted(incident.flapping),
        "resolution": incident.resolution,
        "url": f"{url.rstrip('/')}/incidents/{incident.number}" if url else "",
        "labels": channel_labels(incident, points),
    }


def _text(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at is not None else None


def _fault_name(fault: Fault, points: Mapping[str, Point], areas: Mapping[str, str]) -> str:
    """The point's name, the label's value (an area's or an endpoint's name), else what the fault's subject says."""
    if fault.kind is FaultKind.POINT:
        return points[fault.subject].name if fault.subject in points else fault.subject
    if fault.kind is not FaultKind.LABEL:
        return fault.subject
    label, _, value = fault.subject.partition("=")
    if label == "area":
        return areas.get(value, value)
    if label == "endpoint":
        return next((name for point in points.values() if (name := _endpoint(point, value)) != value), value)
    return value


def _listed(incident: Incident) -> Sequence[Affected]:
    """The fault's own point, then those troubled now, then those released; at most :data:`MOST_POINTS`."""
    own = incident.fault.subject if incident.fault.kind is FaultKind.POINT else None
    ordered = sorted(incident.affected.values(), key=lambda each: (each.point != own, each.until is not None))
    return ordered[:MOST_POINTS]


def _point(affected: Affected, point: Point | None, areas: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": affected.point,
        "name": point.name if point else affected.point,
        "kind": point.kind if point else "",
        "area": areas.get(point.area, point.area) if point else "",
        "status": affected.status.value,
        "reason": affected.reason.value,
        "failed_phase": affected.failed_phase,
        "endpoint": _endpoint(point, affected.culprit),
        "since": _text(affected.since),
        "until": _text(affected.until),
    }


def _endpoint(point: Point | None, name: str) -> str:
    """An endpoint's name for people; its key where it has none."""
    found = (each for each in point.endpoints if each.key.endpoint == name) if point else ()
    return next((each.name for each in found if each.name), name)


def _contact(points: Sequence[Point]) -> dict[str, str]:
    """Whom to call: field by field what all of them agree on."""
    contacts = [point.contact for point in points] or [Contact()]
    return {name: _agreed([getattr(contact, name) for contact in contacts]) for name in _CONTACT_FIELDS}


def _agreed(values: Sequence[str]) -> str:
    return values[0] if len(set(values)) == 1 else ""
