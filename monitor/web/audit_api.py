"""The JSON interface's handler for the audit: who did what, when."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from monitor.web import operator_records as records
from monitor.web.access import Scope
from monitor.web.incidents_api import Cursor, not_a_cursor
from monitor.web.keys import ACCESS, STORE
from monitor.web.operations import Query, answer, read_query


class AuditQuery(Query):
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Cursor = ""


async def audit(request: web.Request) -> web.Response:
    """GET /api/v1/audit: newest first, page by page."""
    await request.app[ACCESS].admit(request, Scope.ADMIN, act="read the audit")
    query = read_query(request, AuditQuery)
    try:
        rows, cursor = await request.app[STORE].audit(limit=query.limit, cursor=query.cursor)
    except ValueError as error:
        raise not_a_cursor() from error
    return answer(records.AuditPage(rows=[records.AuditRowDocument.of(row) for row in rows], next=cursor or None))
