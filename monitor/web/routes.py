"""The table of operations: every route that programs use, with its words for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus

from aiohttp import web

from monitor.web import (
    api,
    audit_api,
    discovery_api,
    documents,
    incident_records,
    incident_routes,
    maintenance_routes,
    openapi,
    operator_records,
    past,
    records,
    system,
)
from monitor.web.access import Scope
from monitor.web.operations import Operation, json_answer
from monitor.web.stream import stream

NO_POINT = {HTTPStatus.NOT_FOUND: "there is no such point"}
EVENTS: Mapping[str, type[documents.Document]] = {
    "snapshot": incident_records.Snapshot,
    "status": documents.StatusChange,
    "transition": records.TransitionDocument,
    "incident": incident_records.IncidentSummary,
    "beat": documents.Beat,
}


async def describe(request: web.Request) -> web.Response:
    """GET /api/v1/openapi.json."""
    return json_answer(_document())


@cache
def _document() -> openapi.Schema:
    return openapi.document(operations(), EVENTS)


@cache
def operations() -> tuple[Operation, ...]:
    """Every operation."""
    return (
        *_present(),
        *_past(),
        *_ledger(),
        *incident_routes.operations(),
        *maintenance_routes.operations(),
        *_words(),
        *_program(),
        *_administration(),
    )


def _present() -> tuple[Operation, ...]:
    """What is true now."""
    return (
        Operation(
            method="GET",
            path="/api/v1/points",
            name="listPoints",
            handler=api.points,
            summary="The points and their statuses, in the configuration's order",
            query=api.PointsQuery,
            answer=documents.PointList,
        ),
        Operation(
            method="GET",
            path="/api/v1/points/{id}",
            name="getPoint",
            handler=api.point,
            summary="A point with its endpoints, their last results and phases",
            answer=documents.PointDocument,
            refusals=NO_POINT,
        ),
        Operation(
            method="GET",
            path="/api/v1/verdict",
            name="getVerdict",
            handler=api.verdict,
            summary="The verdict over all points",
            answer=documents.VerdictDocument,
        ),
    )


def _past() -> tuple[Operation, ...]:
    """What was found, and what changed."""
    return (
        Operation(
            method="GET",
            path="/api/v1/points/{id}/results",
            name="listResults",
            handler=past.results,
            summary="Results of one endpoint, oldest first: single ones, or buckets of a step",
            description="Single results for at most two days, buckets for at most a hundred days and 5000 buckets. "
            "Buckets begin at multiples of the step; those without results are left out.",
            query=past.ResultsQuery,
            answer=records.ResultSeries,
            refusals={HTTPStatus.NOT_FOUND: "there is no such point or endpoint"},
        ),
        Operation(
            method="GET",
            path="/api/v1/transitions",
            name="listTransitions",
            handler=past.transitions,
            summary="Changes of status, newest first, page by page",
            query=past.TransitionsQuery,
            answer=records.TransitionPage,
        ),
    )


def _ledger() -> tuple[Operation, ...]:
    """What that adds up to."""
    return (
        Operation(
            method="GET",
            path="/api/v1/points/{id}/uptime",
            name="getUptime",
            handler=past.uptimes,
            summary="Uptime by time of a point and of each of its endpoints",
            description="Over 1h, 24h, 7d and 30d up to now; over one window, `asked`, when `from` or `to` is given.",
            query=past.UptimeQuery,
            answer=records.UptimeAnswer,
            refusals=NO_POINT,
        ),
        Operation(
            method="GET",
            path="/api/v1/points/{id}/days",
            name="listDays",
            handler=past.days,
            summary="A point's calendar days, oldest first",
            query=past.DaysQuery,
            answer=records.DaysAnswer,
            refusals=NO_POINT,
        ),
    )


def _words() -> tuple[Operation, ...]:
    """What changes, and what this interface is."""
    return (
        Operation(
            method="GET",
            path="/api/v1/stream",
            name="listen",
            handler=stream,
            summary="What changes, as it changes (server-sent events)",
            description="Events: `snapshot` first (schema Snapshot), then `status` (StatusChange), `transition` "
            "(TransitionDocument), `incident` (IncidentSummary, also when it is closed) and every two seconds `beat` "
            "(Beat). After a broken connection connect again: the first event is a whole snapshot, whatever "
            "Last-Event-ID says.",
            content_type="text/event-stream",
            refusals={HTTPStatus.SERVICE_UNAVAILABLE: "too many pages listen"},
        ),
        Operation(
            method="GET",
            path="/api/v1/sd/blackbox",
            name="listTargets",
            handler=discovery_api.blackbox,
            summary="The endpoints as targets of blackbox_exporter, for Prometheus' http_sd_configs",
            description="`monitor inventory export --format blackbox` writes the modules that `__param_module` names.",
            answer=discovery_api.TargetGroups,
        ),
        Operation(
            method="GET",
            path="/api/v1/openapi.json",
            name="describe",
            handler=describe,
            summary="This document",
            content_type="application/json",
        ),
    )


def _program() -> tuple[Operation, ...]:
    """What Prometheus and init systems ask for."""
    return (
        Operation(
            method="GET",
            path="/metrics",
            name="metrics",
            handler=system.metrics,
            summary="Metrics in Prometheus' text format; docs/metrics.md lists them",
            content_type="text/plain",
        ),
        Operation(
            method="GET",
            path="/config",
            name="config",
            handler=system.config,
            summary="The running configuration as YAML, secrets masked",
            content_type="application/yaml",
        ),
        Operation(
            method="GET",
            path="/-/healthy",
            name="healthy",
            handler=system.healthy,
            summary="The program runs",
            content_type="text/plain",
        ),
        Operation(
            method="GET",
            path="/-/ready",
            name="ready",
            handler=system.ready,
            summary="The program has its history and probes",
            content_type="text/plain",
            refusals={HTTPStatus.SERVICE_UNAVAILABLE: "it is still starting"},
        ),
    )


def _administration() -> tuple[Operation, ...]:
    """What needs an administrator."""
    return (
        Operation(
            method="POST",
            path="/-/reload",
            name="reload",
            handler=system.reload,
            summary="Read the configuration again; empty when it is in force",
            content_type="text/plain",
            refusals={
                HTTPStatus.INTERNAL_SERVER_ERROR: "the file is bad; the answer says where, and nothing has changed",
            },
            scope=Scope.ADMIN,
        ),
        Operation(
            method="GET",
            path="/api/v1/audit",
            name="listAudit",
            handler=audit_api.audit,
            summary="Who did what, newest first, page by page",
            query=audit_api.AuditQuery,
            answer=operator_records.AuditPage,
            scope=Scope.ADMIN,
        ),
    )
