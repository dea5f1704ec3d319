"""The real application on a loopback socket: real board, database and metrics; only the clock is set by hand."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web
from jsonschema import Draft202012Validator, FormatChecker

from monitor.board import Board
from monitor.config import ConfigError
from monitor.config.model import Area, Config, Contact, Dependency, Endpoint, Location, Module, Point, Server
from monitor.incidents.model import Entry
from monitor.incidents.register import Register
from monitor.incidents.shown import Incidents
from monitor.metrics import Metrics
from monitor.model import EndpointKey, Reason, Result, Row
from monitor.pipeline import Pipeline
from monitor.probes import find_probers
from monitor.probes.base import Options
from monitor.storage.errors import StorageError
from monitor.storage.store import Store
from monitor.web import build
from monitor.web.stream import Hub
from monitor.web.uptimes import Uptimes
from tests.quiet import NoMessages

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
TOKEN = "a-token-for-tests"


class PlainOptions(Options):
    """No option."""


def endpoint(point: str, name: str, **changes: Any) -> Endpoint:
    given = Endpoint(
        key=EndpointKey(point, name), name=name, target=f"https://{point}.example/{name}",
        module=Module(name="https_2xx", prober="http", options=PlainOptions()), interval=timedelta(seconds=15),
        timeout=timedelta(seconds=3), retry_every=timedelta(seconds=1), down_after=3, up_after=2,
        link=name == "link", critical=True, declared=True, fingerprint="f",
    )  # fmt: skip
    return replace(given, **changes)


def ward(name: str, words: str, area: str, **changes: Any) -> Point:
    given = Point(
        id=name, name=words, kind="ward", area=area, code=f"0{len(name)}123", unit_type="phường",
        location=Location(latitude=21.03, longitude=105.85), labels={"provider": "vnpt"}, hours="24/7",
        depends_on=(Dependency(any_of=("hub",)),), contact=Contact(name="Trần Thu Hà", phone="024 1022"),
        endpoints=(endpoint(name, "link"), endpoint(name, "portal")),
    )  # fmt: skip
    return replace(given, **changes)


class Exact(float):
    """A number that remembers how it was written, as round-trip YAML readers have it."""


CONFIG = Config(
    server=Server(tokens=(TOKEN,)),
    areas=(Area(id="hoan-kiem", name="Hoàn Kiếm", column=6, row=3), Area(id="ba-vi", name="Ba Vì", column=1, row=2)),
    points=(
        ward("cua-nam", "Phường Cửa Nam", "hoan-kiem"),
        ward("minh-chau", "Xã Minh Châu", "ba-vi"),
        ward("ba-vi", "Xã Ba Vì", "ba-vi", location=None, depends_on=()),
        Point(id="hub", name="Hub Trung tâm", kind="hub", endpoints=(endpoint("hub", "link"),)),
        Point(id="bon", name="Xã Bốn", kind="ward", endpoints=(endpoint("bon", "link", declared=False),)),
    ),
    document={
        "server": {"tokens": ["<secret>"]},
        "points": ({"id": "cua-nam", "hours": None, "n": Exact(1.5), "port": 443, "link": True},),
    },
)


class Clock:
    """A time that stands until it is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class World:
    """Everything behind the application, and the application's address."""

    clock: Clock
    board: Board
    store: Store
    metrics: Metrics
    hub: Hub
    uptimes: Uptimes
    incidents: Incidents
    pipeline: Pipeline
    banners: list[str]
    bad: list[Any]
    app: web.Application = field(default_factory=web.Application)
    url: str = ""
    client: aiohttp.ClientSession | None = None
    ready: bool = True
    reloads: int = 0

    async def accept(self, *results: Result) -> None:
        """Walk the one path: board, database, then those who watch."""
        for result in results:
            self.pipeline.accept(result)
        await self.store.write_results(results)
        await self.pipeline.settled()

    async def show(self, rows: Sequence[Row]) -> None:
        self.pipeline.decide(rows)
        await self.pipeline.settled()

    async def plan(self) -> None:
        """Make the stored windows take effect at once."""
        self.board.plan((*self.board.config.maintenance, *await self.store.windows()))
        self.pipeline.age(self.clock())

    async def reload(self) -> None:
        if self.bad:
            raise ConfigError(self.bad)
        self.reloads += 1

    def get(self, path: str, **more: Any) -> Any:
        assert self.client is not None
        return self.client.get(self.url + path, **more)

    def post(self, path: str, **more: Any) -> Any:
        assert self.client is not None
        return self.client.post(self.url + path, **more)

    def delete(self, path: str, **more: Any) -> Any:
        assert self.client is not None
        return self.client.delete(self.url + path, **more)

    async def json(self, path: str, status: int = 200, **more: Any) -> Any:
        async with self.get(path, **more) as response:
            assert response.status == status, await response.text()
            return await response.json(content_type=None)


def result(point: str, name: str, seconds: float, **changes: Any) -> Result:
    given = Result(
        key=EndpointKey(point, name), vantage="local", begun=NOW + timedelta(seconds=seconds), latency_seconds=0.25,
        reason=Reason.OK, phases={"resolve": 0.1, "connect": 0.15}, address="127.1.2.3",
        facts={"probe_http_status_code": 200.0, "probe_ip_protocol": 4.0},
    )  # fmt: skip
    return replace(given, **changes)


@asynccontextmanager
async def serving(world: World) -> AsyncIterator[World]:
    """``world`` behind a socket of its own, with a client."""
    world.app = build(
        board=world.board, store=world.store, metrics=world.metrics, hub=world.hub, uptimes=world.uptimes,
        incidents=world.incidents, record=world.pipeline, plan=world.plan, reload=world.reload, clock=world.clock,
        make_id=make_id, ready=lambda: world.ready,
    )  # fmt: skip
    runner = web.AppRunner(world.app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        world.url = "http://{}:{}".format(*runner.addresses[0][:2])
        async with aiohttp.ClientSession() as world.client:
            yield world
    finally:
        await runner.cleanup()


class NoResults:
    """The results are written by hand, before the path goes on."""

    def add(self, result: Result) -> None:
        return


class Directly:
    """A journal that is the database, whether it is there or not."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def write(self, entries: Sequence[Entry]) -> bool:
        try:
            await self._store.write_entries(entries)
        except StorageError:
            return False
        return True


def make_id() -> str:
    return uuid4().hex


@asynccontextmanager
async def walking(pipeline: Pipeline) -> AsyncIterator[None]:
    """The one path, while the context lasts."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(pipeline.run())
        try:
            yield
        finally:
            pipeline.close()


@pytest.fixture
async def quiet(tmp_path: Path) -> AsyncIterator[World]:
    """Nothing has been probed yet."""
    clock = Clock()
    store = Store(f"sqlite:///{tmp_path}/monitor.db")
    await store.open()
    board = Board(CONFIG, clock=clock)
    incidents = Incidents()
    metrics = Metrics(CONFIG, board=board, probers=find_probers(), clock=clock, version="1.2")
    banners: list[str] = []
    hub = Hub(board=board, incidents=incidents, clock=clock, banners=lambda: banners)
    pipeline = Pipeline(
        board=board, register=Register(CONFIG, make_id=make_id), herald=NoMessages(), results=NoResults(),
        journal=Directly(store), clock=clock, observers=[incidents, metrics, hub],
    )  # fmt: skip
    uptimes = Uptimes(board=board, store=store, clock=clock, sink=metrics)
    world = World(clock, board, store, metrics, hub, uptimes, incidents, pipeline, banners, [])
    async with walking(pipeline), serving(world):
        yield world
    await store.close()


@pytest.fixture
async def world(quiet: World) -> World:
    """An hour's story: all is well at first, Minh Châu loses its link after half an hour."""
    run = await quiet.store.begin_run("local", NOW)
    endpoints = [each.key for each in CONFIG.endpoints() if each.declared]
    story = []
    for second in range(0, 3600, 30):
        quiet.clock.now = NOW + timedelta(seconds=second + 1)
        for key in endpoints:
            if key.point == "minh-chau" and second >= 1800:
                lost = {"reason": Reason.TIMEOUT, "failed_phase": "connect", "detail": "no answer", "facts": {}}
                story.append(result(*key, second, phases={}, **lost))
            else:
                story.append(result(*key, second, latency_seconds=0.25 + second / 10000))
            quiet.pipeline.accept(story[-1])
    await quiet.store.write_results(story)
    quiet.clock.now = NOW + timedelta(hours=1)
    await quiet.pipeline.settled()
    await quiet.store.mark_alive(run, quiet.clock.now)
    return quiet


@pytest.fixture
async def document(world: World) -> dict[str, Any]:
    return cast("dict[str, Any]", await world.json("/api/v1/openapi.json"))


@pytest.fixture
async def ask(world: World, document: dict[str, Any]) -> Any:
    """Ask for a path of the document with its parameters filled in; the answer must be what the document says."""

    async def send(
        path: str, expected: int = 200, *, method: str = "get", json: Any = None,
        headers: Mapping[str, str] | None = None, number: int | str = 1, **query: Any,
    ) -> Any:  # fmt: skip
        answers = document["paths"][path][method]["responses"]
        ((kind, content),) = answers[str(expected)]["content"].items()
        assert world.client is not None
        url = world.url + path.replace("{id}", query.pop("id", "minh-chau")).replace("{number}", str(number))
        async with world.client.request(method, url, params=query, json=json, headers=headers) as response:
            answer = await response.json(content_type=None)
            assert (response.status, response.content_type) == (expected, kind), answer
        schema = {"$ref": content["schema"]["$ref"], "components": document["components"]}
        Draft202012Validator(schema, format_checker=FormatChecker()).validate(answer)
        return answer

    return send


@pytest.fixture
def say_result() -> Any:
    return result


@pytest.fixture
def token() -> str:
    return TOKEN
