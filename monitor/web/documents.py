"""The JSON that the interface answers, as models: the answers, the stream and the OpenAPI document are made from these.

Times are RFC 3339 in UTC. Durations and latencies are seconds and say so in their names; ratios lie between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from monitor.board import Tone
from monitor.health.stability import Bucket
from monitor.model import Outcome, Reason, Result, Status

if TYPE_CHECKING:
    from monitor.board import EndpointView, PointView
    from monitor.board import Verdict as BoardVerdict


def rfc3339(at: datetime) -> str:
    """``at`` (aware) in UTC with microseconds, as every answer writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


Time = Annotated[
    datetime,
    PlainSerializer(rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Ratio = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]


class Document(BaseModel):
    """Base of every answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Problem(Document):
    """What is wrong with a request (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[ParameterProblem] = []


class ParameterProblem(Document):
    """What is wrong with one parameter."""

    parameter: str
    detail: str


class PointSummary(Document):
    """A point as a wall shows it. ``bucket`` is where the verdict counts it; ``fault`` says where the fault lies when
    not in the point itself, such as `point:hub`; ``never``: it has never been connected."""

    id: str
    name: str
    kind: str
    area: str
    code: str
    unit_type: str
    declared: bool
    status: Status
    bucket: Bucket
    since: Time | None
    reason: Reason
    failed_phase: str
    detail: str
    culprit: str
    fault: str
    stable: bool
    suspect: bool
    never: bool
    flapping: bool
    maintenance: bool

    @classmethod
    def of(cls, view: PointView) -> PointSummary:
        point = view.point
        return cls(
            id=point.id, name=point.name, kind=point.kind, area=point.area, code=point.code,
            unit_type=point.unit_type, declared=point.declared, status=view.status, bucket=view.bucket,
            since=view.since, reason=view.reason, failed_phase=view.failed_phase, detail=view.detail,
            culprit=view.culprit, fault=view.fault, stable=view.stable,
            suspect=any(each.suspect for each in view.endpoints), never=view.never, flapping=view.flapping,
            maintenance=view.maintenance,
        )  # fmt: skip


class LastResult(Document):
    """The last result of an endpoint: phases in seconds by name, facts by metric name."""

    begun: Time
    outcome: Outcome
    reason: Reason
    latency_seconds: Seconds
    failed_phase: str
    detail: str
    address: str
    lagged: bool
    phases_seconds: dict[str, Seconds]
    facts: dict[str, float]

    @classmethod
    def of(cls, result: Result) -> LastResult:
        return cls(
            begun=result.begun, outcome=result.outcome, reason=result.reason,
            latency_seconds=result.latency_seconds, failed_phase=result.failed_phase, detail=result.detail,
            address=result.address, lagged=result.lagged, phases_seconds=dict(result.phases),
            facts=dict(result.facts),
        )  # fmt: skip


class EndpointDocument(Document):
    """One address of a point, its status and its last result."""

    id: str
    name: str
    target: str
    module: str
    prober: str
    link: bool
    critical: bool
    declared: bool
    interval_seconds: Seconds
    timeout_seconds: Seconds
    status: Status
    since: Time | None
    reason: Reason
    failed_phase: str
    detail: str
    suspect: bool
    last: LastResult | None

    @classmethod
    def of(cls, view: EndpointView) -> EndpointDocument:
        endpoint = view.endpoint
        return cls(
            id=endpoint.key.endpoint, name=endpoint.name, target=endpoint.target, module=endpoint.module.name,
            prober=endpoint.module.prober, link=endpoint.link, critical=endpoint.critical,
            declared=endpoint.declared, interval_seconds=endpoint.interval.total_seconds(),
            timeout_seconds=endpoint.timeout.total_seconds(), status=view.status, since=view.since,
            reason=view.reason, failed_phase=view.failed_phase, detail=view.detail, suspect=view.suspect,
            last=LastResult.of(view.last) if view.last else None,
        )  # fmt: skip


class ContactDocument(Document):
    """Whom to call."""

    name: str
    phone: str
    provider: str
    provider_hotline: str
    circuit_id: str


class LocationDocument(Document):
    latitude: float
    longitude: float


class PointDocument(PointSummary):
    """A point with its endpoints."""

    labels: dict[str, str]
    location: LocationDocument | None
    hours: str
    contact: ContactDocument
    depends_on: list[list[str]]
    endpoints: list[EndpointDocument]

    @classmethod
    def of(cls, view: PointView) -> PointDocument:
        point = view.point
        contact = point.contact
        location = point.location
        return cls(
            **dict(PointSummary.of(view)),
            labels=dict(point.labels),
            location=LocationDocument(latitude=location.latitude, longitude=location.longitude) if location else None,
            hours=point.hours,
            contact=ContactDocument(
                name=contact.name, phone=contact.phone, provider=contact.provider,
                provider_hotline=contact.provider_hotline, circuit_id=contact.circuit_id,
            ),
            depends_on=[list(dependency.any_of) for dependency in point.depends_on],
            endpoints=[EndpointDocument.of(each) for each in view.endpoints],
        )  # fmt: skip


class PointList(Document):
    """Points in the configuration's order. ``total`` counts all that fit the filter."""

    total: int
    points: list[PointSummary]


class VerdictDocument(Document):
    """The verdict over the N wards and branches that are probed. ``counts`` are exclusive and sum to ``total``;
    ``troubled`` are points (infrastructure too), worst and newest first."""

    tone: Tone
    total: int
    stable: int
    fresh: int
    counts: dict[Bucket, int]
    troubled: list[str]
    undeclared: int
    started: Time

    @classmethod
    def of(cls, verdict: BoardVerdict) -> VerdictDocument:
        return cls(
            tone=verdict.tone, total=verdict.total, stable=verdict.stable, fresh=verdict.fresh,
            counts=dict(verdict.counts),
            troubled=[view.point.id for view in verdict.troubled], undeclared=len(verdict.undeclared),
            started=verdict.started,
        )  # fmt: skip


class Beat(Document):
    """The sign of life. ``data_age_seconds`` is null before the first result; ``banners`` says what people must know:
    ``spooling`` (the database is away, records wait on disk), ``unwritten`` (nothing can be written)."""

    time: Time
    data_age_seconds: Seconds | None
    banners: list[str]


class StatusChange(Document):
    """The points that changed, with the verdict that follows."""

    verdict: VerdictDocument
    points: list[PointSummary]


def summaries(views: Iterable[PointView]) -> list[PointSummary]:
    """The points as a wall shows them."""
    return [PointSummary.of(view) for view in views]
