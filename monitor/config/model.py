"""The configuration as the rest of the house sees it: frozen, expanded, checked. Made by :mod:`monitor.config.load`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from monitor.calendar.model import Calendar, Window
from monitor.channels.base import ChannelOptions
from monitor.model import EndpointKey
from monitor.probes.base import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """Ours, beside blackbox_exporter's module: what makes a point degraded although its probe succeeds."""

    latency: timedelta | None = None
    loss_ratio: float | None = None
    certificate: timedelta | None = None
    """The time that every certificate of the chain must still be valid for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """How to probe. ``timeout`` is what the module file sets, None when it sets none."""

    name: str
    prober: str
    options: Options = field(repr=False)
    timeout: timedelta | None = None
    budgets: Budgets = Budgets()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address of a point with everything a probe of it needs. ``module`` has this endpoint's overrides applied."""

    key: EndpointKey
    name: str
    target: str
    module: Module
    interval: timedelta
    timeout: timedelta
    retry_every: timedelta
    down_after: int
    up_after: int
    link: bool
    critical: bool
    declared: bool
    """False: the host is still a placeholder, "chưa khai báo": not probed, not counted."""
    fingerprint: str
    """Changes when address or module change: health and history then start anew."""
    depends_on: tuple[Dependency, ...] = ()
    """What this endpoint needs beside its point's link: a shared platform, a name server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom to call."""

    name: str = ""
    phone: str = ""
    provider: str = ""
    provider_hotline: str = ""
    circuit_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """What a point needs: one point, or any of several (redundancy)."""

    any_of: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A cell of the wall's map, with the points that belong to it."""

    id: str
    name: str
    column: int
    row: int
    column_span: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A place or service that operators care about.

    ``kind`` is one of the file's kinds: ward, branch, hub, circuit, service, anchor. ``endpoints`` begins with the
    link. An anchor is a device on the monitor's own side of the hub: when all of them fail, the monitor is cut off.
    """

    id: str
    name: str
    kind: str
    endpoints: tuple[Endpoint, ...]
    code: str = ""
    unit_type: str = ""
    area: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    location: Location | None = None
    hours: str = ""
    depends_on: tuple[Dependency, ...] = ()
    contact: Contact = Contact()

    @property
    def declared(self) -> bool:
        """Whether any endpoint is probed."""
        return any(endpoint.declared for endpoint in self.endpoints)

    @property
    def counted(self) -> bool:
        """Whether it is one of the N of the verdict: a declared ward or branch."""
        return self.declared and self.kind in ("ward", "branch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """``tokens`` are bearer tokens for POST from elsewhere than loopback."""

    host: str = "127.0.0.1"
    port: int = 8080
    tokens: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """``url`` is SQLAlchemy's (may hold a password), ``spool`` the path of the spool's directory."""

    url: str = field(default="sqlite+aiosqlite:///var/monitor.db", repr=False)
    spool: Path = Path("var/spool")
    spool_bytes: int = 64 * 1024 * 1024
    keep_results: timedelta = timedelta(days=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Name resolution for probes: servers as (address, port); empty means the system's (resolv.conf)."""

    servers: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonFate:
    """When points are said to fail together: they share a value of one of ``labels`` ("area" is the point's area) and
    began to fail within ``window``."""

    labels: tuple[str, ...] = ("provider", "circuit", "exchange", "area")
    window: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flapping:
    """``enter`` changes within ``window`` make a point flap; it holds again with at most ``leave`` of them."""

    window: timedelta = timedelta(minutes=15)
    enter: int = 6
    leave: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Objectives:
    """What is promised of every point, as ratios of the observed time: the figures of SLA dashboards are held against
    them. They change no status and no uptime."""

    connectivity: float = 0.995
    service: float = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettings:
    """A channel by its name. ``kind`` is the channel file's word, ``options`` what that file declares, validated.

    ``form`` is the message's length. At most ``rate`` messages leave per ``rate_per``; what cannot be delivered within
    ``give_up_after`` goes to the last resort.
    """

    name: str
    kind: str
    options: ChannelOptions = field(repr=False)
    language: str = "vi"
    form: Literal["long", "short"] = "long"
    rate: int = 60
    rate_per: timedelta = timedelta(minutes=1)
    give_up_after: timedelta = timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """Whether an incident's label fits: ``values`` are those allowed, or ``pattern`` a whole-value RE2 expression.

    Labels of an incident: severity, fault (its kind), kind, point, area, and the labels of the points concerned; one
    that has several values (an incident of several areas) fits when any does. ``negated`` turns it round.
    """

    label: str
    values: tuple[str, ...] = ()
    pattern: str = ""
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Whom else to tell when nobody acknowledged within ``after``."""

    after: timedelta
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who is told of which incidents: the first route that fits, and on to the next with ``go_on``.

    ``when``: at any time, only within the calendar's office hours, or only outside them. ``group_wait``: the first
    message leaves at once, later ones within it form one digest. ``remind_every`` None: no reminders.
    """

    name: str
    channels: tuple[str, ...]
    match: tuple[Matcher, ...] = ()
    when: Literal["always", "office_hours", "outside_office_hours"] = "always"
    go_on: bool = False
    group_wait: timedelta = timedelta(seconds=30)
    remind_every: timedelta | None = timedelta(hours=4)
    escalate: tuple[Escalation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """``url`` is the wall's address as people reach it: messages link to it. ``last_resort`` names a channel or is "".

    ``never_after``: points that were never seen up are told of in one digest so long after the first.
    ``heartbeat_url`` is asked each ``heartbeat_every`` while the program is well: a dead man's switch.
    """

    url: str = ""
    channels: Mapping[str, ChannelSettings] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    last_resort: str = ""
    never_after: timedelta = timedelta(minutes=10)
    heartbeat_url: str = field(default="", repr=False)
    heartbeat_every: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole valid file.

    ``alerting`` says who tells people of incidents: the monitor through its routes, or Prometheus' rules.
    ``ca_file`` is trusted beside the system's authorities by every module that names no authority itself.
    ``document`` is the file as parsed, secrets masked, for /config.
    """

    vantage: str = "local"
    server: Server = Server()
    storage: Storage = Storage()
    resolution: Resolution = Resolution()
    ca_file: Path | None = None
    stable_after: timedelta = timedelta(minutes=5)
    calendar: Calendar = field(default_factory=Calendar)
    maintenance: tuple[Window, ...] = ()
    common_fate: CommonFate = CommonFate()
    flapping: Flapping = Flapping()
    objectives: Objectives = Objectives()
    alerting: Literal["monitor", "prometheus"] = "monitor"
    alerts: Alerts = Alerts()
    areas: tuple[Area, ...] = ()
    modules: Mapping[str, Module] = field(default_factory=dict)
    points: tuple[Point, ...] = ()
    document: Mapping[str, object] = field(default_factory=dict, repr=False)

    def needs(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        """By point id what the point itself needs: tuples of points of which any one will do."""
        return {point.id: tuple(need.any_of for need in point.depends_on) for point in self.points}

    def endpoints(self) -> Iterator[Endpoint]:
        """Every endpoint of every point, declared or not."""
        for point in self.points:
            yield from point.endpoints
