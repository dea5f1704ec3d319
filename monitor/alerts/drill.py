"""A fault that is only imagined: who would be told of it, and a message marked as a test."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import aiohttp

from monitor.alerts.desk import derived
from monitor.alerts.facts import facts
from monitor.alerts.labels import labels_of
from monitor.alerts.rendering import Renderer
from monitor.alerts.routing import Judgement, judge
from monitor.alerts.telling import Ground
from monitor.channels import find_channels
from monitor.channels.base import Channel, Tools, Undelivered, attempt_seconds
from monitor.config.model import Config, Point
from monitor.incidents.model import Affected, Incident, MessageKind, Severity
from monitor.model import Fault, FaultKind, Reason, Status

ATTEMPT = timedelta(seconds=10)

_STATUSES = {
    FaultKind.POINT: Status.UNREACHABLE,
    FaultKind.LABEL: Status.UNREACHABLE,
    FaultKind.NETWORK: Status.UNREACHABLE,
    FaultKind.VANTAGE: Status.UNKNOWN,
    FaultKind.MONITOR: Status.UNKNOWN,
    FaultKind.NEVER: Status.DOWN,
}
"""What the points that it touches are; the fault's own point is down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """An imagined incident at a time, and what each route would do about it."""

    incident: Incident
    at: datetime
    judgements: Sequence[Judgement]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What came of a test message; ``why`` is "" when it arrived."""

    channel: str
    why: str = ""


def stand(config: Config) -> Ground:
    """What the herald's rules stand on."""
    return Ground(
        alerts=config.alerts,
        calendar=config.calendar,
        points={point.id: point for point in config.points},
        areas={area.id: area.name for area in config.areas},
        windows=config.maintenance,
    )


def trial(config: Config, fault: Fault, severity: Severity, at: datetime) -> Trial:
    """Imagine ``fault`` at ``at``: every point that it would touch is down."""
    affected = {point.id: _affected(point, fault, at) for point in config.points if _touches(fault, point)}
    incident = Incident(
        uid=derived("drill", str(fault)),
        number=0,
        fault=fault,
        severity=severity,
        began=at,
        opened=at,
        affected=affected,
    )
    labels = labels_of(incident, {point.id: point for point in config.points})
    return Trial(incident=incident, at=at, judgements=judge(config.alerts, labels, at, config.calendar))


def _touches(fault: Fault, point: Point) -> bool:
    if fault.kind is FaultKind.POINT:
        needs = {name for dependency in point.depends_on for name in dependency.any_of if len(dependency.any_of) == 1}
        return point.id == fault.subject or fault.subject in needs
    if fault.kind in (FaultKind.VANTAGE, FaultKind.MONITOR):
        return point.declared and point.kind != "anchor"
    if fault.kind is not FaultKind.LABEL:
        return point.counted
    label, _, value = fault.subject.partition("=")
    if label == "endpoint":
        return any(endpoint.key.endpoint == value for endpoint in point.endpoints)
    return value == (point.area if label == "area" else point.labels.get(label))


def _affected(point: Point, fault: Fault, at: datetime) -> Affected:
    own = fault == (FaultKind.POINT, point.id)
    status = Status.DOWN if own else _STATUSES[fault.kind]
    if fault.subject.startswith("endpoint="):
        status = Status.FAULTY
    reason = Reason.ISOLATED if fault.kind is FaultKind.VANTAGE else Reason.TIMEOUT
    return Affected(point=point.id, since=at, status=status, reason=reason, failed_phase="connect")


def parts_of(config: Config, imagined: Trial, kind: MessageKind) -> list[Mapping[str, Any]]:
    """What a message about it is made of."""
    ground = stand(config)
    known = facts(imagined.incident, ground.points, ground.areas, url="", now=imagined.at)
    # So that whoever routes and inhibits by labels can tell it from the real one.
    marks = {"test": "true"} if kind is MessageKind.TEST else {}
    return [{**known, "kind": kind.value, "labels": {**known["labels"], **marks}}]


async def deliver(config: Config, imagined: Trial, channels: Sequence[str]) -> list[Delivered]:
    """Send a message marked as a test through each of ``channels``, once, and say what came of it."""
    async with aiohttp.ClientSession(trust_env=True) as session:
        tools = Tools(session=session)
        return list(await asyncio.gather(*(_deliver(config, imagined, name, tools) for name in channels)))


async def _deliver(config: Config, imagined: Trial, name: str, tools: Tools) -> Delivered:
    settings = config.alerts.channels[name]
    kind: type[Channel] = find_channels()[settings.kind]
    channel = kind(settings.options, tools=tools)  # type: ignore[call-arg]  # the constructor of the contract
    renderer = Renderer(settings.language, config.alerts.url)
    envelope = renderer.envelope(
        derived("drill", name, imagined.at.isoformat()),
        parts_of(config, imagined, MessageKind.TEST),
        form=settings.form,
        digest=False,
    )
    seconds = attempt_seconds(channel, ATTEMPT)
    try:
        async with asyncio.timeout(seconds):
            await channel.send(envelope)
    except Undelivered as error:
        return Delivered(channel=name, why=str(error))
    except TimeoutError:
        return Delivered(channel=name, why=f"no answer within {seconds:g} s")
    return Delivered(channel=name)
