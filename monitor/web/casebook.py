"""The pages about incidents: the list, one of them with its timeline, and the letters that were written about them."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta
from functools import partial

from aiohttp import web

from monitor.evidence.sentence import sentence
from monitor.incidents.fold import fold
from monitor.incidents.model import Incident, IncidentEvent
from monitor.language import choose
from monitor.language.faults import RESOLUTION_NAMES, resolution
from monitor.storage.errors import StorageError
from monitor.storage.records import Letter
from monitor.web import letters, pictures, wall
from monitor.web.easel import Easel
from monitor.web.incident import Setting, case, ranked, touched
from monitor.web.incidents_api import find_incident, number_of
from monitor.web.keys import BOARD, CLOCK, INCIDENTS, STORE
from monitor.web.pictures import Picture, Pictures
from monitor.web.proof import samples
from monitor.web.reading import as_it_was, has_inbox, incidents_of
from monitor.web.short_form import ShortForms
from monitor.web.timeline import closing, silenced, timeline

ROWS = 30
"""Closed incidents, or letters, on a page."""
LETTERS = 50
EVER = timedelta(days=36525)


class Casebook:
    """What the handlers share."""

    def __init__(self, app: web.Application, easel: Easel) -> None:
        self._app = app
        self._easel = easel
        self._pictures = Pictures(clock=app[CLOCK])
        self._short_forms = ShortForms(lambda: app[BOARD].config.alerts)

    def _setting(self, language: str, now: datetime) -> Setting:
        board = self._app[BOARD]
        return Setting.of(board.config, board.points(), self._easel.words[language], now, sentence)

    async def incidents(self, request: web.Request) -> web.Response:
        """GET /incidents: the open ones, then those that are over page by page; ``point`` narrows both."""
        point, cursor = request.query.get("point", ""), request.query.get("cursor", "")
        picture = await self._list_picture(choose(request), point, cursor)
        names = {each.id: each.name for each in self._app[BOARD].config.points}
        if point and point not in names:
            raise web.HTTPNotFound
        return self._easel.page(
            request, "book.html", picture=picture.html, title=picture.title,
            source=_source(request, "/incidents/picture"), now=self._app[CLOCK](), inbox=has_inbox(self._app),
        )  # fmt: skip

    async def incidents_picture(self, request: web.Request) -> web.Response:
        """GET /incidents/picture: what of the list changes."""
        point, cursor = request.query.get("point", ""), request.query.get("cursor", "")
        return pictures.answer(request, await self._list_picture(choose(request), point, cursor))

    async def _list_picture(self, language: str, point: str, cursor: str) -> Picture:
        draw = partial(self._draw_list, language, point, cursor)
        return await self._pictures.get(("list", point, cursor, language), self._version, draw)

    def _version(self) -> Hashable:
        return (self._app[INCIDENTS].version, id(self._app[BOARD].config))

    async def _draw_list(self, language: str, point: str, cursor: str, now: datetime) -> tuple[str, str]:
        setting, known = self._setting(language, now), True
        shown = [each for each in self._app[INCIDENTS].open() if not point or point in each.affected]
        closed: Sequence[Incident] = ()
        following = ""
        try:
            closed, following = await incidents_of(
                self._app, now - EVER, now, point=point or None, limit=ROWS, cursor=cursor
            )
        except StorageError:
            known = False
        except ValueError as error:
            raise web.HTTPNotFound from error
        words = setting.words
        title = words.ngettext("%s sự cố đang mở", "%s sự cố đang mở", len(shown)) % words.number(len(shown))
        html = self._easel.render(
            language, "incidents_picture.html", now=now, title=title, known=known, cursor=cursor, following=following,
            point=point, name=setting.names.get(point, point),
            open=[case(each, setting) for each in ranked(shown, setting)] if not cursor else [],
            closed=[(case(each, setting), closing(each, setting)) for each in closed],
            late_seconds=wall.late_after(setting.config).total_seconds(),
        )  # fmt: skip
        return html, title

    async def incident(self, request: web.Request) -> web.Response:
        """GET /incidents/{number}: one incident."""
        found = await self._find(request)
        picture = await self._incident_picture(found, choose(request))
        return self._easel.page(
            request, "incident.html", picture=picture.html, source=f"/incidents/{found.number}/picture",
            title=picture.title, now=self._app[CLOCK](), number=found.number,
        )  # fmt: skip

    async def incident_picture(self, request: web.Request) -> web.Response:
        """GET /incidents/{number}/picture: the parts of an incident's page that change."""
        return pictures.answer(request, await self._incident_picture(await self._find(request), choose(request)))

    async def _find(self, request: web.Request) -> Incident:
        try:
            return await find_incident(request, number_of(request))
        except StorageError as error:
            raise web.HTTPServiceUnavailable from error

    async def _incident_picture(self, incident: Incident, language: str) -> Picture:
        draw = partial(self._draw_incident, incident, language)
        return await self._pictures.get((incident.uid, language), self._version, draw)

    async def _draw_incident(self, found: Incident, language: str, now: datetime) -> tuple[str, str]:
        setting = self._setting(language, now)
        events: Sequence[IncidentEvent] | None = None
        told: Sequence[Letter] = ()
        try:
            events = (await self._app[STORE].incident_events([found.uid])).get(found.uid, ())
            told, _ = await self._app[STORE].letters(incident=found.uid, limit=LETTERS, cursor="")
        except StorageError:
            events = None
        # What is shown may be ahead of what is stored, while the database is away.
        incident = self._app[INCIDENTS].get(found.uid) or fold(events or ()) or found
        incident = as_it_was(incident, events or ()) or incident
        words, said = setting.words, case(incident, setting)
        notes = await asyncio.to_thread(letters.letters, told, setting, short=self._short_forms.say)
        html = self._easel.render(
            language, "incident_picture.html", now=now, case=said, incident=incident,
            happenings=timeline(events or (), setting), known=events is not None,
            samples=samples(incident.evidence, setting),
            affected=[touched(each, incident, setting) for each in incident.affected.values()],
            letters=notes,
            silenced=silenced(incident, setting), over=closing(incident, setting),
            resolution=resolution(words, incident.resolution) if incident.resolution else "",
            late_seconds=wall.late_after(setting.config).total_seconds(),
        )  # fmt: skip
        return html, words.gettext("Sự cố %(number)s: %(title)s") % {"number": said.number, "title": said.title}

    async def inbox(self, request: web.Request) -> web.Response:
        """GET /inbox: the letters, newest first, page by page."""
        picture = await self._inbox_picture(choose(request), request.query.get("cursor", ""))
        return self._easel.page(
            request, "book.html", picture=picture.html, title=picture.title, now=self._app[CLOCK](),
            source=_source(request, "/inbox/picture"),
        )  # fmt: skip

    async def inbox_picture(self, request: web.Request) -> web.Response:
        """GET /inbox/picture: what of the inbox changes."""
        return pictures.answer(request, await self._inbox_picture(choose(request), request.query.get("cursor", "")))

    async def _inbox_picture(self, language: str, cursor: str) -> Picture:
        draw = partial(self._draw_inbox, language, cursor)
        return await self._pictures.get(("inbox", cursor, language), self._version, draw)

    async def _draw_inbox(self, language: str, cursor: str, now: datetime) -> tuple[str, str]:
        setting, known = self._setting(language, now), True
        found: Sequence[Letter] = ()
        following = ""
        try:
            found, following = await self._app[STORE].letters(incident=None, limit=LETTERS, cursor=cursor)
        except StorageError:
            known = False
        except ValueError as error:
            raise web.HTTPNotFound from error
        title = setting.words.gettext("Hộp thư thử")
        # Probes are timed on this loop: a thread writes.
        notes = await asyncio.to_thread(letters.letters, found, setting, short=self._short_forms.say)
        html = self._easel.render(
            language, "inbox_picture.html", now=now, title=title, letters=notes, known=known,
            cursor=cursor, following=following, late_seconds=wall.late_after(setting.config).total_seconds(),
        )  # fmt: skip
        return html, title


def _source(request: web.Request, path: str) -> str:
    """Where the page's picture comes from: of the same point, or of the same page of many."""
    return str(request.rel_url.with_path(path).with_query(request.rel_url.query))


def setup(app: web.Application, easel: Easel) -> None:
    """Hang the pages into the application."""
    book = Casebook(app, easel)
    easel.share(resolutions=RESOLUTION_NAMES)
    app.router.add_get("/incidents", book.incidents)
    app.router.add_get("/incidents/picture", book.incidents_picture)
    app.router.add_get("/incidents/{number}", book.incident)
    app.router.add_get("/incidents/{number}/picture", book.incident_picture)
    app.router.add_get("/inbox", book.inbox)
    app.router.add_get("/inbox/picture", book.inbox_picture)
