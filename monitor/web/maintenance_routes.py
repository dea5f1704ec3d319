"""The operations on planned work. See :mod:`monitor.web.routes`."""

from __future__ import annotations

from http import HTTPStatus

from monitor.web import maintenance_api, operator_records
from monitor.web.access import Scope
from monitor.web.operations import Operation


def operations() -> tuple[Operation, ...]:
    """List, plan, cancel."""
    return (
        Operation(
            method="GET",
            path="/api/v1/maintenance",
            name="listMaintenance",
            handler=maintenance_api.windows,
            summary="Maintenance windows with their next times, the configuration's too",
            query=maintenance_api.WindowsQuery,
            answer=operator_records.WindowList,
        ),
        Operation(
            method="POST",
            path="/api/v1/maintenance",
            name="planMaintenance",
            handler=maintenance_api.create,
            summary="Plan work on points, areas or labels, once or again and again",
            description="Takes effect at once where its time has come. With an `id` of the caller's own it may be sent "
            "again: what is planned already is answered with `changed` false.",
            body=maintenance_api.NewWindow,
            answer=operator_records.WindowAnswer,
            success=HTTPStatus.CREATED,
            refusals={HTTPStatus.CONFLICT: "the `id` is another window's"},
            scope=Scope.OPERATE,
        ),
        Operation(
            method="DELETE",
            path="/api/v1/maintenance/{id}",
            name="cancelMaintenance",
            handler=maintenance_api.cancel,
            summary="Cancel planned work; what is under way ends now",
            description="Cancelling again changes nothing.",
            query=maintenance_api.CancelQuery,
            answer=operator_records.WindowAnswer,
            refusals={
                HTTPStatus.NOT_FOUND: "there is no such window",
                HTTPStatus.CONFLICT: "it stands in the configuration file",
            },
            scope=Scope.OPERATE,
        ),
    )
