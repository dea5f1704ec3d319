"""What the handlers find in the application: typed keys, and the few verbs that this room needs of others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, Protocol

from aiohttp import web

from monitor.calendar.model import Window
from monitor.config.model import Config
from monitor.incidents.model import Delivery, Incident, IncidentEvent
from monitor.model import EndpointKey, History, StoredResult, Transition

if TYPE_CHECKING:
    from monitor.board import PointView, Verdict
    from monitor.storage.journal import TransitionPage
    from monitor.storage.records import AuditRow, Letter, Token
    from monitor.web.access import Access
    from monitor.web.assets import Assets
    from monitor.web.stream import Hub
    from monitor.web.uptimes import Uptimes


class Views(Protocol):
    """What is true now (the board)."""

    @property
    def config(self) -> Config: ...

    def points(self) -> Mapping[str, PointView]: ...

    def verdict(self, now: datetime) -> Verdict: ...


class Incidents(Protocol):
    """The incidents as they are shown: the open ones, worst first, and those that were closed lately."""

    @property
    def version(self) -> int:
        """Grows with each change."""
        ...

    def open(self) -> Sequence[Incident]: ...

    def get(self, uid: str) -> Incident | None: ...

    def by_number(self, number: int) -> Incident | None: ...

    def of_point(self, point: str) -> Incident | None:
        """The open incident that the point is troubled in."""
        ...


class Record(Protocol):
    """What operators do goes the one path too (the pipeline)."""

    def record(self, *, events: Sequence[IncidentEvent] = (), deliveries: Sequence[Delivery] = ()) -> None: ...

    async def settled(self) -> None:
        """Everything that was decided so far is durable and shown."""
        ...


class PastStatuses(Protocol):
    """What was of points and endpoints."""

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


class PastIncidents(Protocol):
    """What was of incidents, and what was told of them."""

    async def incident_page(
        self, begin: datetime, end: datetime, *, state: IncidentState, point: str | None, limit: int, cursor: str
    ) -> tuple[Sequence[str], str]:
        """Uids, newest first, and the cursor of the next page ("" on the last). ValueError on a cursor of no page."""
        ...

    async def incident_events(self, uids: Collection[str]) -> Mapping[str, Sequence[IncidentEvent]]: ...

    async def incident_uid(self, number: int) -> str | None: ...

    async def letters(self, *, incident: str | None, limit: int, cursor: str) -> tuple[Sequence[Letter], str]:
        """Messages with their deliveries, newest first. ValueError on a cursor of no page."""
        ...


class Windows(Protocol):
    """The maintenance windows that were made by operators, cancelled ones too."""

    async def put_window(self, window: Window) -> None: ...

    async def cancel_window(self, identity: str, at: datetime) -> bool:
        """False: there is none, or it is cancelled already."""
        ...

    async def windows(self) -> Sequence[Window]: ...


class Books(Protocol):
    """Who may, and who did."""

    async def tokens(self) -> Sequence[Token]: ...

    async def write_audit(self, row: AuditRow) -> None: ...

    async def audit(self, *, limit: int, cursor: str) -> tuple[Sequence[AuditRow], str]:
        """Newest first. ValueError on a cursor of no page."""
        ...


class Past(PastStatuses, PastIncidents, Windows, Books, Protocol):
    """Everything that this room asks of the store."""


class Exposition(Protocol):
    """The text of /metrics, in slices that never hold the loop for long."""

    def render(self) -> AsyncIterator[bytes]: ...


Clock = Callable[[], datetime]
IncidentState = Literal["open", "closed", "all"]
MakeId = Callable[[], str]
"""A new UUID's hex."""
Plan = Callable[[], Awaitable[None]]
"""Makes the stored maintenance windows take effect at once, or as soon as they can be read."""
Reload = Callable[[], Awaitable[None]]
"""Reads the configuration again; raises ConfigError, and then nothing has changed."""

BOARD: web.AppKey[Views] = web.AppKey("board")
INCIDENTS: web.AppKey[Incidents] = web.AppKey("incidents")
RECORD: web.AppKey[Record] = web.AppKey("record")
PLAN: web.AppKey[Plan] = web.AppKey("plan")
ACCESS: web.AppKey[Access] = web.AppKey("access")
MAKE_ID: web.AppKey[MakeId] = web.AppKey("make_id")
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
