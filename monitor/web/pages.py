"""The pages for people: the wall, a point, the list of points, and what a browser sees of an error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web
from markupsafe import Markup

from monitor.board import PointView, Verdict
from monitor.config.model import Config
from monitor.language import LANGUAGES, N_, choose, pick
from monitor.language.words import Words
from monitor.ledger import Uptime
from monitor.model import EndpointKey, Transition
from monitor.storage.errors import StorageError
from monitor.web import daybar, listing, panel, pictures, point, wall
from monitor.web.headline import headline
from monitor.web.keys import ASSETS, BOARD, CLOCK, ERROR_PAGE, STORE, UPTIMES
from monitor.web.pictures import Picture, Pictures
from monitor.web.uptimes import WINDOWS, days_of, reckon

TEMPLATES = Path(__file__).parent / "templates"
THEMES = ("dark", "light")
RECENT = timedelta(hours=24)
RECENT_ROWS = 500
COOKIE_SECONDS = 10 * 365 * 86400
LANGUAGE_NAMES = {"vi": "Tiếng Việt", "en": "English"}

BROWSER_WORDS = {
    "fresh": N_("Dữ liệu mới %s trước"),
    "late": N_("Dữ liệu cũ %s"),
    "nothing": N_("Chưa có dữ liệu"),
    "old": N_("Hình cũ %s"),
    "across": N_("HÌNH CŨ"),
    "stopped": N_("Hình dừng lúc %s."),
    "never": N_("Chưa nối được tới máy chủ."),
    "retry": N_("Đang nối lại, lần thứ %s…"),
    "back": N_("Đã nối lại lúc %(at)s, mất hình %(time)s"),
    "sound-ask": N_("Bấm để bật âm báo"),
    "sound-on": N_("Âm báo bật"),
    "sound-off": N_("Âm báo tắt"),
    "spooling": N_("Chưa ghi được vào cơ sở dữ liệu, đang giữ tạm trên đĩa"),
    "unwritten": N_("Chưa ghi được xuống đĩa, đang giữ tạm"),
    "simulated": N_("Mạng mô phỏng"),
    "ago": N_("%s trước"),
    "budget": N_("ngưỡng %s"),
}


class Pages:
    """What the handlers share: a template environment and the words for each language, and the pictures."""

    def __init__(self, app: web.Application) -> None:
        self._app = app
        self.words = {language: Words(language) for language in LANGUAGES}
        self._environments = {language: _environment(app, words) for language, words in self.words.items()}
        self._pictures = Pictures(clock=app[CLOCK])

    def render(self, language: str, template: str, /, **values: Any) -> str:
        """A template with the language's words."""
        return self._environments[language].get_template(template).render(**values)

    def page(self, request: web.Request, template: str, /, *, status: int = 200, **values: Any) -> web.Response:
        """A whole page in the language and theme that the request wants; a wish in its query is remembered."""
        language, theme = choose(request), pick(request, "theme", THEMES)
        text = self.render(
            language,
            template,
            **values,
            language=language,
            theme=theme,
            other_theme=_other(THEMES, theme),
            other_language=_other(LANGUAGES, language),
            other_language_name=LANGUAGE_NAMES[_other(LANGUAGES, language)],
            browser_words=_browser_words(self.words[language]),
        )
        response = web.Response(text=text, status=status, content_type="text/html")
        response.headers["Cache-Control"] = "no-store"
        for name, value in (("lang", language), ("theme", theme)):
            if request.query.get(name) == value:
                response.set_cookie(name, value, max_age=COOKIE_SECONDS, samesite="Lax")
        return response

    async def wall(self, request: web.Request) -> web.Response:
        """GET /: the wall."""
        config = self._app[BOARD].config
        picture = await self._wall_picture(choose(request))
        kinds = [each.kind for each in config.points]
        return self.page(
            request,
            "wall.html",
            picture=picture.html,
            source="/picture",
            title=picture.title,
            now=self._app[CLOCK](),
            wards=kinds.count("ward"),
            branches=kinds.count("branch"),
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
        return (id(board.config), views)

    async def _draw_wall(self, language: str, now: datetime) -> tuple[str, str]:
        board = self._app[BOARD]
        try:
            rows = await self._transitions(now - RECENT, now)
        except StorageError:
            rows = None
        views, latest = dict(board.points()), dict(self._app[UPTIMES].latest)
        # All of it is frozen, so that a thread may draw: probes are timed on this loop.
        return await asyncio.to_thread(
            self._paint_wall, language, now, board.config, views, board.verdict(now), rows, latest
        )

    def _paint_wall(
        self,
        language: str,
        now: datetime,
        config: Config,
        views: Mapping[str, PointView],
        verdict: Verdict,
        rows: Sequence[Transition] | None,
        latest: Mapping[str, Mapping[str, Uptime]],
    ) -> tuple[str, str]:
        words = self.words[language]
        names = {each.id: each.name for each in config.points if each.declared}
        areas = {area.id: area.name for area in config.areas}
        first = headline(verdict, words, config, now)
        counted = [view for view in views.values() if view.point.counted]
        steadies = [view.steady_since for view in counted if view.steady_since is not None]
        steady = max(steadies) if steadies and len(steadies) == len(counted) else None
        html = self.render(
            language,
            "wall_picture.html",
            now=now,
            headline=first,
            counts=wall.counts(views.values(), words, config),
            panel=panel.panel(
                wall.ranked(verdict.troubled), panel.past(rows or (), names, words, now), areas, words, now
            ),
            cells=wall.cells(views, words, config, now),
            services=[wall.line(view, words, now) for view in views.values() if view.point.kind == "service"],
            infrastructure=[wall.line(view, words, now) for view in views.values() if view.point.kind in wall.SHARED],
            undeclared=len(verdict.undeclared),
            total=verdict.total,
            trouble=wall.TROUBLE,
            past_known=rows is not None,
            late_seconds=wall.late_after(config).total_seconds(),
            steady_since=steady,
            steady=words.duration(now - (steady or now)),
            uptime=wall.together([latest[view.point.id]["30d"] for view in counted if view.point.id in latest]),
        )
        return html, first.title

    async def _transitions(self, begin: datetime, end: datetime, subject: str | None = None) -> list[Transition]:
        rows = await self._app[STORE].transitions(begin, end, point=subject, limit=RECENT_ROWS)
        return list(rows)

    async def point(self, request: web.Request) -> web.Response:
        """GET /points/{id}: one point."""
        view = self._find(request)
        picture = await self._point_picture(view.point.id, choose(request))
        return self.page(
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
        return (id(view.point), view.bucket, view.since, endpoints)

    async def _draw_point(self, name: str, language: str, now: datetime) -> tuple[str, str]:
        board, store, words = self._app[BOARD], self._app[STORE], self.words[language]
        subject, vantage = EndpointKey(name, ""), board.config.vantage
        spans = {window: (now - length, now) for window, length in WINDOWS.items()}
        try:
            uptimes = await reckon(store, subject, spans, now, vantage)
            days = await days_of(store, subject, point.DAYS, now, vantage)
            rows = await self._transitions(now - point.HISTORY, now, name)
        except StorageError:
            # What is true now is in memory: the page says that the past cannot be read, and goes on.
            uptimes, days, rows = {}, {}, None
        views, config = board.points(), board.config
        view = views.get(name)
        if view is None:
            raise web.HTTPNotFound
        html = self.render(
            language,
            "point_picture.html",
            now=now,
            view=view,
            page=point.page(view, views, config, words, now),
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
        found = listing.listing(board.points(), board.config, self.words[language], request.query, self._app[CLOCK]())
        return self.page(request, "points.html", listing=found, query=request.query)

    def _find(self, request: web.Request) -> PointView:
        view = self._app[BOARD].points().get(request.match_info["id"])
        if view is None:
            raise web.HTTPNotFound
        return view

    def error(self, request: web.Request, status: HTTPStatus) -> web.Response:
        """What a browser is shown when something went wrong."""
        return self.page(request, "error.html", status=status, code=int(status))


def setup(app: web.Application) -> None:
    """Hang the pages into the application."""
    pages = Pages(app)
    app[ERROR_PAGE] = pages.error
    app.router.add_get("/", pages.wall)
    app.router.add_get("/picture", pages.wall_picture)
    app.router.add_get("/points", pages.points)
    app.router.add_get("/points/{id}", pages.point)
    app.router.add_get("/points/{id}/picture", pages.point_picture)


def _environment(app: web.Application, words: Words) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.install_gettext_translations(words.translations, newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    environment.globals.update(static=app[ASSETS].url, words=words)
    return environment


def _browser_words(words: Words) -> Markup:
    """What scripts say, as JSON that is safe inside a page."""
    content: dict[str, object] = {name: words.gettext(text) for name, text in BROWSER_WORDS.items()}
    content["durations"] = words.duration_formats()
    return Markup(json.dumps(content, ensure_ascii=False).replace("<", "\\u003c"))  # noqa: S704  (no tag can end it)


def _other(choices: tuple[str, ...], current: str) -> str:
    return choices[(choices.index(current) + 1) % len(choices)]
