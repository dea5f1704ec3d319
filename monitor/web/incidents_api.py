"""The JSON interface's handlers for incidents: which there are, what happened to them, what was told of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from pydantic import Field

from monitor.incidents.fold import fold
from monitor.incidents.model import Incident, IncidentEvent
from monitor.web import incident_records as records
from monitor.web.keys import BOARD, CLOCK, INCIDENTS, STORE, IncidentState
from monitor.web.middleware import RequestProblem
from monitor.web.operations import Query, answer, read_query, wrong
from monitor.web.past import BEGINNING, FOREVER, Begin, End, window

LETTERS = 100
"""Messages in an incident's document; all of them are at /api/v1/messages."""
SET_BACK = timedelta(days=1)
"""So far ahead incidents are looked for: a clock that was set back leaves them in what is the future now."""
LARGEST_NUMBER = 2**31 - 1

Limit = Annotated[int, Field(ge=1, le=200)]
Cursor = Annotated[str, Field(max_length=100, description="`next` of the page before")]


class IncidentsQuery(Query):
    state: Annotated[IncidentState, Field(description="open ones are answered without the database")] = "open"
    point: Annotated[str | None, Field(description="only those that ever touched this point")] = None
    begin: Begin = None
    end: End = None
    limit: Limit = 50
    cursor: Cursor = ""


class MessagesQuery(Query):
    incident: Annotated[
        int | None, Field(ge=1, le=LARGEST_NUMBER, description="only of this incident, by its number")
    ] = None
    limit: Limit = 50
    cursor: Cursor = ""


async def incidents(request: web.Request) -> web.Response:
    """GET /api/v1/incidents: newest first, page by page."""
    query = read_query(request, IncidentsQuery)
    latest = request.app[CLOCK]() + SET_BACK
    begin, end = window(query.begin or BEGINNING, query.end, latest, FOREVER + SET_BACK)
    if query.state == "open":
        found, cursor = _open_ones(request.app[INCIDENTS].open(), query)
    else:
        found, cursor = await _stored_ones(request, query, begin, end)
    config = request.app[BOARD].config
    summaries = [records.IncidentSummary.of(each, config) for each in found]
    return answer(records.IncidentList(incidents=summaries, next=cursor or None))


async def incident(request: web.Request) -> web.Response:
    """GET /api/v1/incidents/{number}."""
    store = request.app[STORE]
    number = number_of(request)
    shown = request.app[INCIDENTS].by_number(number)
    uid = shown.uid if shown else await store.incident_uid(number)
    events = (await store.incident_events([uid])).get(uid, ()) if uid else ()
    stored = fold(events)
    # What is shown may still wait for the database, which then knows less of it, or nothing.
    known = shown or stored
    if known is None:
        raise no_incident(number)
    letters, _ = await store.letters(incident=known.uid, limit=LETTERS, cursor="")
    return answer(records.IncidentDocument.whole(known, events, letters, request.app[BOARD].config))


async def messages(request: web.Request) -> web.Response:
    """GET /api/v1/messages: newest first, page by page."""
    query = read_query(request, MessagesQuery)
    uid = None if query.incident is None else (await find_incident(request, query.incident)).uid
    try:
        letters, cursor = await request.app[STORE].letters(incident=uid, limit=query.limit, cursor=query.cursor)
    except ValueError as error:
        raise not_a_cursor() from error
    return answer(records.MessagePage.of(letters, cursor))


async def find_incident(request: web.Request, number: int) -> Incident:
    """The incident with that number, as it is shown or as it is stored; RequestProblem (404) when there is none."""
    shown = request.app[INCIDENTS].by_number(number)
    if shown is not None:
        return shown
    store = request.app[STORE]
    uid = await store.incident_uid(number)
    stored = fold((await store.incident_events([uid])).get(uid, ())) if uid else None
    if stored is None:
        raise no_incident(number)
    return stored


def number_of(request: web.Request) -> int:
    """The number that the path names; RequestProblem (404) when it is none."""
    text = request.match_info["number"]
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:11]) <= LARGEST_NUMBER):
        raise no_incident(text)
    return int(text)


def no_incident(number: int | str) -> RequestProblem:
    """There is none of that number."""
    return RequestProblem(HTTPStatus.NOT_FOUND, f"there is no incident {number}")


def not_a_cursor() -> RequestProblem:
    """The cursor was given by no page."""
    return wrong("cursor", "is not a cursor: give `next` of the page before")


def _open_ones(shown: Sequence[Incident], query: IncidentsQuery) -> tuple[Sequence[Incident], str]:
    """A page of those in memory, newest first; the cursor is the last one's number. They last: ``from`` cuts none."""
    if query.cursor and not (query.cursor.isascii() and query.cursor.isdecimal()):
        raise not_a_cursor()
    before = int(query.cursor) if query.cursor else LARGEST_NUMBER + 1
    fitting = [
        each
        for each in sorted(shown, key=lambda each: each.number, reverse=True)
        if each.number < before
        and (query.point is None or query.point in each.affected)
        and (query.end is None or each.opened < query.end)
    ]
    page = fitting[: query.limit]
    return page, str(page[-1].number) if len(fitting) > len(page) else ""


async def _stored_ones(
    request: web.Request, query: IncidentsQuery, begin: datetime, end: datetime
) -> tuple[Sequence[Incident], str]:
    store = request.app[STORE]
    try:
        uids, cursor = await store.incident_page(
            begin, end, state=query.state, point=query.point, limit=query.limit, cursor=query.cursor
        )
    except ValueError as error:
        raise not_a_cursor() from error
    events = await store.incident_events(uids)
    return _folded([events.get(uid, ()) for uid in uids]), cursor


def _folded(several: Sequence[Sequence[IncidentEvent]]) -> Sequence[Incident]:
    return [incident for events in several if (incident := fold(events)) is not None]
