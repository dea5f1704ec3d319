"""The operations on incidents. See :mod:`monitor.web.routes`."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp.typedefs import Handler

from monitor.web import acts, incident_records, incidents_api, relay_api
from monitor.web.access import Scope
from monitor.web.operations import Body, Operation

NO_INCIDENT = {HTTPStatus.NOT_FOUND: "there is no such incident"}
CLOSED = {**NO_INCIDENT, HTTPStatus.CONFLICT: "it is closed"}


def operations() -> tuple[Operation, ...]:
    """Which there are, what was told of them, and what operators do to them."""
    return (
        Operation(
            method="GET",
            path="/api/v1/incidents",
            name="listIncidents",
            handler=incidents_api.incidents,
            summary="Incidents, newest first, page by page",
            description="Open ones unless `state` says otherwise; those that lasted at some time of [`from`, `to`).",
            query=incidents_api.IncidentsQuery,
            answer=incident_records.IncidentList,
        ),
        Operation(
            method="GET",
            path="/api/v1/incidents/{number}",
            name="getIncident",
            handler=incidents_api.incident,
            summary="An incident with its points, events, evidence and messages",
            answer=incident_records.IncidentDocument,
            refusals=NO_INCIDENT,
        ),
        *_acts(),
        Operation(
            method="GET",
            path="/api/v1/messages",
            name="listMessages",
            handler=incidents_api.messages,
            summary="What was told to whom, or waits to be told; newest first, page by page",
            query=incidents_api.MessagesQuery,
            answer=incident_records.MessagePage,
            refusals=NO_INCIDENT,
        ),
        Operation(
            method="POST",
            path="/api/v1/alertmanager",
            name="relayDelivery",
            handler=relay_api.relay,
            summary="Say what an Alertmanager told a receiver of its own: for its webhook_configs",
            description="It goes into the timeline of the incident that each alert's label `incident` names; without "
            "one, of the open one that its `point` is troubled in, or whose fault is of the kind that `fault` says. "
            "The same again changes nothing. Answers when it is durable and shown.",
            body=relay_api.PostedGroup,
            answer=relay_api.RelayAnswer,
            refusals={HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "it is larger than 2 MiB"},
            scope=Scope.OPERATE,
        ),
    )


def _acts() -> tuple[Operation, ...]:
    return (
        _act(
            "acknowledge",
            acts.acknowledge,
            acts.Acknowledge,
            "Say that somebody is on it",
            "Escalation stops. The same again changes nothing; another ticket or name replaces the one before.",
        ),
        _act("note", acts.note, acts.Note, "Leave a remark", "Of a closed incident too.", closed_too=True),
        _act(
            "close",
            acts.close,
            acts.Close,
            "Say what it was",
            "The incident itself ends when its points recover, not by this; a closed one can be classified too.",
            closed_too=True,
        ),
        _act(
            "silence",
            acts.silence,
            acts.Silence,
            "Send no messages for a while, or send them again",
            "Give one of `until`, `until_recovery` and `lift`.",
        ),
    )


def _act(
    name: str, handler: Handler, body: type[Body], summary: str, description: str, *, closed_too: bool = False
) -> Operation:
    return Operation(
        method="POST",
        path=f"/api/v1/incidents/{{number}}/{name}",
        name=f"{name}Incident",
        handler=handler,
        summary=summary,
        description=f"{description} Answers when the act is durable and shown.",
        body=body,
        answer=incident_records.ActAnswer,
        refusals=NO_INCIDENT if closed_too else CLOSED,
        scope=Scope.OPERATE,
    )
