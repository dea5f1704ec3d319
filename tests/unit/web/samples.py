"""Views to draw: built from the real dataclasses, a field at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitor.board import EndpointView, PointView, Verdict
from monitor.config.model import Area, Budgets, Config, Contact, Endpoint, Location, Module, Point
from monitor.incidents.model import Affected, Incident, Severity
from monitor.language.words import Words
from monitor.model import EndpointKey, Fault, Reason, Result, Status, Transition
from monitor.probes.base import Options
from monitor.web.incident import Setting

NOW = datetime(2026, 11, 23, 3, 14, 26, tzinfo=UTC)
"""10:14:26 in Hanoi."""

AREA = Area(id="ba-vi", name="Ba Vì", column=1, row=2)


def endpoint(point: str, name: str = "link", *, prober: str = "tcp", declared: bool = True) -> Endpoint:
    budgets = Budgets(latency=timedelta(seconds=1))
    return Endpoint(
        key=EndpointKey(point, name),
        name={"link": "Đường truyền", "portal": "Cổng một cửa"}.get(name, name),
        target=f"{point}.lienthong.example:7443",
        module=Module(name=prober, prober=prober, options=Options(), budgets=budgets),
        interval=timedelta(seconds=15),
        timeout=timedelta(seconds=3),
        retry_every=timedelta(seconds=1),
        down_after=3,
        up_after=2,
        link=name == "link",
        critical=True,
        declared=declared,
        fingerprint="f",
    )


def point(name: str = "Xã Minh Châu", *, kind: str = "ward", declared: bool = True, **values: object) -> Point:
    ident = str(values.pop("id", "xa-minh-chau"))
    area = values.pop("area", "ba-vi" if kind in ("ward", "branch") else "")
    made = Point(id=ident, name=name, kind=kind, endpoints=(endpoint(ident, declared=declared),), area=str(area))
    return replace(made, **values)  # type: ignore[arg-type]


def result(key: EndpointKey, *, reason: Reason = Reason.OK, latency: float = 0.02, **values: object) -> Result:
    made = Result(key=key, vantage="local", begun=NOW - timedelta(seconds=2), latency_seconds=latency, reason=reason)
    return replace(made, **values)  # type: ignore[arg-type]


def view(
    subject: Point | None = None,
    status: Status = Status.UP,
    *,
    since: timedelta = timedelta(minutes=12),
    reason: Reason = Reason.OK,
    phase: str = "",
    last: Sequence[Result] = (),
    **values: object,
) -> PointView:
    subject = subject or point()
    lasts = {each.key: each for each in last}
    at = NOW - since
    made = PointView(
        point=subject,
        status=status,
        since=at,
        reason=reason,
        failed_phase=phase,
        detail="",
        culprit="" if status is Status.UP else "link",
        not_before=None,
        stable=status is Status.UP,
        first_seen=False,
        never=False,
        endpoints=tuple(
            EndpointView(
                endpoint=each,
                status=status if status in (Status.UP, Status.DOWN, Status.DEGRADED) else Status.UNKNOWN,
                since=at,
                reason=reason,
                failed_phase=phase,
                detail="",
                suspect=False,
                last=lasts.get(each.key),
            )
            for each in subject.endpoints
        ),
    )
    return replace(made, **values)  # type: ignore[arg-type]


def down(subject: Point | None = None, **values: object) -> PointView:
    return view(subject, Status.DOWN, reason=Reason.TIMEOUT, phase="connect", **values)  # type: ignore[arg-type]


def config(*views: PointView) -> Config:
    return Config(areas=(AREA,), points=tuple(each.point for each in views))


def verdict(*views: PointView, started: timedelta = timedelta(hours=3), tone: str = "stable") -> Verdict:
    counted = [each for each in views if each.point.counted]
    counts = {
        name: sum(each.bucket == name for each in counted)
        for name in (
            "stable",
            "fresh",
            "down",
            "unreachable",
            "faulty",
            "flapping",
            "degraded",
            "unknown",
            "maintenance",
        )
    }
    return Verdict(
        total=len(counted),
        stable=counts["stable"],
        fresh=counts["fresh"],
        counts=counts,  # type: ignore[arg-type]
        troubled=tuple(each for each in views if each.point.declared and each.status is not Status.UP),
        services=tuple(each for each in views if each.point.kind == "service" and each.point.declared),
        infrastructure=tuple(each for each in views if each.point.kind in ("hub", "circuit") and each.point.declared),
        undeclared=tuple(each.point for each in views if not each.point.declared),
        started=NOW - started,
        tone=tone,  # type: ignore[arg-type]
    )


def service(name: str, ident: str, status: Status = Status.UP, **values: object) -> PointView:
    return view(point(name, kind="service", id=ident), status, **values)  # type: ignore[arg-type]


def transition(at: timedelta, status: Status, previous: Status, **values: object) -> Transition:
    made = Transition(
        key=EndpointKey("xa-minh-chau", ""), at=NOW - at, recorded_at=NOW - at, status=status, previous=previous
    )
    return replace(made, **values)  # type: ignore[arg-type]


def touched(name: str, status: Status = Status.DOWN, **values: object) -> Affected:
    made = Affected(
        point=name, since=NOW - timedelta(minutes=12), status=status, reason=Reason.TIMEOUT, failed_phase="connect",
        culprit="link",
    )  # fmt: skip
    return replace(made, **values)  # type: ignore[arg-type]


def incident(number: int, fault: Fault, *members: Affected, **values: object) -> Incident:
    began = NOW - timedelta(minutes=12)
    made = Incident(
        uid=f"u{number}", number=number, fault=fault, severity=Severity.CRITICAL, began=began, opened=began,
        affected={each.point: each for each in members},
    )  # fmt: skip
    return replace(made, **values)  # type: ignore[arg-type]


def setting(*views: PointView, words: Words | None = None, **values: object) -> Setting:
    seen = {each.point.id: each for each in views}
    made = Setting.of(config(*views), seen, words or Words("vi"), NOW, lambda words, evidence: str(evidence["said"]))
    return replace(made, **values)  # type: ignore[arg-type]


CONTACT = Contact(
    name="Đỗ Văn Long", phone="0900 000 283", provider="Nhà mạng A", provider_hotline="1800 1", circuit_id="TD-1"
)
HERE = Location(latitude=21.2, longitude=105.4)
