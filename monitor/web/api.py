"""The JSON interface's handlers: what is true now, and what was."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from aiohttp import web
from pydantic import Field

from monitor.model import Status
from monitor.web import documents
from monitor.web.keys import BOARD, CLOCK
from monitor.web.middleware import RequestProblem
from monitor.web.operations import Query, answer, read_query
from monitor.web.search import matches

if TYPE_CHECKING:
    from monitor.board import PointView


class PointsQuery(Query):
    kind: Annotated[str | None, Field(description="only points of this kind: ward, branch, hub, circuit, service")] = (
        None
    )
    area: Annotated[str | None, Field(description="only points of this area, by its id")] = None
    status: Annotated[Status | None, Field(description="only points with this status")] = None
    q: Annotated[
        str,
        Field(max_length=200, description="words that begin words of the name, area, id or code; marks are ignored"),
    ] = ""


async def points(request: web.Request) -> web.Response:
    """GET /api/v1/points."""
    query = read_query(request, PointsQuery)
    board = request.app[BOARD]
    areas = {area.id: area.name for area in board.config.areas}
    chosen = [
        view
        for view in board.points().values()
        if query.kind in (None, view.point.kind)
        and query.area in (None, view.point.area)
        and query.status in (None, view.status)
        and matches(query.q, view.point.name, areas.get(view.point.area, ""), view.point.id, view.point.code)
    ]
    return answer(documents.PointList(total=len(chosen), points=documents.summaries(chosen)))


async def point(request: web.Request) -> web.Response:
    """GET /api/v1/points/{id}."""
    return answer(documents.PointDocument.of(find_point(request)))


async def verdict(request: web.Request) -> web.Response:
    """GET /api/v1/verdict."""
    return answer(documents.VerdictDocument.of(request.app[BOARD].verdict(request.app[CLOCK]())))


def find_point(request: web.Request) -> PointView:
    """The point that the path names; RequestProblem (404) when there is none."""
    name = request.match_info["id"]
    view = request.app[BOARD].points().get(name)
    if view is None:
        raise RequestProblem(HTTPStatus.NOT_FOUND, f"there is no point {name!r}")
    return view
