"""The words of the house: frozen values without I/O that every room above uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def record(kind: type[T]) -> type[T]:
    """A dataclass whose values are never altered. The type checker sees to it: Python's own guard costs three times
    what making a value does, and these are made with every result."""
    return dataclass(slots=True, kw_only=True)(kind)


class Outcome(StrEnum):
    """What one probe found. ``UNKNOWN`` means that *we* could not ask; it is never an outage."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why a result or a status is what it is: a closed set; texts for people are made from it in the web room."""

    OK = "ok"
    # The other side failed.
    TIMEOUT = "timeout"
    DNS = "dns"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    RESET = "reset"
    TLS = "tls"
    HTTP_STATUS = "http_status"
    CONTENT = "content"
    PROTOCOL = "protocol"
    # The other side answered, but a budget of the module is broken.
    LATENCY = "latency"
    LOSS = "loss"
    CERTIFICATE = "certificate"
    # We could not ask.
    RESOLVER = "resolver"
    RESOURCES = "resources"
    PERMISSION = "permission"
    STALLED = "stalled"
    STALE = "stale"
    INTERNAL = "internal"
    ISOLATED = "isolated"
    # Of a point, from its endpoints.
    REDUNDANCY = "redundancy"
    # The configuration closed this part of the history.
    CONFIG = "config"

    @property
    def outcome(self) -> Outcome:
        """The outcome of a result that carries this reason."""
        return _OUTCOMES[self]


BUDGET_REASONS = frozenset({Reason.LATENCY, Reason.LOSS, Reason.CERTIFICATE})
OUR_REASONS = frozenset(
    {
        Reason.RESOLVER,
        Reason.RESOURCES,
        Reason.PERMISSION,
        Reason.STALLED,
        Reason.STALE,
        Reason.INTERNAL,
        Reason.ISOLATED,
        Reason.CONFIG,
    }
)
_OUTCOMES = {
    reason: Outcome.UP
    if reason is Reason.OK or reason in BUDGET_REASONS
    else Outcome.UNKNOWN
    if reason in OUR_REASONS
    else Outcome.DOWN
    for reason in Reason
}


class Status(StrEnum):
    """What we say of an endpoint or a point, worst first.

    An endpoint is ``DOWN``, ``DEGRADED``, ``UNKNOWN`` or ``UP``. ``UNOBSERVED`` is never current: it closes a part of
    the history (a removed point, a changed address) and is what the ledger calls time in which nobody looked.
    """

    DOWN = "down"
    UNREACHABLE = "unreachable"
    FAULTY = "faulty"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"
    UP = "up"
    UNOBSERVED = "unobserved"


class EndpointKey(NamedTuple):
    """Identity of an endpoint. A point itself is ``EndpointKey(point, "")`` where both are meant."""

    point: str
    endpoint: str

    @property
    def is_point(self) -> bool:
        return not self.endpoint


@record
class Result:
    """What one probe found.

    ``latency_seconds`` is the whole probe's elapsed time. ``phases`` are seconds by phase name, ``failed_phase`` the
    phase under way when it failed ("" if it did not). ``facts`` are numbers by metric name: blackbox_exporter's (with
    labels in braces where it has them) or ours under ``lienthong_probe_``. ``lagged`` says that the event loop lagged
    meanwhile, so that the times are not to be trusted.
    """

    key: EndpointKey
    vantage: str
    begun: datetime
    latency_seconds: float
    reason: Reason
    failed_phase: str = ""
    detail: str = ""
    address: str = ""
    phases: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, float] = field(default_factory=dict)
    lagged: bool = False

    @property
    def outcome(self) -> Outcome:
        return self.reason.outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A change of status: a stored row, never altered.

    From ``at`` on the subject (an endpoint, or a point when ``key.endpoint`` is "") has ``status``. ``at`` is the
    begin of the first probe that showed it, so it lies before ``recorded_at``, when it was decided. A row recorded
    later overrules earlier rows of the same subject from its ``at`` on. When the change fell into a time in which
    nobody looked, ``not_before`` is that time's begin: it happened between the two. ``culprit`` is the endpoint that
    a point's status comes from; ``fault`` is a :class:`Fault` as text, "" where that lies in the point itself.
    ``first`` marks the first status that was ever seen.
    """

    key: EndpointKey
    at: datetime
    recorded_at: datetime
    status: Status
    previous: Status
    reason: Reason = Reason.OK
    failed_phase: str = ""
    detail: str = ""
    culprit: str = ""
    fault: str = ""
    not_before: datetime | None = None
    first: bool = False


class Flag(StrEnum):
    """What may be said of a point beside its status."""

    MAINTENANCE = "maintenance"
    FLAPPING = "flapping"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagChange:
    """From ``at`` on a point has the flag, or has it no more: a stored row, never altered.

    ``key.endpoint`` is "". A row recorded later overrules earlier rows of the same point and flag from its ``at`` on.
    ``source`` says why: the id of the maintenance window; "" for flapping.
    """

    key: EndpointKey
    flag: Flag
    on: bool
    at: datetime
    recorded_at: datetime
    source: str = ""


Row = Transition | FlagChange
"""What the board decides and the ledger counts by."""


class FaultKind(StrEnum):
    """Where a fault lies."""

    POINT = "point"
    """In the point itself, or in a point that others depend on; the subject is its id."""
    LABEL = "label"
    """In what the points under one value of a label share; the subject is ``label=value``, such as ``provider=VNPT``.
    The label ``endpoint`` stands for endpoints of one name, such as ``endpoint=exchange``."""
    NETWORK = "network"
    """Nearly all points fail while the anchors answer."""
    VANTAGE = "vantage"
    """The monitor's own network is gone: all anchors fail."""
    MONITOR = "monitor"
    """The monitor cannot ask; the subject is a reason of ours, such as ``resolver``."""
    NEVER = "never"
    """Points that were never seen up; the subject is the number of the incident that gathers them."""


class Fault(NamedTuple):
    """Whose fault it is. As text ``kind:subject``: ``point:circuit-1``, ``label:provider=VNPT``, ``vantage:``."""

    kind: FaultKind
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.subject}"

    @classmethod
    def parse(cls, text: str) -> Fault:
        """The inverse of ``str``. Raises ValueError for what is no fault."""
        kind, _, subject = text.partition(":")
        return cls(FaultKind(kind), subject)


@dataclass(frozen=True, slots=True)
class Observation:
    """A time in which a vantage's program ran: everything outside these is unobserved."""

    vantage: str
    begun: datetime
    ended: datetime


class StoredResult(NamedTuple):
    """What is kept of a :class:`Result`. ``latency_seconds`` is kept to the microsecond.

    A tuple, because a page asks for tens of thousands at once and a frozen dataclass takes four times as long to make.
    """

    begun: datetime
    reason: Reason
    latency_seconds: float
    vantage: str

    @property
    def outcome(self) -> Outcome:
        return self.reason.outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """What was true when the program last ran.

    ``statuses`` is the row in force of each subject (endpoints and points), ``flags`` that of each point and flag,
    ``fingerprints`` what each endpoint was when it was last registered. ``recent`` are each endpoint's last results,
    oldest first: enough to go on with a confirmation that was under way. ``last_alive`` is when the program was last
    known to run; None: it never did.
    """

    statuses: Mapping[EndpointKey, Transition] = field(default_factory=dict)
    flags: Mapping[tuple[str, Flag], FlagChange] = field(default_factory=dict)
    fingerprints: Mapping[EndpointKey, str] = field(default_factory=dict)
    recent: Mapping[EndpointKey, Sequence[StoredResult]] = field(default_factory=dict)
    last_alive: datetime | None = None


@dataclass(frozen=True, slots=True)
class History:
    """What the ledger reckons a subject's time from.

    ``transitions`` hold every row that has a say from the asked begin on, in the order of recording, so the row in
    force at the begin is among them. ``observations`` are those that touch the asked time, whole, in the order of
    their begins. ``flags`` are rows of its maintenance likewise.
    """

    transitions: Sequence[Transition] = ()
    observations: Sequence[Observation] = ()
    flags: Sequence[FlagChange] = ()
