"""What is still to be told of an incident, given what was told of it before. Pure.

Nothing here remembers: whatever was told is among the messages, so a restart that reads these goes on the same. Each
rule says what should have been told by now; what was is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from monitor.alerts.labels import concerned, labels_of
from monitor.alerts.routing import is_time, routes_for
from monitor.calendar.hours import is_open
from monitor.calendar.model import Calendar, Window
from monitor.calendar.windows import covers, in_force
from monitor.config.model import Alerts, Point
from monitor.incidents.model import Incident, Message, MessageKind, Severity
from monitor.model import Fault, FaultKind

_RANK = {severity.value: rank for rank, severity in enumerate(Severity)}
_MILDEST = len(_RANK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the rules stand on: the configuration, the windows in force or to come, the channels that keep alerts
    standing. ``quiet``: others tell of faults; only what was told before has its end told."""

    alerts: Alerts
    calendar: Calendar
    points: Mapping[str, Point]
    areas: Mapping[str, str]
    windows: Sequence[Window] = ()
    standing: frozenset[str] = frozenset()
    quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message to be. ``extra`` goes into its payload beside the incident's facts."""

    kind: MessageKind
    route: str
    channel: str
    extra: Mapping[str, Any] = field(default_factory=dict)


Sent = Sequence[Message]
"""The messages of one incident so far, delivered or not, in the order of their making."""


def due(incident: Incident, sent: Sent, *, news: bool, ground: Ground, now: datetime) -> list[Draft]:
    """What is to be told now. ``news``: more points may be affected than when it was last asked."""
    if incident.is_open and ground.quiet:
        return []
    found = _of_open(incident, sent, news, ground, now) if incident.is_open else _endings(incident, sent, ground)
    return [draft for draft in found if draft.channel in ground.alerts.channels]


def told(sent: Sent) -> dict[str, str]:
    """The channels that were told of it, with the route by which they were first."""
    routes: dict[str, str] = {}
    for message in sent:
        routes.setdefault(message.channel, message.route)
    return routes


def first_told(sent: Sent) -> datetime:
    """When the first of ``sent`` was made, or the first of what it goes on from in an incident that was taken over."""
    return min(_first_at(message) for message in sent)


def _first_at(message: Message) -> datetime:
    text = message.payload.get("first_at")
    return datetime.fromisoformat(text) if text else message.created_at


def says_it_all(olds: Sequence[Incident], into: Incident) -> bool:
    """Whether who was told of ``olds`` knows what there is to say of ``into``, which took them over: every point of it
    failed in them no later than in there. The fault's own point is what is behind them, and needn't be among them."""
    others = [each for each in into.troubled if into.fault != Fault(FaultKind.POINT, each.point)]
    return bool(olds) and all(
        any(each.point in old.affected and each.since <= old.affected[each.point].since for old in olds)
        for each in others
    )


def flapped_last(sent: Sent, channel: str) -> bool:
    """Whether the channel knows of it as flapping."""
    return channel in _told_of_flapping(sent)


def _of_open(incident: Incident, sent: Sent, news: bool, ground: Ground, now: datetime) -> Iterator[Draft]:
    flaps = _flaps(incident)
    if not flaps:
        yield from _steady(sent)
    if not is_called_for(incident, ground, now):
        return
    if flaps:
        yield from _flapping(incident, sent, ground, now)
        return
    worse = _told_of_less(incident, sent)
    if news or worse or not sent:
        yield from _untold(incident, sent, MessageKind.OPENED, ground, now)
    steadied = {draft.channel for draft in _steady(sent)}
    routes = told(sent)
    yield from (
        Draft(kind=MessageKind.WORSENED, route=routes[channel], channel=channel)
        for channel in worse
        if channel not in steadied
    )
    if _wants_nagging(incident, ground, now):
        yield from _reminders(sent, ground, now)
        yield from _escalations(sent, ground, now)


def is_called_for(incident: Incident, ground: Ground, now: datetime) -> bool:
    """Whether anybody is to be called: it is not silenced, and the fault's point or one that it touches is open."""
    return not is_silenced(incident, now) and is_in_hours(incident, ground, now)


def is_silenced(incident: Incident, now: datetime) -> bool:
    """Whether an operator wants no messages of it now."""
    return incident.silenced_until is not None and now < incident.silenced_until


def is_in_hours(incident: Incident, ground: Ground, now: datetime) -> bool:
    """Whether the fault's own point or any troubled one is open; what is not known any more never closes."""
    ids = [each.point for each in incident.troubled]
    if incident.fault.kind is FaultKind.POINT:
        ids.append(incident.fault.subject)
    hours = {ground.points[point].hours for point in ids if point in ground.points}
    return not hours or any(is_open(each, now, ground.calendar) for each in hours)


def _flaps(incident: Incident) -> bool:
    """Whether flapping is what there is to say: the fault's own point flaps, or nothing is troubled that doesn't."""
    if not incident.flapping:
        return False
    if incident.fault.kind is FaultKind.POINT and incident.fault.subject in incident.flapping:
        return True
    return all(each.point in incident.flapping for each in incident.troubled)


def _flapping(incident: Incident, sent: Sent, ground: Ground, now: datetime) -> Iterator[Draft]:
    if _told_of_flapping(sent):
        return
    for channel, route in told(sent).items():
        yield Draft(kind=MessageKind.FLAPPING, route=route, channel=channel)
    yield from _untold(incident, sent, MessageKind.FLAPPING, ground, now)


def _told_of_flapping(sent: Sent) -> dict[str, str]:
    """The channels that were told that it flaps and not yet that it holds, with their routes."""
    flapping: dict[str, str] = {}
    for message in sent:
        if message.kind is MessageKind.FLAPPING:
            flapping[message.channel] = message.route
        elif message.kind is MessageKind.STEADY:
            flapping.pop(message.channel, None)
    return flapping


def _steady(sent: Sent) -> list[Draft]:
    flapping = _told_of_flapping(sent).items()
    return [Draft(kind=MessageKind.STEADY, route=route, channel=channel) for channel, route in flapping]


def _untold(incident: Incident, sent: Sent, kind: MessageKind, ground: Ground, now: datetime) -> Iterator[Draft]:
    """To each channel of the routes that fit now, once, unless it was told before by whatever route."""
    seen = set(told(sent))
    for route, _ in routes_for(ground.alerts, labels_of(incident, ground.points), now, ground.calendar):
        for channel in route.channels:
            if channel not in seen:
                seen.add(channel)
                yield Draft(kind=kind, route=route.name, channel=channel)


def _told_of_less(incident: Incident, sent: Sent) -> list[str]:
    """The channels that know it only as less severe than it is."""
    known: dict[str, int] = {}
    for message in sent:
        rank = _RANK.get(message.payload.get("severity", ""), _MILDEST)
        known[message.channel] = min(rank, known.get(message.channel, _MILDEST))
    return [channel for channel, rank in known.items() if rank > _RANK[incident.severity.value]]


def _wants_nagging(incident: Incident, ground: Ground, now: datetime) -> bool:
    """Whether reminders and escalation make sense: nobody is on it, and its points aren't under maintenance."""
    if incident.acknowledged is not None or incident.fault.kind is FaultKind.NEVER:
        return False
    points = concerned(incident, ground.points)
    return not points or not all(_in_maintenance(point, ground.windows, now) for point in points)


def _in_maintenance(point: Point, windows: Sequence[Window], now: datetime) -> bool:
    return any(covers(window, point) and in_force(window, now) for window in windows)


def _reminders(sent: Sent, ground: Ground, now: datetime) -> Iterator[Draft]:
    routes = told(sent)
    for route in ground.alerts.routes:
        if route.remind_every is None or not is_time(route, now, ground.calendar):
            continue
        for channel in route.channels:
            if routes.get(channel) != route.name:
                continue
            mine = [message for message in sent if message.channel == channel]
            if now - max(message.created_at for message in mine) >= route.remind_every:
                nth = 1 + sum(message.kind is MessageKind.REMINDER for message in mine)
                yield Draft(kind=MessageKind.REMINDER, route=route.name, channel=channel, extra={"nth": nth})


def _escalations(sent: Sent, ground: Ground, now: datetime) -> Iterator[Draft]:
    seen = set(told(sent))
    for route in ground.alerts.routes:
        mine = [message for message in sent if message.route == route.name]
        if not mine:
            continue
        for step in route.escalate:
            if now - first_told(mine) < step.after:
                continue
            for channel in step.channels:
                if channel not in seen:
                    seen.add(channel)
                    extra = {"after_seconds": step.after.total_seconds()}
                    yield Draft(kind=MessageKind.ESCALATION, route=route.name, channel=channel, extra=extra)


def _endings(incident: Incident, sent: Sent, ground: Ground) -> Iterator[Draft]:
    """Recovery to whoever was told. That flapping is over says as much. What ends without a recovery is only taken
    down where alerts stand."""
    recovered = incident.closed_why == "recovered"
    flapping = _told_of_flapping(sent)
    ended = {message.channel for message in sent if message.kind is MessageKind.RECOVERED}
    for channel, route in told(sent).items():
        if channel in ended:
            continue
        if channel in ground.standing:
            yield Draft(kind=MessageKind.RECOVERED, route=route, channel=channel, extra=_end(incident))
        elif recovered:
            kind = MessageKind.STEADY if channel in flapping else MessageKind.RECOVERED
            yield Draft(kind=kind, route=route, channel=channel)


def _end(incident: Incident) -> dict[str, str]:
    ended = incident.recovered or incident.closed
    return {"recovered": ended.astimezone(UTC).isoformat(), "why": incident.closed_why} if ended else {}
