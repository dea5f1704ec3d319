"""How bad an incident is, and which one comes first on a screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from monitor.incidents.model import Incident, Severity
from monitor.model import Fault, FaultKind, Status

_CUT_OFF: Final = frozenset({Status.DOWN, Status.UNREACHABLE})
_BY_STATUS: Final[Mapping[Status, Severity]] = {
    Status.DOWN: Severity.CRITICAL,
    Status.UNREACHABLE: Severity.CRITICAL,
    Status.FAULTY: Severity.WARNING,
    Status.DEGRADED: Severity.INFO,
}
_ORDER: Final = tuple(Severity)


def severity_by(fault: Fault, point: str, status: Status) -> Severity:
    """How bad an incident of this fault is by ``point``.

    What others fail by is critical from the first of them on: it is worse than any of them, and is told once.
    """
    if fault.kind is FaultKind.POINT and fault.subject != point and status is Status.FAULTY:
        return Severity.CRITICAL
    return severity_of(fault, status)


def severity_of(fault: Fault, status: Status) -> Severity:
    """How bad it is that a point has this status because of this fault."""
    match fault.kind:
        case FaultKind.NEVER:
            return Severity.INFO
        case FaultKind.NETWORK | FaultKind.VANTAGE:
            return Severity.CRITICAL
        case FaultKind.MONITOR:
            return Severity.WARNING
    return _BY_STATUS.get(status, Severity.INFO)


def is_worse(one: Severity, other: Severity) -> bool:
    return _ORDER.index(one) < _ORDER.index(other)


def urgency(incident: Incident) -> tuple[int, int, float, int]:
    """A key that sorts open incidents, worst first.

    Network-wide; a cause that cuts off several points, by how many it affects; a point cut off; faulty; flapping;
    degraded; what the monitor cannot ask; never connected. Within a rank the newest first.
    """
    rank = _rank(incident)
    size = -len(incident.troubled) if rank == 1 else 0
    return rank, size, -incident.began.timestamp(), -incident.number


def _rank(incident: Incident) -> int:
    kind, subject = incident.fault
    if kind in (FaultKind.NETWORK, FaultKind.VANTAGE):
        return 0
    if kind is FaultKind.NEVER:
        return 7
    statuses = {each.status for each in incident.troubled}
    if statuses & _CUT_OFF:
        shared = kind is not FaultKind.POINT or any(each.point != subject for each in incident.troubled)
        return 1 if shared else 2
    if Status.FAULTY in statuses:
        return 3
    if incident.flapping:
        return 4
    return 5 if Status.DEGRADED in statuses else 6
