"""The JSON of incidents and of the messages about them. See :mod:`monitor.web.documents`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from monitor.config.model import Config, Point
from monitor.incidents.fold import FOR_EVER
from monitor.incidents.model import (
    Affected,
    DeliveryOutcome,
    EventKind,
    Incident,
    IncidentEvent,
    MessageKind,
    Severity,
)
from monitor.model import Fault, FaultKind, Reason, Status
from monitor.web.documents import Beat, Document, PointSummary, Time, VerdictDocument

if TYPE_CHECKING:
    from monitor.storage.records import Letter

NAMED_POINTS = 200


class FaultDocument(Document):
    """Where the fault lies. ``name`` is the point's, the endpoint's or the area's; the label's value; else empty."""

    kind: FaultKind
    subject: str
    name: str

    @classmethod
    def of(cls, fault: Fault, config: Config) -> FaultDocument:
        return cls(kind=fault.kind, subject=fault.subject, name=_name(fault, config))


class AcknowledgementDocument(Document):
    """Who is on it since when, with the provider's ticket."""

    actor: str
    at: Time
    ticket: str


class SilenceDocument(Document):
    """No messages until a time; null: until recovery."""

    until: Time | None


class IncidentSummary(Document):
    """An incident as a list shows it. ``affected`` counts the points that it ever touched, ``troubled`` those that it
    touches now; ``points`` are ids of the latter (of all once it is closed), 200 at most."""

    uid: str
    number: int
    open: bool
    fault: FaultDocument
    severity: Severity
    began: Time
    opened: Time
    recovered: Time | None
    recovered_not_before: Time | None
    closed: Time | None
    closed_why: str
    affected: int
    troubled: int
    points: list[str]
    flapping: list[str]
    acknowledged: AcknowledgementDocument | None
    silenced: SilenceDocument | None
    resolution: str

    @classmethod
    def of(cls, incident: Incident, config: Config) -> IncidentSummary:
        return cls(**_summary(incident, config))


class IncidentList(Document):
    """Incidents, newest first. ``next`` is the cursor of the following page, null on the last."""

    incidents: list[IncidentSummary]
    next: str | None


class AffectedDocument(Document):
    """A point in an incident. ``left`` says why it is affected no more; names are empty once it is not configured."""

    point: str
    name: str
    kind: str
    area: str
    status: Status
    reason: Reason
    failed_phase: str
    culprit: str
    since: Time
    until: Time | None
    left: str

    @classmethod
    def of(cls, affected: Affected, point: Point | None) -> AffectedDocument:
        return cls(
            point=affected.point, name=point.name if point else "", kind=point.kind if point else "",
            area=point.area if point else "", status=affected.status, reason=affected.reason,
            failed_phase=affected.failed_phase, culprit=affected.culprit, since=affected.since,
            until=affected.until, left=affected.left,
        )  # fmt: skip


class IncidentEventDocument(Document):
    """What happened to an incident. ``actor`` is empty for the program itself; ``data`` depends on the kind."""

    id: str
    kind: EventKind
    at: Time
    recorded_at: Time
    point: str
    actor: str
    text: str
    data: dict[str, Any]

    @classmethod
    def of(cls, event: IncidentEvent) -> IncidentEventDocument:
        return cls(
            id=event.id, kind=event.kind, at=event.at, recorded_at=event.recorded_at, point=event.point,
            actor=event.actor, text=event.text, data=dict(event.data),
        )  # fmt: skip


class DeliveryDocument(Document):
    """An attempt to deliver a message; ``detail`` says why it failed."""

    at: Time
    attempt: int
    outcome: DeliveryOutcome
    detail: str


class MessageDocument(Document):
    """What one channel is told. ``outcome`` is how its last attempt ended, null before the first; ``title`` and
    ``text`` are what was said. ``number`` is the incident's."""

    id: str
    incident: str
    number: int | None
    kind: MessageKind
    channel: str
    route: str
    created_at: Time
    due_at: Time
    outcome: DeliveryOutcome | None
    title: str
    text: str
    deliveries: list[DeliveryDocument]

    @classmethod
    def of(cls, letter: Letter) -> MessageDocument:
        message, deliveries = letter.message, letter.deliveries
        said = next((each for each in reversed(deliveries) if each.title or each.text), None)
        return cls(
            id=message.id, incident=message.incident, number=message.payload.get("number"), kind=message.kind,
            channel=message.channel, route=message.route, created_at=message.created_at, due_at=message.due_at,
            outcome=deliveries[-1].outcome if deliveries else None, title=said.title if said else "",
            text=said.text if said else "",
            deliveries=[
                DeliveryDocument(at=each.at, attempt=each.attempt, outcome=each.outcome, detail=each.detail)
                for each in deliveries
            ],
        )  # fmt: skip


class MessagePage(Document):
    """Messages, newest first. ``next`` is the cursor of the following page, null on the last."""

    messages: list[MessageDocument]
    next: str | None

    @classmethod
    def of(cls, letters: Iterable[Letter], cursor: str) -> MessagePage:
        return cls(messages=[MessageDocument.of(letter) for letter in letters], next=cursor or None)


class IncidentDocument(IncidentSummary):
    """An incident with every point that it ever touched, its events in the order of recording, its evidence and the
    newest messages about it. ``into`` is the number of the incident that took it over, ``took_over`` are those of the
    ones that it took points from."""

    points_affected: list[AffectedDocument]
    events: list[IncidentEventDocument]
    evidence: dict[str, Any] | None
    messages: list[MessageDocument]
    into: int | None
    took_over: list[int]

    @classmethod
    def whole(
        cls, incident: Incident, events: Sequence[IncidentEvent], letters: Iterable[Letter], config: Config
    ) -> IncidentDocument:
        points = {point.id: point for point in config.points}
        into = [event.data.get("number") for event in events if event.kind is EventKind.TAKEN_OVER]
        return cls(
            **_summary(incident, config),
            points_affected=[AffectedDocument.of(each, points.get(each.point)) for each in incident.affected.values()],
            events=[IncidentEventDocument.of(event) for event in events],
            evidence=None if incident.evidence is None else dict(incident.evidence),
            messages=[MessageDocument.of(letter) for letter in letters],
            into=into[-1] if into else None,
            took_over=sorted({number for event in events if (number := event.data.get("taken_from"))}),
        )


class ActAnswer(Document):
    """What came of an operator's act. ``changed`` is false when it was so before; ``detail`` says it in words."""

    changed: bool
    detail: str
    incident: IncidentSummary


class Snapshot(Document):
    """Everything that a wall shows; ``incidents`` are those that are open, worst first."""

    beat: Beat
    verdict: VerdictDocument
    points: list[PointSummary]
    incidents: list[IncidentSummary]


def _name(fault: Fault, config: Config) -> str:
    if fault.kind is FaultKind.POINT:
        return next((point.name for point in config.points if point.id == fault.subject), "")
    if fault.kind is not FaultKind.LABEL:
        return ""
    label, _, value = fault.subject.partition("=")
    if label == "area":
        return next((area.name for area in config.areas if area.id == value), value)
    return value


def _summary(incident: Incident, config: Config) -> Mapping[str, Any]:
    troubled = incident.troubled
    shown = troubled if incident.is_open else tuple(incident.affected.values())
    acknowledged, until = incident.acknowledged, incident.silenced_until
    return {
        "uid": incident.uid,
        "number": incident.number,
        "open": incident.is_open,
        "fault": FaultDocument.of(incident.fault, config),
        "severity": incident.severity,
        "began": incident.began,
        "opened": incident.opened,
        "recovered": incident.recovered,
        "recovered_not_before": incident.recovered_not_before,
        "closed": incident.closed,
        "closed_why": incident.closed_why,
        "affected": len(incident.affected),
        "troubled": len(troubled),
        "points": [each.point for each in shown[:NAMED_POINTS]],
        "flapping": sorted(incident.flapping),
        "acknowledged": acknowledged
        and AcknowledgementDocument(actor=acknowledged.actor, at=acknowledged.at, ticket=acknowledged.ticket),
        "silenced": until and SilenceDocument(until=None if until >= FOR_EVER else until),
        "resolution": incident.resolution,
    }
