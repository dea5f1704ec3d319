"""The receiver that an Alertmanager's webhook is pointed at: what it told shows in the incidents' timelines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from monitor.alerts.relaying import Relayed, concerns, told
from monitor.incidents.model import Incident, IncidentEvent
from monitor.web.access import Scope
from monitor.web.documents import Document
from monitor.web.incidents_api import find_incident
from monitor.web.keys import ACCESS, CLOCK, INCIDENTS, RECORD
from monitor.web.middleware import RequestProblem
from monitor.web.operations import Body, answer, read_body

LARGEST_BYTES = 2 * 1024 * 1024
"""A group of a thousand alerts; `max_alerts` of the webhook keeps it smaller."""

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
    known: dict[str, Incident | None] = {}
    repeated = unknown = 0
    now = request.app[CLOCK]()
    for alert in group.relayed():
        if alert.subject not in known:
            known[alert.subject] = await _incident(request, alert)
        incident = known[alert.subject]
        if incident is None or not concerns(alert, incident):
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


async def _incident(request: web.Request, alert: Relayed) -> Incident | None:
    """By its number; an alert of somebody else's rule by the point that it names, as long as that is in trouble."""
    if alert.number is None:
        return request.app[INCIDENTS].of_point(alert.labels.get("point", ""))
    try:
        return await find_incident(request, alert.number)
    except RequestProblem:
        return None
