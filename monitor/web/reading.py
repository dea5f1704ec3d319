"""What pages read of the past beside the board: incidents that are over, planned work. None when it cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from aiohttp import web

from monitor.calendar.model import Window
from monitor.incidents.fold import fold
from monitor.incidents.model import Incident
from monitor.storage.errors import StorageError
from monitor.web.keys import BOARD, STORE, IncidentState

INBOX = "inbox"
"""The kind of the channel whose letters the wall shows."""


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
    folded = [fold(events.get(uid, ())) for uid in uids]
    return [incident for incident in folded if incident is not None], following


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
