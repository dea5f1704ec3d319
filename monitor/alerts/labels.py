"""What an incident is labelled with: many-valued for routes, single-valued and steady for channels. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from monitor.config.model import Point
from monitor.incidents.model import Incident
from monitor.model import FaultKind

Labels = Mapping[str, frozenset[str]]

ALERT_NAMES = {
    FaultKind.POINT: "PointTroubled",
    FaultKind.LABEL: "CommonCause",
    FaultKind.NETWORK: "NetworkTroubled",
    FaultKind.VANTAGE: "VantageIsolated",
    FaultKind.MONITOR: "MonitorCannotAsk",
    FaultKind.NEVER: "NeverUp",
}
"""``alertname`` by where the fault lies."""


def concerned(incident: Incident, points: Mapping[str, Point]) -> list[Point]:
    """The points that say what an incident is about: the fault's own, else those troubled now, else all ever touched.

    Those that the configuration does not know any more are left out.
    """
    if incident.fault.kind is FaultKind.POINT and incident.fault.subject in points:
        return [points[incident.fault.subject]]
    ids = [each.point for each in incident.troubled] or list(incident.affected)
    return [points[point] for point in ids if point in points]


def labels_of(incident: Incident, points: Mapping[str, Point]) -> Labels:
    """For routes: every value of every label, as :class:`monitor.config.model.Matcher` has it."""
    labels = _collect(concerned(incident, points))
    if incident.fault.kind is FaultKind.LABEL:
        label, _, value = incident.fault.subject.partition("=")
        labels[label] = {value}
    labels |= {"severity": {incident.severity.value}, "fault": {incident.fault.kind.value}}
    return {name: frozenset(values) for name, values in labels.items()}


def _collect(points: Iterable[Point]) -> dict[str, set[str]]:
    labels: dict[str, set[str]] = {}
    for point in points:
        own = {**point.labels, "point": point.id, "kind": point.kind, "area": point.area}
        for name, value in own.items():
            if value:
                labels.setdefault(name, set()).add(value)
    return labels


def channel_labels(incident: Incident, points: Mapping[str, Point]) -> dict[str, str]:
    """For channels that group and inhibit: what the fault itself says, which stays as points come and go.

    Only ``severity`` may change in an incident's life, and only for the worse.
    """
    fault = incident.fault
    labels: dict[str, str] = {}
    if fault.kind is FaultKind.POINT:
        labels["point"] = fault.subject
        if (point := points.get(fault.subject)) is not None:
            labels = {**point.labels, **labels, "kind": point.kind, "area": point.area}
    elif fault.kind is FaultKind.LABEL:
        label, _, value = fault.subject.partition("=")
        labels[label] = value
    elif fault.kind is FaultKind.MONITOR:
        labels["reason"] = fault.subject
    labels |= {
        "alertname": ALERT_NAMES[fault.kind],
        "incident": str(incident.number),
        "fault": fault.kind.value,
        "severity": incident.severity.value,
    }
    return {name: value for name, value in labels.items() if value}
