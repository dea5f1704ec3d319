"""A whole wall for the browser: the real board, store, stream and pages, fed with results as the pipeline would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from aiohttp import web
from playwright.async_api import Page

from monitor.board import Board
from monitor.config.model import Config, Endpoint
from monitor.incidents.model import Entry, IncidentEvent, Message
from monitor.incidents.register import Register
from monitor.incidents.shown import Incidents
from monitor.model import EndpointKey, Flag, FlagChange, Reason, Result, Status, Transition
from monitor.pipeline import Pipeline
from monitor.storage.store import Store
from monitor.web import build
from monitor.web.stream import BEAT_EVERY, Hub
from monitor.web.uptimes import Uptimes
from tests.quiet import NoMessages

INVENTORY = Path(__file__).parents[2] / "config" / "endpoints.yaml"
PHASES = {
    "tcp": {"resolve": 0.001, "connect": 0.018},
    "http": {"resolve": 0.002, "connect": 0.019, "tls": 0.041, "processing": 0.128, "transfer": 0.012},
    "dns": {"request": 0.004},
}


PATIENCE = timedelta(seconds=10)
"""Longer than a cause may take to be decided."""


def make_id() -> str:
    """A new id."""
    return uuid4().hex


Open = Callable[..., Awaitable[Page]]


class Watched:
    """What went wrong in the browser: console errors, script errors, requests that leave the machine."""

    def __init__(self) -> None:
        self._faults: list[str] = []
        self._forgiven: list[str] = []

    @property
    def faults(self) -> list[str]:
        """What went wrong that the test did not bring about itself."""
        return [fault for fault in self._faults if not any(text in fault for text in self._forgiven)]

    def forgive(self, text: str) -> None:
        """The test brings faults about in which ``text`` stands, whenever the browser comes to tell them."""
        self._forgiven.append(text)

    def watch(self, page: Page) -> None:
        page.on("console", lambda message: self._faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self._faults.append(str(error)))
        page.on("request", lambda request: self._request(request.url))

    def _request(self, url: str) -> None:
        if urlsplit(url).hostname != "127.0.0.1":
            self._faults.append(f"left the machine: {url}")


class Clock:
    """The machine's clock, set back or forward."""

    def __init__(self) -> None:
        self.shift = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.shift

    def set_back(self, by: timedelta) -> None:
        self.shift = -by


class NoUptime:
    """Nobody wants the metrics here."""

    def on_uptime(self, point: str, windows: object) -> None:
        """Let it go."""


class NoMetrics:
    """An exposition without lines."""

    async def render(self) -> AsyncIterator[bytes]:
        yield b""


class Kept:
    """Results are written by the test, entries at once: as the recorder does, without its queue."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store

    def add(self, result: Result) -> None:
        """The feeder writes them."""

    async def write(self, entries: Sequence[Entry]) -> bool:
        await self._store().write_entries(entries)
        return True


class World:
    """The parts, and what a test does to them."""

    def __init__(self, config: Config, folder: Path) -> None:
        self.clock = Clock()
        self.clock.set_back(timedelta(hours=3, minutes=12))
        self.board = Board(config, clock=self.clock)
        self.store = Store(f"sqlite:///{folder / 'monitor.db'}")
        self.banners: list[str] = []
        self.incidents = Incidents()
        self.hub = Hub(board=self.board, incidents=self.incidents, clock=self.clock, banners=lambda: self.banners)
        kept = Kept(lambda: self.store)
        self.pipeline = Pipeline(
            board=self.board,
            register=Register(config, make_id=make_id),
            herald=NoMessages(),
            results=kept,
            journal=kept,
            clock=self.clock,
            observers=(self.incidents, self.hub),
        )
        self.uptimes = Uptimes(board=self.board, store=self.store, clock=self.clock, sink=NoUptime())
        self.url = ""
        self._runner: web.AppRunner | None = None
        self._port = 0

    async def serve(self) -> None:
        """Serve on a free port, or on the one before."""
        app = build(
            board=self.board,
            store=self.store,
            metrics=NoMetrics(),
            hub=self.hub,
            uptimes=self.uptimes,
            incidents=self.incidents,
            record=self.pipeline,
            plan=self._reload,
            reload=self._reload,
            clock=self.clock,
            make_id=make_id,
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}"

    async def die(self) -> None:
        """Let the server go, as if the machine had gone."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _reload(self) -> None:
        return

    def endpoints(self, point: str) -> list[Endpoint]:
        """The declared endpoints of a point."""
        return [each for each in self.board.config.endpoints() if each.key.point == point and each.declared]

    async def feed(self, results: Iterable[Result], *, age: bool = True) -> None:
        """What the pipeline does with results, in order, and with the time."""
        fed = list(results)
        for result in fed:
            self.pipeline.accept(result)
        # Whom else it concerns is asked for a while before a cause is decided; here nobody else answers.
        if age:
            self.pipeline.age(self.clock() + PATIENCE)
        await self.store.write_results(fed)
        await self.pipeline.settled()

    async def record(self, events: Sequence[IncidentEvent], messages: Sequence[Message] = ()) -> None:
        """What operators, evidence and deliveries add."""
        self.pipeline.record(events=events)
        await self.store.write_entries(messages)
        await self.pipeline.settled()

    async def all_up(self, *, but: Sequence[str] = ()) -> None:
        """A good result of every declared endpoint, now."""
        now = self.clock()
        await self.feed(
            self.up(each, now) for each in self.board.config.endpoints() if each.declared and each.key.point not in but
        )

    def up(self, endpoint: Endpoint, at: datetime, *, reason: Reason = Reason.OK, scale: float = 1.0) -> Result:
        """A result that found it well (or beyond a budget)."""
        spread = 0.7 + 0.6 * (hash(endpoint.key) % 97) / 97
        phases = {name: seconds * scale * spread for name, seconds in PHASES[endpoint.module.prober].items()}
        facts = {}
        if endpoint.module.prober == "http":
            expiry = (at + timedelta(days=61, hours=2)).timestamp()
            facts = {"probe_http_status_code": 200.0, "probe_ssl_earliest_cert_expiry": expiry}
        if endpoint.module.prober == "dns":
            facts = {"probe_dns_answer_rrs": 1.0}
        return Result(
            key=endpoint.key,
            vantage="local",
            begun=at,
            latency_seconds=sum(phases.values()),
            reason=reason,
            address="127.10.27.9",
            phases=phases,
            facts=facts,
        )

    async def fail(
        self,
        points: Collection[str],
        reason: Reason = Reason.TIMEOUT,
        phase: str = "connect",
        *,
        only: str = "",
        ago: timedelta = timedelta(),
        detail: str = "",
    ) -> None:
        """Failures enough to confirm, the first begun ``ago``, of the points' endpoints (or only one of them), all of
        them at once. What began first is to be fed first."""
        failures: list[Result] = []
        for point in points:
            for endpoint in self.endpoints(point):
                if only and endpoint.key.endpoint != only:
                    continue
                begun = self.clock() - ago
                failed = replace(
                    self.up(endpoint, begun),
                    reason=reason,
                    failed_phase=phase,
                    detail=detail,
                    facts={},
                    phases={phase: 3.0},
                )
                failures += [
                    replace(failed, begun=begun + timedelta(seconds=number)) for number in range(endpoint.down_after)
                ]
        await self.feed(
            [*sorted(failures, key=lambda failure: failure.begun), *self.others(points, self.clock() - ago)]
        )

    def others(self, points: Collection[str], at: datetime) -> list[Result]:
        """Everybody else's line answers meanwhile: what a failure's cause is judged by."""
        views = self.board.points().values()
        well = [view for view in views if view.status is Status.UP and view.point.id not in points]
        return [self.up(view.point.endpoints[0], at) for view in well if view.point.declared]

    async def decide(
        self, points: Iterable[str], status: Status, fault: str, reason: Reason = Reason.TIMEOUT, *, ago: timedelta
    ) -> None:
        """What the board would decide of these points: rows of a fault that lies elsewhere."""
        now = self.clock()
        views = self.board.points()
        self.pipeline.decide(
            [
                Transition(
                    key=EndpointKey(point, ""), at=now - ago, recorded_at=now, status=status, fault=fault,
                    previous=views[point].status, reason=reason, failed_phase="connect", culprit="link",
                )
                for point in points
            ]
        )  # fmt: skip
        await self.pipeline.settled()

    async def flag(self, point: str, flag: Flag, *, source: str = "") -> None:
        """What the board would say of a point beside its status."""
        now = self.clock()
        row = FlagChange(key=EndpointKey(point, ""), flag=flag, on=True, at=now, recorded_at=now, source=source)
        self.pipeline.decide([row])
        await self.pipeline.settled()

    async def slow(self, points: Iterable[str], *, only: str = "link", ago: timedelta = timedelta()) -> None:
        """Answers beyond the budget of latency."""
        for point in points:
            for endpoint in self.endpoints(point):
                if endpoint.key.endpoint == only:
                    begun = self.clock() - ago
                    for number in range(3):
                        at = begun + timedelta(seconds=number)
                        await self.feed([self.up(endpoint, at, reason=Reason.LATENCY, scale=60)])

    async def recover(self, points: Iterable[str], *, ago: timedelta = timedelta()) -> None:
        """Good answers enough to confirm."""
        for point in points:
            for endpoint in self.endpoints(point):
                begun = self.clock() - ago
                await self.feed(
                    self.up(endpoint, begun + timedelta(seconds=number)) for number in range(endpoint.up_after)
                )


@asynccontextmanager
async def world(config: Config, folder: Path) -> AsyncIterator[World]:
    """A world that is served, in which everything was well three hours and twelve minutes ago, and it is now."""
    made = World(config, folder)
    async with AsyncExitStack() as stack:
        await made.store.open()
        stack.push_async_callback(made.store.close)
        run = await made.store.begin_run("local", made.clock())
        running = asyncio.create_task(made.pipeline.run())
        stack.push_async_callback(_cancel, running)
        await made.all_up()
        made.clock.set_back(timedelta())
        await made.store.mark_alive(run, made.clock())
        await made.serve()
        stack.push_async_callback(made.die)
        beating = asyncio.create_task(_beat(made))
        stack.push_async_callback(_cancel, beating)
        yield made


async def _beat(world: World) -> None:
    while True:
        world.hub.beat()
        await asyncio.sleep(BEAT_EVERY.total_seconds())


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
