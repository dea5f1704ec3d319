"""What the handlers find in the application: typed keys, and the few verbs that this room needs of others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from aiohttp import web

from monitor.config.model import Config
from monitor.model import EndpointKey, History, StoredResult, Transition

if TYPE_CHECKING:
    from monitor.board import PointView, Verdict
    from monitor.storage.journal import TransitionPage
    from monitor.web.assets import Assets
    from monitor.web.stream import Hub
    from monitor.web.uptimes import Uptimes


class Views(Protocol):
    """What is true now (the board)."""

    @property
    def config(self) -> Config: ...

    def points(self) -> Mapping[str, PointView]: ...

    def verdict(self, now: datetime) -> Verdict: ...


class Past(Protocol):
    """What was (the store)."""

    async def results(self, key: EndpointKey, begin: datetime, end: datetime) -> Sequence[StoredResult]: ...

    async def transitions(
        self, begin: datetime, end: datetime, *, point: str | None = None, limit: int = 100
    ) -> Sequence[Transition]: ...

    async def page_transitions(
        self, begin: datetime, end: datetime, *, point: str | None = None, limit: int = 100, cursor: str = ""
    ) -> TransitionPage: ...

    async def histories(
        self, keys: Collection[EndpointKey], begin: datetime, end: datetime
    ) -> Mapping[EndpointKey, History]: ...

    async def history(self, key: EndpointKey, begin: datetime, end: datetime) -> History: ...


class Exposition(Protocol):
    """The text of /metrics, in slices that never hold the loop for long."""

    def render(self) -> AsyncIterator[bytes]: ...


Clock = Callable[[], datetime]
Reload = Callable[[], Awaitable[None]]
"""Reads the configuration again; raises ConfigError, and then nothing has changed."""

BOARD: web.AppKey[Views] = web.AppKey("board")
STORE: web.AppKey[Past] = web.AppKey("store")
METRICS: web.AppKey[Exposition] = web.AppKey("metrics")
HUB: web.AppKey[Hub] = web.AppKey("hub")
UPTIMES: web.AppKey[Uptimes] = web.AppKey("uptimes")
RELOAD: web.AppKey[Reload] = web.AppKey("reload")
READY: web.AppKey[Callable[[], bool]] = web.AppKey("ready")
CLOCK: web.AppKey[Clock] = web.AppKey("clock")
ERROR_PAGE: web.AppKey[Callable[[web.Request, HTTPStatus], web.Response]] = web.AppKey("error_page")
"""Set by the pages: what a browser is shown instead of a line of text."""
ASSETS: web.AppKey[Assets] = web.AppKey("assets")
