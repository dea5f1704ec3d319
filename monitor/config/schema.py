"""The file as it is written: one model a section. :mod:`monitor.config.model` is what the house gets from it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, create_model, model_validator

from monitor.channels.base import Channel
from monitor.config.fields import (
    Cell,
    Count,
    Duration,
    Flag,
    Host,
    Hours,
    Id,
    Latitude,
    Longitude,
    Name,
    Objective,
    Ratio,
    Text,
    Value,
    Words,
    whole,
)
from monitor.config.model import CommonFate, Flapping, Objectives
from monitor.config.schema_alerts import AlertsSection, alerts_schema
from monitor.config.schema_calendar import CalendarSection, WindowSection
from monitor.config.section import Section
from monitor.probes.base import Prober
from monitor.probes.types import ByteSize, GoDuration


class ServerSection(Section):
    """The web server."""

    listen: Text = Field(default="127.0.0.1:8080", description="address:port; 0.0.0.0:8080 opens it to the network")
    tokens: list[Text] = Field(default=[], description="bearer tokens for POST from elsewhere")
    token_file: Text | None = Field(default=None, description="a file with one token a line")


class StorageSection(Section):
    """Where results and transitions are kept."""

    url: Text = Field(
        default="sqlite+aiosqlite:///var/monitor.db",
        description="sqlite+aiosqlite:///PATH or postgresql+asyncpg://USER:${PASSWORD}@HOST/DATABASE",
    )
    url_file: Text | None = Field(default=None, description="a file that holds the url")
    password_file: Text | None = Field(default=None, description="a file that holds the password of the url's user")
    spool: Text = Field(default="var/spool", description="directory that takes what the database can't take")
    spool_size: ByteSize = Field(default=64 * 1024 * 1024, description="preallocated, base 2")
    keep_results: Duration = Field(default=timedelta(days=100))


class ResolutionSection(Section):
    """Name resolution for probes."""

    servers: list[Text] = Field(default=[], description="address or address:port; none: those of /etc/resolv.conf")


class ContactSection(Section):
    """Whom to call. What a point leaves out comes from its kind, then from defaults."""

    name: Text | None = None
    phone: Text | None = None
    provider: Text | None = None
    provider_hotline: Text | None = None
    circuit_id: Text | None = None


class PaceSection(Section):
    """How often, how patiently."""

    interval: Duration | None = None
    timeout: Duration | None = Field(default=None, description="none: the module's, else min(3s, interval / 4)")
    retry_every: Duration | None = Field(default=None, description="between the probes of a suspect endpoint")
    down_after: Count | None = Field(default=None, description="failures in a row that confirm an outage")
    up_after: Count | None = Field(default=None, description="successes in a row that confirm a recovery")


class DefaultsSection(PaceSection):
    """What holds unless a kind, a point or an endpoint says otherwise."""

    contact: ContactSection = ContactSection()
    hours: Hours | None = None


class BudgetsSection(Section):
    """Ours, beside blackbox_exporter's module: what makes a point degraded although its probe succeeds."""

    latency: Duration | None = Field(default=None, description="the whole probe")
    loss_ratio: Ratio | None = Field(default=None, description="of the pings of one icmp probe, 0 to 1")
    certificate: Duration | None = Field(default=None, description="every certificate must still be valid for as long")


def _one_or_any(value: object) -> object:
    return {"any_of": [value]} if isinstance(value, str) else value


class DependencySection(Section):
    """What a point needs: one id, or any of several."""

    any_of: list[Text] = Field(min_length=1)


Needs = list[Annotated[DependencySection, BeforeValidator(_one_or_any, json_schema_input_type=str | DependencySection)]]


class EndpointSection(PaceSection):
    """One address of a point. In a point it changes the kind's endpoint of that name, or adds one."""

    name: Text | None = None
    module: Text | None = None
    target: Text | None = Field(default=None, description="may hold {host}, {code}, {id} ... and every variable")
    link: Flag | None = Field(default=None, description="true for the one endpoint that the others lie behind")
    critical: Flag | None = None
    budgets: BudgetsSection | None = None
    options: dict[str, Any] | None = Field(default=None, description="changes to the section, {host} expanded")
    depends_on: Needs | None = Field(default=None, description="beside what its point needs; not at the link")


Kind = Literal["ward", "branch", "hub", "circuit", "service", "anchor"]
"""What the wall and the verdict know how to show."""


class KindSection(Section):
    """What the points of a kind have in common."""

    name: Text | None = None
    host: Host | None = None
    interval: Duration | None = None
    hours: Hours | None = None
    labels: dict[Name, Text] = Field(default={})
    variables: dict[Name, Value] = Field(default={})
    depends_on: Needs = Field(default=[])
    contact: ContactSection = ContactSection()
    endpoints: dict[Name, EndpointSection] = Field(default={})


class AreaSection(Section):
    """A cell of the wall's map; column 1 is west, row 1 is north."""

    id: Id
    name: Text
    column: Cell
    row: Cell
    column_span: Cell = 1


class LocationSection(Section):
    """Degrees, WGS 84."""

    latitude: Latitude
    longitude: Longitude


class PointSection(Section):
    """A place or service that operators care about."""

    id: Id
    name: Words
    kind: Text
    code: Text = Field(default="", description="official code, in quotes so that its zeros stay")
    unit_type: Text = ""
    area: Text = ""
    host: Host | None = None
    location: LocationSection | None = None
    hours: Hours | None = None
    labels: dict[Name, Text] = Field(default={})
    variables: dict[Name, Value] = Field(default={})
    depends_on: Needs | None = Field(default=None, description="in place of the kind's")
    contact: ContactSection = ContactSection()
    endpoints: dict[Name, EndpointSection | None] = Field(default={}, description="null switches one of the kind's off")


class CommonCauseSection(Section):
    """When points are said to fail together."""

    labels: list[Name] = Field(default=list(CommonFate().labels), description="area: the point's area")
    window: Duration = CommonFate().window


class FlappingSection(Section):
    """Too many changes in a sliding window."""

    window: Duration = Flapping().window
    enter: Annotated[int, Field(ge=2, le=1000), BeforeValidator(whole)] = Flapping().enter
    leave: Annotated[int, Field(ge=0, le=1000), BeforeValidator(whole)] = Flapping().leave

    @model_validator(mode="after")
    def _leaves_below(self) -> Self:
        if self.leave >= self.enter:
            raise ValueError(f"leave: {self.leave} is not less than enter: {self.enter}; write a smaller one")
        return self


class SloSection(Section):
    """What is promised of every point: parts of the observed time."""

    connectivity: Objective = Field(default=Objectives().connectivity, description="neither down nor unreachable")
    service: Objective = Field(default=Objectives().service, description="nor faulty")


class FileSection(Section):
    """The whole file but for its modules, whose sections belong to the probers."""

    vantage: Id = "local"
    server: ServerSection = ServerSection()
    storage: StorageSection = StorageSection()
    resolution: ResolutionSection = ResolutionSection()
    ca_file: Text | None = Field(default=None, description="trusted beside the system's authorities")
    stable_after: Duration = Field(default=timedelta(minutes=5))
    calendar: CalendarSection = CalendarSection()
    common_cause: CommonCauseSection = CommonCauseSection()
    flapping: FlappingSection = FlappingSection()
    slo: SloSection = SloSection()
    defaults: DefaultsSection = DefaultsSection()
    variables: dict[Name, Value] = Field(default={})
    kinds: dict[Kind, KindSection] = Field(default={})
    areas: list[AreaSection] = Field(default=[])
    points: list[PointSection] = Field(default=[])
    maintenance: list[WindowSection] = Field(default=[])
    alerting: Literal["monitor", "prometheus"] = Field(default="monitor", description="who tells people of incidents")
    alerts: AlertsSection = AlertsSection()


class ModuleSection(Section):
    """blackbox_exporter's module; ``budgets`` is ours."""

    prober: str
    timeout: GoDuration | None = None
    budgets: BudgetsSection | None = None


@cache
def module_schema(probers: frozenset[tuple[str, type[Prober]]]) -> type[ModuleSection]:
    """The module's model with a section for every prober, so that a new prober needs nothing here."""
    named: Mapping[str, type[Prober]] = dict(sorted(probers))
    fields: dict[str, Any] = {name: (prober.options | None, None) for name, prober in named.items()}
    fields["prober"] = (Literal[tuple(named)], Field(description="the protocol", examples=["http"]))
    return create_model("Module", __base__=ModuleSection, __doc__=ModuleSection.__doc__, **fields)


def file_schema(
    probers: frozenset[tuple[str, type[Prober]]], channels: frozenset[tuple[str, type[Channel]]]
) -> type[FileSection]:
    """The whole file's model, modules and channels included."""
    modules: Any = (dict[str, module_schema(probers)], {})  # type: ignore[misc]  # the type is made here
    alerts: Any = (alerts_schema(channels), AlertsSection())
    return create_model(
        "Inventory", __base__=FileSection, __doc__="The monitor's configuration.", modules=modules, alerts=alerts
    )
