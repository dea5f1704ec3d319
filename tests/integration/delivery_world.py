"""The real pipeline, register, herald and delivery loop on a real database, and a real server that they tell."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
from aiohttp import web

from monitor.alerts.courier import Pace
from monitor.alerts.dispatcher import Dispatcher
from monitor.alerts.herald import Herald
from monitor.board import Applied
from monitor.channels import find_channels
from monitor.channels.base import Channel, Tools
from monitor.config.model import Alerts, ChannelSettings, Config, Point, Route
from monitor.incidents.model import Entry, EventKind, IncidentEvent
from monitor.incidents.register import Register
from monitor.incidents.shown import Incidents
from monitor.model import Result, Resume, Row
from monitor.pipeline import Pipeline
from monitor.storage.records import Letter
from monitor.storage.store import Store

POINTS = tuple(Point(id=each, name=f"Phường {each.upper()}", kind="ward", endpoints=()) for each in "abc")
PACE = Pace(
    attempt=timedelta(seconds=0.3),
    backoff_base=timedelta(seconds=0.01),
    backoff_cap=timedelta(seconds=0.05),
    renew_gap=timedelta(seconds=0.01),
)
Step = Callable[[str], Awaitable[None]]


async def no_step(name: str) -> None:
    """Nothing happens in between."""


@dataclass(frozen=True)
class Taken:
    """A request that the server took."""

    path: str
    id: str
    body: Any
    answered: int

    @property
    def kinds(self) -> list[tuple[int, str]]:
        return [(item["number"], item["kind"]) for item in self.body["items"]]


class Post:
    """A server that webhooks, Alertmanager's API and the heartbeat are sent to. ``status`` is what it answers by
    path; 0: nothing, ever."""

    def __init__(self, step: Step = no_step) -> None:
        self.taken: list[Taken] = []
        self.status: dict[str, int] = {}
        self.step = step
        self.url = ""

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Post]:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._take)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        path = request.path.strip("/")
        body = await request.json() if request.can_read_body else None
        status = self.status.get(path, 200)
        self.taken.append(Taken(path, request.headers.get("webhook-id", ""), body, status))
        await self.step("arrived")
        if not status:
            await asyncio.sleep(60)
        return web.Response(status=status or 200)

    def at(self, path: str) -> list[Taken]:
        """What was answered with success there."""
        return [each for each in self.taken if each.path == path and each.answered == 200]

    def said(self, path: str) -> list[list[tuple[int, str]]]:
        """The number and kind of every item, an envelope each."""
        return [each.kinds for each in self.at(path)]


class NoBoard:
    """What is true doesn't matter here."""

    def apply(self, result: Result) -> Applied:
        raise AssertionError("no result comes here")

    def age(self, now: datetime) -> Sequence[Row]:
        return ()

    def show(self, rows: Sequence[Row]) -> None:
        return


class NoResults:
    """Nor do results."""

    def add(self, result: Result) -> None:
        raise AssertionError("no result comes here")


@dataclass
class StoreJournal:
    """The database itself, with a step before and after each write."""

    store: Store
    step: Step

    async def write(self, entries: Sequence[Entry]) -> bool:
        await self.step("before writing")
        await self.store.write_entries(entries)
        await self.step("written")
        return True


def channel(name: str, url: str, kind: str = "webhook", **more: Any) -> ChannelSettings:
    """One that posts to ``url``/``name``."""
    options: dict[str, Any] = {"url": f"{url}/{name}"} if kind == "webhook" else {}
    if kind == "alertmanager":
        options = {"urls": [url], "renew_every": "50ms", "settle": "50ms"}
    return ChannelSettings(name=name, kind=kind, options=find_channels()[kind].options.model_validate(options), **more)


def config(channels: Sequence[ChannelSettings], *routes: Route, **alerts: Any) -> Config:
    """With these channels; without routes, all of them are told of everything."""
    known = {each.name: each for each in channels}
    routes = routes or (Route(name="all", channels=tuple(known), group_wait=timedelta(0)),)
    return Config(points=POINTS, alerts=Alerts(channels=known, routes=routes, **alerts))


def stepping(step: Step) -> Mapping[str, type[Channel]]:
    """The channels, with a step before and after the webhook's sending."""
    webhook: Any = find_channels()["webhook"]

    class Stepping(webhook):  # type: ignore[misc]  # a class found at run time
        async def send(self, envelope: Any) -> None:
            await step("before sending")
            await super().send(envelope)
            await step("sent")

    return {**find_channels(), "webhook": Stepping}


@dataclass
class Life:
    """One run of the program on a database. Enter it with :func:`living`."""

    config: Config
    store: Store
    dispatcher: Dispatcher = field(init=False)
    pipeline: Pipeline = field(init=False)
    incidents: Incidents = field(init=False)
    well: bool = True
    ahead: timedelta = timedelta()
    """How far the clocks are ahead: time that passes without anybody waiting."""

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def build(self, session: aiohttp.ClientSession, step: Step, channels: Mapping[str, type[Channel]]) -> None:
        register = Register(self.config, make_id=lambda: uuid4().hex)
        self.incidents = Incidents()
        self.herald = Herald(self.config, incidents=register.incident, make_id=lambda: uuid4().hex)
        self.register = register
        self.pipeline = Pipeline(
            board=NoBoard(),
            register=register,
            herald=self.herald,
            results=NoResults(),
            journal=StoreJournal(self.store, step),
            clock=self.now,
            observers=[self.incidents],
        )
        self.dispatcher = Dispatcher(
            self.config,
            incidents=self.incidents.get,
            record=self.pipeline.record,
            tools=Tools(session=session),
            clock=self.now,
            time=lambda: time.monotonic() + self.ahead.total_seconds(),
            well=lambda: self.well,
            pace=PACE,
            channels=channels,
        )
        self.pipeline.observe(self.dispatcher)

    async def resume(self) -> None:
        """Take up what the database holds."""
        kept = await self.store.resume_incidents()
        letters = await self.store.outbox()
        self.incidents.load(kept.events)
        self.register.resume(kept.events, kept.last_number, Resume(), self.now())
        self.herald.resume(letters, self.now(), open_incidents=self.register.open())
        self.dispatcher.load(letters)

    async def letters(self) -> list[Letter]:
        await self.pipeline.settled()
        return list(reversed((await self.store.letters(limit=1000, cursor=""))[0]))

    async def outcomes(self) -> list[tuple[str, str, list[str]]]:
        """Of each message what it is, for whom, and how its attempts ended."""
        return [
            (each.message.kind.value, each.message.channel, [made.outcome.value for made in each.deliveries])
            for each in await self.letters()
        ]

    async def quiet(self) -> None:
        """Wait until everything is settled."""
        await until(lambda: not self.pipeline.pending and not sum(self.dispatcher.state.pending.values()))
        await self.pipeline.settled()
        if sum(self.dispatcher.state.pending.values()):
            await self.quiet()

    def tell(self, *events: IncidentEvent) -> None:
        self.pipeline.record(events=events)

    def event(self, uid: str, kind: EventKind, point: str = "", **data: Any) -> IncidentEvent:
        now = self.now()
        return IncidentEvent(
            id=f"{uid}-{kind.value}-{point}", incident=uid, kind=kind, at=now, recorded_at=now, point=point, data=data
        )

    def opened(self, number: int, point: str = "a") -> list[IncidentEvent]:
        """An incident with its evidence: its message need not wait for that."""
        uid, fault = f"i{number}", f"point:{point}"
        began = self.now().isoformat()
        return [
            self.event(uid, EventKind.OPENED, number=number, fault=fault, severity="critical", began=began),
            self.event(uid, EventKind.JOINED, point, status="down", reason="timeout"),
            self.event(uid, EventKind.EVIDENCE, evidence={}),
        ]

    def closed(self, number: int, point: str = "a") -> list[IncidentEvent]:
        uid = f"i{number}"
        return [
            self.event(uid, EventKind.RELEASED, point, why="recovered"),
            self.event(uid, EventKind.RECOVERED),
            self.event(uid, EventKind.CLOSED, why="recovered"),
        ]


@asynccontextmanager
async def living(
    config: Config, directory: Path, *, step: Step = no_step, channels: Mapping[str, type[Channel]] | None = None
) -> AsyncIterator[Life]:
    """Run the program until the block ends; then it stops where it stands, as if it were killed."""
    store = Store(f"sqlite:///{directory}/monitor.db")
    await store.open()
    life = Life(config, store)
    try:
        async with aiohttp.ClientSession() as session:
            life.build(session, step, channels or find_channels())
            await life.resume()
            running = [asyncio.create_task(each) for each in (life.pipeline.run(), life.dispatcher.run())]
            try:
                yield life
            finally:
                for task in running:
                    task.cancel()
                await asyncio.wait(running)
                for task in running:
                    with suppress(asyncio.CancelledError):
                        task.result()
    finally:
        await store.close()


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; the test's own timeout is the bound."""
    while True:
        if holds():
            return
        await asyncio.sleep(0.005)


@dataclass
class Killer:
    """A step that is never left: whoever runs into it is to be killed. ``at`` is which step, 0 the first."""

    at: int
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    name: str = ""

    def __post_init__(self) -> None:
        self._steps = count()

    async def __call__(self, name: str) -> None:
        if self.reached.is_set():
            await asyncio.Event().wait()
        if next(self._steps) == self.at:
            self.name = name
            self.reached.set()
            await asyncio.Event().wait()
