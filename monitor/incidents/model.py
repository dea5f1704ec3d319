"""The words about incidents: their events, what is told of them, and what these add up to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from monitor.model import Fault, FlagChange, Reason, Status, Transition


class Severity(StrEnum):
    """How bad, worst first.

    ``CRITICAL``: points are cut off, or nobody can say. ``WARNING``: a service fails, or a point flaps. ``INFO``: worth
    a look in office hours.
    """

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class EventKind(StrEnum):
    """What happened to an incident. In brackets what ``data`` holds beside the event's own fields."""

    OPENED = "opened"
    """[number, fault, severity, began (ISO 8601)]"""
    JOINED = "joined"
    """A point is affected from ``at`` on. [status, reason, failed_phase, culprit; taken_from: the number of the
    incident that it was taken over from; took_over: the uid of that one when nothing is left of it; flapping: true when
    it flaps already]"""
    CHANGED = "changed"
    """An affected point's status changed. [status, reason, failed_phase, culprit]"""
    RELEASED = "released"
    """A point is affected no more from ``at`` on. [why: recovered | moved | removed | maintenance; to: the number of
    the incident that it moved to; not_before: ISO 8601 when nobody looked before ``at``]"""
    WORSENED = "worsened"
    """The severity rose. [severity]"""
    FLAPPING = "flapping"
    """A point began to flap."""
    STEADY = "steady"
    """It holds again. [status]"""
    EVIDENCE = "evidence"
    """What was found out at the opening. [evidence: see monitor.evidence]"""
    TOLD = "told"
    """A message was delivered. [message, what, channel, late_seconds]"""
    ACKNOWLEDGED = "acknowledged"
    """Somebody is on it: ``actor``. [ticket]"""
    NOTED = "noted"
    """``text`` by ``actor``."""
    SILENCED = "silenced"
    """No messages until [until: ISO 8601, or "" for until recovery; lifted: true ends it]."""
    SILENCED_ELSEWHERE = "silenced_elsewhere"
    """``actor`` silenced it at an Alertmanager, with the comment ``text``; our own messages go on. [channel, silence:
    its id there, until: ISO 8601; ended: true when it holds no more, with why: expired | lifted | unmatched]"""
    TOLD_ELSEWHERE = "told_elsewhere"
    """An Alertmanager told a receiver of its own, and posted to us that it did. [receiver, status: firing | resolved,
    group: its labels by name, key: of receiver, group and alert, begins and ends (ISO 8601; "" while it lasts)]"""
    CLASSIFIED = "classified"
    """``actor`` said what it was. [resolution: power | cable | device | provider | configuration | other]"""
    TAKEN_OVER = "taken_over"
    """It turned out to be part of another incident, and ends here. [into: uid, number]"""
    RECOVERED = "recovered"
    """Its last point recovered at ``at``. [not_before: ISO 8601 when nobody looked meanwhile; why: as RELEASED]"""
    CLOSED = "closed"
    """It is over. [why: recovered | removed | configuration | maintenance]"""


RESOLUTIONS = ("power", "cable", "device", "provider", "configuration", "other")
"""What an operator may say that it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentEvent:
    """A stored row, never altered. ``id`` is unique (a UUID's hex) and makes writing it twice harmless.

    ``at`` is when it happened, ``recorded_at`` when it was decided. ``actor`` is "" for the program itself. ``data`` is
    JSON: strings, numbers, booleans, lists and objects of these.
    """

    id: str
    incident: str
    kind: EventKind
    at: datetime
    recorded_at: datetime
    point: str = ""
    actor: str = ""
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """A point in an incident, from ``since`` until ``until`` (None: still)."""

    point: str
    since: datetime
    status: Status
    reason: Reason
    failed_phase: str = ""
    culprit: str = ""
    until: datetime | None = None
    left: str = ""
    """Why it is affected no more: RELEASED's ``why``."""
    not_before: datetime | None = None
    """When nobody looked before ``until``: since when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """Who is on it since when, with the provider's ticket."""

    actor: str
    at: datetime
    ticket: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What an incident's events add up to.

    ``uid`` is its identity (a UUID's hex), ``number`` its name among people. ``began`` is the first failure's begin.
    ``affected`` holds every point that it ever touched, by id, in the order in which they joined. ``flapping`` holds
    the points that flap. ``silenced_until`` is datetime.max (UTC) for until recovery. ``told`` are the channels that
    were told.
    """

    uid: str
    number: int
    fault: Fault
    severity: Severity
    began: datetime
    opened: datetime
    affected: Mapping[str, Affected] = field(default_factory=dict)
    flapping: frozenset[str] = frozenset()
    evidence: Mapping[str, Any] | None = None
    acknowledged: Acknowledgement | None = None
    silenced_until: datetime | None = None
    told: frozenset[str] = frozenset()
    silences: Mapping[str, IncidentEvent] = field(default_factory=dict)
    """The silences in force at an Alertmanager, by their id there: the event that said so last."""
    relayed: Mapping[str, IncidentEvent] = field(default_factory=dict)
    """What Alertmanager told last, by TOLD_ELSEWHERE's ``key``."""
    recovered: datetime | None = None
    recovered_not_before: datetime | None = None
    closed: datetime | None = None
    closed_why: str = ""
    """CLOSED's ``why``, or "superseded" when another incident took it over."""
    resolution: str = ""
    into: str = ""
    """The uid of the incident that took it over."""
    took_over: tuple[str, ...] = ()
    """The uids of those that it took over."""

    @property
    def is_open(self) -> bool:
        return self.closed is None

    @property
    def troubled(self) -> tuple[Affected, ...]:
        """The points that are affected now."""
        return tuple(each for each in self.affected.values() if each.until is None)


class MessageKind(StrEnum):
    """What a message says."""

    OPENED = "opened"
    WORSENED = "worsened"
    FLAPPING = "flapping"
    STEADY = "steady"
    REMINDER = "reminder"
    ESCALATION = "escalation"
    RECOVERED = "recovered"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A row of the outbox: what one channel is to be told. Stored in one transaction with the event that it comes from.

    ``id`` (a UUID's hex) is the idempotency key. ``due_at`` is when it may leave at the earliest; messages of one
    ``channel`` and ``route`` that are due together leave as one digest. ``payload`` is JSON: what is needed to render
    it when nothing else is known any more.
    """

    id: str
    incident: str
    kind: MessageKind
    channel: str
    route: str
    created_at: datetime
    due_at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)


class DeliveryOutcome(StrEnum):
    """How an attempt ended."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """It will be tried again."""
    GIVEN_UP = "given_up"
    """It will not; the channel of last resort was told."""
    DROPPED = "dropped"
    """It needn't be sent any more: what it would say was told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An attempt to deliver a message: a stored row. ``text`` is what was said, ``detail`` why it failed."""

    message: str
    at: datetime
    outcome: DeliveryOutcome
    attempt: int
    detail: str = ""
    title: str = ""
    text: str = ""


Entry = Transition | FlagChange | IncidentEvent | Message | Delivery
"""What the journal keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is decided together, becomes durable in one transaction, and is then shown and told.

    Rows first, then the events that they cause, then what is to be told of these, then what came of telling.
    """

    rows: tuple[Transition | FlagChange, ...] = ()
    events: tuple[IncidentEvent, ...] = ()
    messages: tuple[Message, ...] = ()
    deliveries: tuple[Delivery, ...] = ()

    @property
    def entries(self) -> tuple[Entry, ...]:
        return (*self.rows, *self.events, *self.messages, *self.deliveries)

    @property
    def transitions(self) -> tuple[Transition, ...]:
        return tuple(row for row in self.rows if isinstance(row, Transition))

    def __bool__(self) -> bool:
        return bool(self.rows or self.events or self.messages or self.deliveries)
