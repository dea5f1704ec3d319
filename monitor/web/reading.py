"""What pages read of the past beside the board: incidents that are over, planned work. None when it cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from aiohttp import web

from monitor.calendar.model import Window
from monitor.incidents.fold import fold
from monitor.incidents.model import EventKind, Incident, IncidentEvent
from monitor.model import Status
from monitor.storage.errors import StorageError
from monitor.web.keys import BOARD, STORE, IncidentState

INBOX = "inbox"
"""The kind of the channel whose letters the wall shows."""

WORSE = frozenset({Status.DOWN, Status.UNREACHABLE, Status.FAULTY})
"""What is worse than flapping."""


async def incidents_of(
    app: web.Application,
    begin: datetime,
    end: datetime,
    *,
    state: IncidentState = "closed",
    point: str | None = None,
    limit: int = 10,
    cursor: str = "",
) -> tuple[list[Incident], str]:
    """Stored incidents that touch the time, newest first, and the cursor of the next page. Raises StorageError;
    ValueError on a cursor of no page."""
    store = app[STORE]
    uids, following = await store.incident_page(begin, end, state=state, point=point, limit=limit, cursor=cursor)
    events = await store.incident_events(uids) if uids else {}
    folded = [as_it_was(fold(events.get(uid, ())), events.get(uid, ())) for uid in uids]
    return [incident for incident in folded if incident is not None], following


def as_it_was(incident: Incident | None, events: Sequence[IncidentEvent]) -> Incident | None:
    """The incident; one that is over and whose points did nothing worse than flap shows these as flapping still, since
    what is kept of a point (its last status) doesn't tell."""
    if incident is None or incident.is_open or any(event.data.get("status") in WORSE for event in events):
        return incident
    flapped = {event.point for event in events if event.kind is EventKind.FLAPPING or event.data.get("flapping")}
    return replace(incident, flapping=frozenset(flapped))


async def windows_of(app: web.Application) -> Sequence[Window]:
    """Every maintenance window that isn't cancelled: the file's, and those that operators made where these can be
    read."""
    try:
        stored = await app[STORE].windows()
    except StorageError:
        stored = ()
    return [*app[BOARD].config.maintenance, *(each for each in stored if each.cancelled_at is None)]


def has_inbox(app: web.Application) -> bool:
    """Whether letters for the wall's own inbox are written."""
    return any(channel.kind == INBOX for channel in app[BOARD].config.alerts.channels.values())
