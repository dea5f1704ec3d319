"""The JSON interface's handlers for what was: results, transitions, uptime, days."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from pydantic import AwareDatetime, Field

from monitor.calendar import ZONE
from monitor.model import EndpointKey
from monitor.web import documents, records
from monitor.web.api import find_point
from monitor.web.keys import BOARD, CLOCK, STORE, Past
from monitor.web.middleware import RequestProblem
from monitor.web.operations import Query, answer, read_query, wrong
from monitor.web.series import bucketed
from monitor.web.uptimes import WINDOWS, days_of, reckon_all

RAW_LONGEST = timedelta(days=2)
LONGEST = timedelta(days=100)
FOREVER = timedelta(days=36525)
USUAL = timedelta(days=1)
BUCKETS = 5000
SLICE = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)

Begin = Annotated[AwareDatetime | None, Field(alias="from", description="begin of the time asked for, inclusive")]
End = Annotated[
    AwareDatetime | None, Field(alias="to", description="its end, exclusive; now when it isn't given or later")
]


class ResultsQuery(Query):
    endpoint: Annotated[str | None, Field(description="the endpoint's id; the link when it isn't given")] = None
    begin: Begin = None
    end: End = None
    step_seconds: Annotated[
        float | None,
        Field(ge=1, allow_inf_nan=False, description="answer buckets of this length instead of single results"),
    ] = None


class UptimeQuery(Query):
    begin: Begin = None
    end: End = None


class DaysQuery(Query):
    days: Annotated[int, Field(ge=1, le=400, description="how many days, today included")] = 90


class TransitionsQuery(Query):
    point: Annotated[str | None, Field(description="only this point's and its endpoints'")] = None
    begin: Begin = None
    end: End = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Annotated[str, Field(max_length=100, description="`next` of the page before")] = ""


async def results(request: web.Request) -> web.Response:
    """GET /api/v1/points/{id}/results."""
    query = read_query(request, ResultsQuery)
    view = find_point(request)
    names = [each.endpoint.key.endpoint for each in view.endpoints]
    endpoint = query.endpoint if query.endpoint is not None else next(iter(names), "")
    if endpoint not in names:
        raise RequestProblem(HTTPStatus.NOT_FOUND, f"point {view.point.id!r} has no endpoint {endpoint!r}")
    step = None if query.step_seconds is None else timedelta(seconds=query.step_seconds)
    now = request.app[CLOCK]()
    begin, end = window(query.begin, query.end, now, RAW_LONGEST if step is None else LONGEST)
    if step is not None and (end - begin) / step > BUCKETS:
        raise wrong("step_seconds", f"makes more than {BUCKETS} buckets: take a longer step or a shorter time")
    found = _read(request.app[STORE], EndpointKey(view.point.id, endpoint), begin, end, step)
    rows = [row async for slice_rows in found for row in slice_rows]
    return answer(
        records.ResultSeries(
            point=view.point.id,
            endpoint=endpoint,
            begin=begin,
            end=end,
            step_seconds=query.step_seconds,
            results=[row for row in rows if isinstance(row, records.ResultDocument)],
            buckets=[row for row in rows if isinstance(row, records.ResultBucket)],
        )
    )


async def uptimes(request: web.Request) -> web.Response:
    """GET /api/v1/points/{id}/uptime: the window asked for, else the four usual ones."""
    query = read_query(request, UptimeQuery)
    view = find_point(request)
    now = request.app[CLOCK]()
    vantage = request.app[BOARD].config.vantage
    windows = {name: (now - length, now) for name, length in WINDOWS.items()}
    if query.begin is not None or query.end is not None:
        windows = {"asked": window(query.begin, query.end, now, FOREVER)}
    keys = [EndpointKey(view.point.id, ""), *(each.endpoint.key for each in view.endpoints)]
    reckoned = await reckon_all(request.app[STORE], keys, windows, now, vantage)
    subjects = [
        records.UptimeSubject(
            endpoint=key.endpoint,
            windows=[records.UptimeDocument.of(name, *windows[name], up) for name, up in reckoned[key].items()],
        )
        for key in keys
    ]
    return answer(records.UptimeAnswer(point=view.point.id, subjects=subjects))


async def days(request: web.Request) -> web.Response:
    """GET /api/v1/points/{id}/days."""
    query = read_query(request, DaysQuery)
    view = find_point(request)
    reckoned = await days_of(
        request.app[STORE],
        EndpointKey(view.point.id, ""),
        query.days,
        request.app[CLOCK](),
        request.app[BOARD].config.vantage,
    )
    return answer(
        records.DaysAnswer(
            point=view.point.id,
            time_zone=ZONE.key,
            days=[records.DayDocument.of(day, up) for day, up in reckoned.items()],
        )
    )


async def transitions(request: web.Request) -> web.Response:
    """GET /api/v1/transitions: newest first, page by page."""
    query = read_query(request, TransitionsQuery)
    now = request.app[CLOCK]()
    begin, end = window(query.begin or BEGINNING, query.end, now, FOREVER)
    try:
        page = await request.app[STORE].page_transitions(
            begin, end, point=query.point, limit=query.limit, cursor=query.cursor
        )
    except ValueError as error:
        raise wrong("cursor", "is not a cursor: give `next` of the page before") from error
    return answer(records.TransitionPage.of(page))


async def _read(
    store: Past, key: EndpointKey, begin: datetime, end: datetime, step: timedelta | None
) -> AsyncIterator[Sequence[documents.Document]]:
    """A day at a time, so that a hundred days are never in memory at once; a slice holds whole buckets."""
    length = SLICE if step is None else step * max(1, SLICE // step)
    if step is not None:
        begin = EPOCH + (begin - EPOCH) // step * step
    while begin < end:
        upto = min(begin + length, end)
        rows = await store.results(key, begin, upto)
        yield [records.ResultDocument.of(row) for row in rows] if step is None else bucketed(rows, begin, step)
        begin = upto


def window(
    begin: datetime | None, end: datetime | None, now: datetime, longest: timedelta
) -> tuple[datetime, datetime]:
    """The time asked for, cut off at now, the usual length when no begin is given. RequestProblem (422) when it is
    empty or longer than ``longest``."""
    end = min(end or now, now).astimezone(UTC)
    begin = max(begin or end - USUAL, BEGINNING).astimezone(UTC)
    if begin >= end:
        raise wrong("from", "must lie before to")
    if end - begin > longest:
        hours = longest / timedelta(hours=1)
        raise wrong("from", f"lies more than {hours:g} hours before to: take a shorter time, or buckets (step_seconds)")
    return begin, end
