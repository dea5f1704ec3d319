"""The receiver that an Alertmanager's webhook is pointed at: what it told shows in the incidents' timelines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from monitor.alerts.relaying import Relayed, is_of, pick, told
from monitor.incidents.model import Incident, IncidentEvent
from monitor.web.access import Scope
from monitor.web.documents import Document
from monitor.web.incidents_api import SET_BACK, find_incident
from monitor.web.keys import ACCESS, CLOCK, INCIDENTS, RECORD
from monitor.web.middleware import RequestProblem
from monitor.web.operations import Body, answer, read_body
from monitor.web.reading import incidents_of

LARGEST_BYTES = 2 * 1024 * 1024
"""A group of a thousand alerts; `max_alerts` of the webhook keeps it smaller."""

LOOKED_BACK = 20
"""So many incidents are looked through for the begin of what has ended."""

Name = Annotated[str, Field(max_length=500)]
Labels = dict[Name, Annotated[str, Field(max_length=4000)]]


class PostedAlert(BaseModel):
    """An alert as Alertmanager posts it. ``endsAt`` says something only of one that is resolved."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    status: Literal["firing", "resolved"]
    labels: Labels
    begins: AwareDatetime = Field(alias="startsAt")
    ends: AwareDatetime = Field(alias="endsAt")
    fingerprint: Name = ""


class PostedGroup(Body):
    """Alertmanager's webhook, version 4. What isn't needed of it, or is newer than this, is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    receiver: Name
    status: Literal["firing", "resolved"]
    group_key: Annotated[str, Field(alias="groupKey", max_length=20_000)] = ""
    group: Annotated[Labels, Field(alias="groupLabels")] = Field(default_factory=dict)
    alerts: Annotated[list[PostedAlert], Field(max_length=2000)]

    def relayed(self) -> Iterator[Relayed]:
        """Its alerts one by one."""
        for each in self.alerts:
            yield Relayed(
                receiver=self.receiver,
                group_key=self.group_key,
                group=self.group,
                fingerprint=each.fingerprint,
                labels=each.labels,
                status=each.status,
                begins=each.begins,
                ends=each.ends if each.status == "resolved" else None,
            )


class RelayAnswer(Document):
    """How many alerts went into a timeline, said what stood there already, or are of no incident that we know."""

    recorded: int
    repeated: int
    unknown: int


async def relay(request: web.Request) -> web.Response:
    """POST /api/v1/alertmanager."""
    access = request.app[ACCESS]
    caller = await access.admit(request, Scope.OPERATE, act="alertmanager")
    group = await read_body(request.clone(client_max_size=LARGEST_BYTES), PostedGroup)
    events: dict[str, IncidentEvent] = {}
    numbers: dict[int, None] = {}
    known: dict[int, Incident | None] = {}
    repeated = unknown = 0
    now = request.app[CLOCK]()
    for alert in group.relayed():
        incident = await _ours(request, alert, known) if alert.number is not None else await _theirs(request, alert)
        if incident is None:
            unknown += 1
            continue
        event = told(alert, incident, now=now)
        if event is None or event.id in events:
            repeated += 1
            continue
        events[event.id] = event
        numbers[incident.number] = None
    if events:
        request.app[RECORD].record(events=list(events.values()))
        await request.app[RECORD].settled()
        for number in numbers:
            await access.note(caller, "alertmanager", f"incident/{number}", f"{group.receiver}: {group.status}")
    return answer(RelayAnswer(recorded=len(events), repeated=repeated, unknown=unknown))


async def _ours(request: web.Request, alert: Relayed, known: dict[int, Incident | None]) -> Incident | None:
    """The incident that one of our own alerts names. ``known`` are those that were looked up already."""
    number = alert.number or 0
    if number not in known:
        try:
            known[number] = await find_incident(request, number)
        except RequestProblem:
            known[number] = None
    incident = known[number]
    return incident if incident is not None and is_of(alert.labels, incident) else None


async def _theirs(request: web.Request, alert: Relayed) -> Incident | None:
    """That of an alert of Prometheus' own rules. It often ends when the incident is over: then the store knows it."""
    found = pick(alert, request.app[INCIDENTS].open())
    if found is not None or alert.status == "firing":
        return found
    end = request.app[CLOCK]() + SET_BACK
    stored, _ = await incidents_of(
        request.app, min(alert.begins, end), end, state="all", point=alert.labels.get("point"), limit=LOOKED_BACK
    )
    return pick(alert, stored)
