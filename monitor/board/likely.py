"""Whom a fault touches in all likelihood: a message leaves before the last of them has been confirmed."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.board.views import PointView
from monitor.config.model import Config, Point
from monitor.health.topology import dependants
from monitor.model import Fault, FaultKind, Outcome, Status


def likely(fault: Fault, config: Config, views: Mapping[str, PointView]) -> frozenset[str]:
    """The points that share what failed and whose links fail just now, confirmed or not."""
    return frozenset(name for name in _concerned(fault, config) if name in views and _fails(views[name]))


def _concerned(fault: Fault, config: Config) -> frozenset[str]:
    match fault.kind:
        case FaultKind.POINT:
            return dependants(fault.subject, config.needs())
        case FaultKind.LABEL:
            label, _, value = fault.subject.partition("=")
            return frozenset(point.id for point in config.points if _label(point, label) == value)
        case FaultKind.NETWORK:
            return frozenset(point.id for point in config.points if point.counted)
    return frozenset()


def _label(point: Point, label: str) -> str | None:
    return point.area if label == "area" else point.labels.get(label)


def _fails(view: PointView) -> bool:
    link = next((each for each in view.endpoints if each.endpoint.link), None)
    if link is None:
        return False
    return link.status is Status.DOWN or (link.suspect and link.last is not None and link.last.outcome is Outcome.DOWN)
