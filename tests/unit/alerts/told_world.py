"""A small world of incidents for the herald: points, channels, routes, and a story that is told event by event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from monitor.alerts.herald import Herald
from monitor.channels.base import ChannelOptions
from monitor.config.model import Alerts, Area, ChannelSettings, Config, Contact, Point, Route
from monitor.incidents.fold import apply
from monitor.incidents.model import (
    Delivery,
    DeliveryOutcome,
    EventKind,
    Incident,
    IncidentEvent,
    Message,
    MessageKind,
    Severity,
)
from monitor.model import Fault, FaultKind

START = datetime(2026, 11, 16, 3, 0, tzinfo=UTC)
"""A Monday, 10:00 in Hanoi."""
OFFICE = "Mon-Fri 08:00-17:00"
NIGHT = datetime(2026, 11, 16, 15, 0, tzinfo=UTC)
"""22:00 in Hanoi."""


def point(identity: str, **more: Any) -> Point:
    kind = more.pop("kind", "ward")
    return Point(id=identity, name=identity.title(), kind=kind, endpoints=(), **more)


POINTS = (
    point("hub", kind="hub", hours="24/7"),
    point("circuit", kind="circuit", hours="24/7", labels={"provider": "VNPT"}),
    point("a", area="east", hours=OFFICE, labels={"provider": "VNPT"}, contact=Contact(name="An", provider="VNPT")),
    point("b", area="west", hours=OFFICE, labels={"provider": "Viettel"}, contact=Contact(name="Bo", provider="VNPT")),
    point("c", area="west", labels={"provider": "VNPT"}),
)


def channel(name: str, **more: Any) -> ChannelSettings:
    return ChannelSettings(name=name, kind=more.pop("kind", "inbox"), options=ChannelOptions(), **more)


def config(*routes: Route, channels: Sequence[ChannelSettings] = (), **alerts: Any) -> Config:
    """A configuration with these routes; without any, one that tells ``duty`` of everything."""
    routes = routes or (Route(name="all", channels=("duty",)),)
    names = ("duty", "boss", "night", "last")
    known = {name: channel(name) for name in names} | {each.name: each for each in channels}
    return Config(
        points=POINTS,
        areas=(Area(id="east", name="Đông", column=1, row=1), Area(id="west", name="Tây", column=2, row=1)),
        alerts=Alerts(url="https://wall.example", channels=known, routes=routes, **alerts),
    )


@dataclass(frozen=True)
class Letter:
    """A message of the outbox with what came of it."""

    message: Message
    deliveries: Sequence[Delivery] = ()


Told = tuple[str, int, str]
"""Kind, the incident's number, channel."""


@dataclass
class Story:
    """Incidents as they are decided, and a herald who hears of them."""

    config: Config = field(default_factory=config)
    standing: frozenset[str] = frozenset()
    incidents: dict[str, Incident] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    delivered: set[str] = field(default_factory=set)
    now: datetime = START

    def __post_init__(self) -> None:
        self._ids = count(1)
        self.herald = self._herald()

    def _herald(self) -> Herald:
        kinds = {self.config.alerts.channels[name].kind for name in self.standing}
        return Herald(
            self.config,
            incidents=self.incidents.get,
            make_id=lambda: f"m{next(self._ids)}",
            standing=kinds.__contains__,
        )

    def restart(self) -> None:
        """A new herald that knows what the outbox holds."""
        self.herald = self._herald()
        open_ones = [incident for incident in self.incidents.values() if incident.is_open]
        uids = {incident.uid for incident in open_ones}
        letters = [
            Letter(message, [self._delivery(message)] if message.id in self.delivered else [])
            for message in self.messages
            if message.incident in uids
        ]
        self.herald.resume(letters, self.now, open_incidents=open_ones)

    def _delivery(self, message: Message) -> Delivery:
        return Delivery(message=message.id, at=self.now, outcome=DeliveryOutcome.DELIVERED, attempt=1)

    def wait(self, **span: float) -> None:
        self.now += timedelta(**span)

    def event(
        self, uid: str, kind: EventKind, point: str = "", *, since: datetime | None = None, **data: Any
    ) -> IncidentEvent:
        """An event that the register has taken; ``since`` when it happened, if not now."""
        event = IncidentEvent(
            id=f"e{next(self._ids)}",
            incident=uid,
            kind=kind,
            at=since or self.now,
            recorded_at=self.now,
            point=point,
            actor="lan" if kind is EventKind.ACKNOWLEDGED else "",
            data=data,
        )
        self.incidents[uid] = apply(self.incidents.get(uid), event)
        return event

    def opened(
        self, uid: str, fault: str, *points: str, severity: str = "critical", since: datetime | None = None
    ) -> list[IncidentEvent]:
        """An incident of ``fault`` that touches ``points`` since then. ``uid`` ends with its number."""
        number = int("".join(filter(str.isdigit, uid)))
        data = {"number": number, "fault": fault, "severity": severity, "began": self.now.isoformat()}
        return [
            self.event(uid, EventKind.OPENED, **data),
            *(self.joined(uid, each, since=since) for each in points),
        ]

    def joined(self, uid: str, point: str, **more: Any) -> IncidentEvent:
        return self.event(uid, EventKind.JOINED, point, status="down", reason="timeout", **more)

    def closed(self, uid: str, why: str = "recovered") -> list[IncidentEvent]:
        """Its last point is released, and it is over."""
        released = [self.event(uid, EventKind.RELEASED, each.point, why=why) for each in self.incidents[uid].troubled]
        recovered = [self.event(uid, EventKind.RECOVERED)] if why == "recovered" else []
        return [*released, *recovered, self.event(uid, EventKind.CLOSED, why=why)]

    def taken_over(self, uid: str, into: str) -> IncidentEvent:
        return self.event(uid, EventKind.TAKEN_OVER, into=into, number=self.incidents[into].number)

    def tell(self, *events: IncidentEvent) -> list[Told]:
        """What the herald makes of it."""
        return self._keep(self.herald.tell(events, self.now))

    def age(self, **span: float) -> list[Told]:
        """What it makes of time alone."""
        self.wait(**span)
        return self._keep(self.herald.age(self.now))

    def deliver(self) -> None:
        """Everything so far arrives."""
        for message in self.messages:
            if message.id not in self.delivered and not message.payload.get("already_told"):
                self.delivered.add(message.id)
                if (incident := self.incidents.get(message.incident)) is not None and incident.is_open:
                    self.tell(self._told(message))

    def _told(self, message: Message) -> IncidentEvent:
        data = {"message": message.id, "what": message.kind.value, "channel": message.channel, "route": message.route}
        return self.event(message.incident, EventKind.TOLD, **data, late_seconds=0)

    def _keep(self, messages: Sequence[Message]) -> list[Told]:
        self.messages += messages
        return [self.line(message) for message in messages if is_said(message)]

    def line(self, message: Message) -> Told:
        return message.kind.value, self.incidents[message.incident].number, message.channel


def is_said(message: Message) -> bool:
    """Whether it is more than the heir of what was told before."""
    return "taken_from" not in message.payload or bool(message.payload.get("anew"))


def incident(**more: Any) -> Incident:
    """One by itself."""
    fault = Fault(FaultKind.POINT, "a")
    base = Incident(uid="i1", number=1, fault=fault, severity=Severity.CRITICAL, began=START, opened=START)
    return replace(base, **more)


def message(identity: str, **more: Any) -> Message:
    """One by itself, due at once."""
    values: Mapping[str, Any] = {
        "incident": "i1",
        "kind": MessageKind.OPENED,
        "channel": "duty",
        "route": "all",
        "created_at": START,
        "due_at": START,
        **more,
    }
    return Message(id=identity, **values)
