"""The pages for people: the wall, a point, the list of points, and what a browser sees of an error."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus

from aiohttp import web

from monitor.board import PointView, Verdict
from monitor.calendar.model import Window
from monitor.config.model import Config
from monitor.evidence.sentence import sentence
from monitor.incidents.model import Incident
from monitor.language import choose
from monitor.ledger import Uptime
from monitor.model import EndpointKey, Transition
from monitor.storage.errors import StorageError
from monitor.web import casebook, daybar, listing, panel, pictures, planned, point, proof, wall
from monitor.web.easel import Easel
from monitor.web.headline import headline
from monitor.web.incident import Setting, case, numbers, ranked
from monitor.web.keys import BOARD, CLOCK, ERROR_PAGE, INCIDENTS, STORE, UPTIMES
from monitor.web.pictures import Picture, Pictures
from monitor.web.reading import has_inbox, incidents_of, windows_of
from monitor.web.uptimes import WINDOWS, days_of, reckon

RECENT = timedelta(hours=24)
RECENT_ROWS = 500


@dataclass(frozen=True, slots=True)
class Seen:
    """What a wall is painted from: all of it frozen, so that a thread may paint. ``closed`` is None when it cannot be
    read."""

    config: Config
    views: Mapping[str, PointView]
    verdict: Verdict
    incidents: Sequence[Incident]
    closed: Sequence[Incident] | None
    windows: Sequence[Window]
    uptimes: Mapping[str, Mapping[str, Uptime]]


class Pages:
    """What the handlers share: the easel and the last pictures."""

    def __init__(self, app: web.Application, easel: Easel) -> None:
        self._app = app
        self._easel = easel
        self._pictures = Pictures(clock=app[CLOCK])

    async def wall(self, request: web.Request) -> web.Response:
        """GET /: the wall."""
        config = self._app[BOARD].config
        picture = await self._wall_picture(choose(request))
        kinds = [each.kind for each in config.points]
        return self._easel.page(
            request,
            "wall.html",
            picture=picture.html,
            source="/picture",
            title=picture.title,
            now=self._app[CLOCK](),
            wards=kinds.count("ward"),
            branches=kinds.count("branch"),
            inbox=has_inbox(self._app),
        )

    async def wall_picture(self, request: web.Request) -> web.Response:
        """GET /picture: the parts of the wall that change."""
        return pictures.answer(request, await self._wall_picture(choose(request)))

    async def _wall_picture(self, language: str) -> Picture:
        return await self._pictures.get(("wall", language), self._basis, partial(self._draw_wall, language))

    def _basis(self) -> Hashable:
        board = self._app[BOARD]
        views = tuple(
            (id(view.point), view.bucket, view.since, view.reason, view.failed_phase, view.culprit, view.never)
            for view in board.points().values()
        )
        return (id(board.config), views, self._app[INCIDENTS].version)

    async def _draw_wall(self, language: str, now: datetime) -> tuple[str, str]:
        board = self._app[BOARD]
        closed: Sequence[Incident] | None
        try:
            closed, _ = await incidents_of(self._app, now - RECENT, now, limit=2 * panel.RECENT)
        except StorageError:
            closed = None
        windows = await windows_of(self._app)
        # Probes are timed on this loop: a thread paints.
        seen = Seen(
            board.config,
            dict(board.points()),
            board.verdict(now),
            tuple(self._app[INCIDENTS].open()),
            closed,
            windows,
            dict(self._app[UPTIMES].latest),
        )
        return await asyncio.to_thread(self._paint_wall, language, now, seen)

    def _paint_wall(self, language: str, now: datetime, seen: Seen) -> tuple[str, str]:
        words, config, verdict = self._easel.words[language], seen.config, seen.verdict
        setting = Setting.of(config, seen.views, words, now, sentence)
        views = seen.views.values()
        incidents = ranked(seen.incidents, setting)
        first = headline(verdict, incidents, setting)
        counted = [view for view in views if view.point.counted]
        steadies = [view.steady_since for view in counted if view.steady_since is not None]
        steady = max(steadies) if steadies and len(steadies) == len(counted) else None
        html = self._easel.render(
            language,
            "wall_picture.html",
            now=now,
            headline=first,
            counts=wall.counts(views, words, config),
            panel=panel.panel(incidents, verdict.troubled, panel.past(seen.closed or (), setting), setting),
            loud=panel.loud(incidents),
            cells=wall.cells(seen.views, words, config, now, numbers(incidents)),
            services=[wall.line(view, words, now) for view in views if view.point.kind == "service"],
            infrastructure=[wall.line(view, words, now) for view in views if view.point.kind in wall.SHARED],
            works=planned.under_way(seen.windows, setting),
            coming=planned.coming(seen.windows, setting),
            undeclared=len(verdict.undeclared),
            total=verdict.total,
            trouble=wall.TROUBLE,
            past_known=seen.closed is not None,
            late_seconds=wall.late_after(config).total_seconds(),
            steady_since=steady,
            steady=words.duration(now - (steady or now)),
            uptime=wall.together(
                [seen.uptimes[view.point.id]["30d"] for view in counted if view.point.id in seen.uptimes]
            ),
        )
        return html, first.title

    async def point(self, request: web.Request) -> web.Response:
        """GET /points/{id}: one point."""
        view = self._find(request)
        picture = await self._point_picture(view.point.id, choose(request))
        return self._easel.page(
            request,
            "point.html",
            picture=picture.html,
            source=f"/points/{view.point.id}/picture",
            title=picture.title,
            now=self._app[CLOCK](),
            view=view,
            endpoints=[each.endpoint for each in view.endpoints if each.endpoint.declared],
            charted=point.charted(view),
        )

    async def _point_picture(self, name: str, language: str) -> Picture:
        return await self._pictures.get(
            (name, language), partial(self._point_basis, name), partial(self._draw_point, name, language)
        )

    def _point_basis(self, name: str) -> Hashable:
        view = self._app[BOARD].points().get(name)
        if view is None:
            return None
        endpoints = tuple((each.status, each.since, each.suspect) for each in view.endpoints)
        return (id(view.point), view.bucket, view.since, endpoints, self._app[INCIDENTS].of_point(name))

    async def _draw_point(self, name: str, language: str, now: datetime) -> tuple[str, str]:
        board, store, words = self._app[BOARD], self._app[STORE], self._easel.words[language]
        subject, vantage = EndpointKey(name, ""), board.config.vantage
        spans = {window: (now - length, now) for window, length in WINDOWS.items()}
        rows: Sequence[Transition] | None
        try:
            uptimes = await reckon(store, subject, spans, now, vantage)
            days = await days_of(store, subject, point.DAYS, now, vantage)
            rows = await store.transitions(now - point.HISTORY, now, point=name, limit=RECENT_ROWS)
            closed, _ = await incidents_of(self._app, now - point.HISTORY, now, point=name)
        except StorageError:
            # What is true now is in memory: the page says that the past cannot be read, and goes on.
            uptimes, days, rows, closed = {}, {}, None, []
        views, config = board.points(), board.config
        view = views.get(name)
        if view is None:
            raise web.HTTPNotFound
        setting = Setting.of(config, views, words, now, sentence)
        incident = self._app[INCIDENTS].of_point(name)
        html = self._easel.render(
            language,
            "point_picture.html",
            now=now,
            view=view,
            page=point.page(view, views, config, words, now),
            incident=case(incident, setting) if incident else None,
            samples=[each for each in proof.samples(incident.evidence, setting) if each.point == name]
            if incident
            else [],
            past=panel.past(closed, setting),
            uptimes=uptimes,
            days=daybar.days(days, words),
            changes=point.changes(rows or (), view, words, now),
            past_known=rows is not None,
            late_seconds=wall.late_after(config).total_seconds(),
        )
        return html, f"{view.point.name} · {words.bucket(wall.bucket(view), config.stable_after)}"

    async def point_picture(self, request: web.Request) -> web.Response:
        """GET /points/{id}/picture: the parts of a point's page that change."""
        view = self._find(request)
        return pictures.answer(request, await self._point_picture(view.point.id, choose(request)))

    async def points(self, request: web.Request) -> web.Response:
        """GET /points: every point as a list, narrowed by ``q``, ``area`` and ``status``."""
        board, language = self._app[BOARD], choose(request)
        words = self._easel.words[language]
        found = listing.listing(board.points(), board.config, words, request.query, self._app[CLOCK]())
        return self._easel.page(request, "points.html", listing=found, query=request.query)

    def _find(self, request: web.Request) -> PointView:
        view = self._app[BOARD].points().get(request.match_info["id"])
        if view is None:
            raise web.HTTPNotFound
        return view

    def error(self, request: web.Request, status: HTTPStatus) -> web.Response:
        """What a browser is shown when something went wrong."""
        return self._easel.page(request, "error.html", status=status, code=int(status))


def setup(app: web.Application) -> None:
    """Hang the pages into the application."""
    easel = Easel(app)
    pages = Pages(app, easel)
    app[ERROR_PAGE] = pages.error
    app.router.add_get("/", pages.wall)
    app.router.add_get("/picture", pages.wall_picture)
    app.router.add_get("/points", pages.points)
    app.router.add_get("/points/{id}", pages.point)
    app.router.add_get("/points/{id}/picture", pages.point_picture)
    casebook.setup(app, easel)
