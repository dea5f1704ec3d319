"""The program wired as it runs: starts, stops and reloads while its database is away, locked or slow."""

import asyncio
import os
import re
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from monitor.app import Assembly, CannotStart, serve
from monitor.config import ConfigError, Problem
from monitor.config.model import Config, Endpoint, Module, Point, Server, Storage
from monitor.incidents.model import EventKind, IncidentEvent
from monitor.ledger import timeline, uptime
from monitor.model import EndpointKey, Reason, Resume, Status, Transition
from monitor.probes.network import Network
from monitor.probes.tcp import TcpOptions
from monitor.storage.spool import Spool
from monitor.storage.store import Store

CONNECT = Module(name="tcp", prober="tcp", options=TcpOptions(preferred_ip_protocol="ip4"))
LINK = EndpointKey("a", "link")
POINT = EndpointKey("a", "")


def now() -> datetime:
    return datetime.now(UTC)


def point(name: str, target: str) -> Point:
    link = Endpoint(
        key=EndpointKey(name, "link"),
        name="link",
        target=target,
        module=CONNECT,
        interval=timedelta(seconds=1),
        timeout=timedelta(milliseconds=250),
        retry_every=timedelta(milliseconds=50),
        down_after=3,
        up_after=2,
        link=True,
        critical=True,
        declared=True,
        fingerprint=target,
    )
    return Point(id=name, name=name, kind="ward", endpoints=(link,))


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Let the others run until it holds; the test's own time limit is the only bound."""
    while not await condition():  # noqa: ASYNC110  (others' processes and files tell nobody)
        await asyncio.sleep(0.02)


@pytest.fixture
def target() -> Iterator[str]:
    """Something that accepts connections."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(100)
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@dataclass
class Place:
    """A configuration that a test may change, and where the program keeps its things."""

    folder: Path
    config: Config
    bad: bool = False

    @property
    def file(self) -> Path:
        return self.folder / "data" / "monitor.db"

    def load(self) -> Config:
        if self.bad:
            raise ConfigError([Problem("endpoints.yaml", 1, "", "bad")])
        return self.config

    def configure(self, *points: Point) -> None:
        self.config = replace(self.config, points=points)

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        store = Store(self.config.storage.url)
        try:
            yield store
        finally:
            await store.close()

    @asynccontextmanager
    async def running(
        self, *, servers: Sequence[tuple[str, int]] = (), store: Store | None = None
    ) -> AsyncIterator["Running"]:
        """The program, from its announcement to SIGTERM and its end."""
        announced = asyncio.Event()
        urls: list[str] = []

        def announce(_: Config, url: str) -> None:
            urls.append(url)
            announced.set()

        async with self.store() as own, Network(servers=servers) as network, aiohttp.ClientSession() as session:
            program = Assembly(
                self.config, load=self.load, network=network, store=store or own, session=session, simulated=False
            )
            async with asyncio.TaskGroup() as group:
                task = group.create_task(program.run(announce))
                await announced.wait()
                try:
                    yield Running(program, urls[0], session)
                finally:
                    os.kill(os.getpid(), signal.SIGTERM)
                    await task

    @contextmanager
    def away(self) -> Iterator[Callable[[], None]]:
        """The database's directory is gone, and cannot be made, until what is given is called or the block ends."""
        home, elsewhere = self.file.parent, self.folder / "elsewhere"
        if home.exists():
            home.rename(elsewhere)
        home.write_text("in the way")

        def come_back() -> None:
            if home.is_file():
                home.unlink()
                if elsewhere.exists():
                    elsewhere.rename(home)

        try:
            yield come_back
        finally:
            come_back()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Another program is writing, within the block."""
        with closing(sqlite3.connect(self.file, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")

    async def rows(self, key: EndpointKey) -> Sequence[Transition]:
        async with self.store() as store:
            return (await store.history(key, now() - timedelta(hours=1), now())).transitions

    async def resume(self) -> Resume:
        async with self.store() as store:
            return await store.resume("local", now())

    async def registered(self) -> set[EndpointKey]:
        return set((await self.resume()).fingerprints) if self.file.exists() else set()


@dataclass
class Running:
    """The program as others see it."""

    program: Assembly
    url: str
    session: aiohttp.ClientSession

    async def get(self, path: str) -> Any:
        async with self.session.get(self.url + path) as answer:
            return await answer.json()

    async def point(self, name: str = "a") -> Any:
        return await self.get(f"api/v1/points/{name}")

    async def metric(self, name: str) -> float:
        async with self.session.get(self.url + "metrics") as answer:
            found = re.search(rf"^{name} (\S+)$", await answer.text(), re.MULTILINE)
        assert found is not None
        return float(found[1])

    def shows(self, status: str, name: str = "a") -> Callable[[], Awaitable[bool]]:
        async def look() -> bool:
            return bool((await self.point(name))["status"] == status)

        return look

    async def open_incidents(self) -> list[tuple[int, str]]:
        return [
            (each["number"], each["fault"]["subject"]) for each in (await self.get("api/v1/incidents"))["incidents"]
        ]

    def holds_incidents(self, *wanted: tuple[int, str]) -> Callable[[], Awaitable[bool]]:
        async def look() -> bool:
            return await self.open_incidents() == [*wanted]

        return look


def went_down(name: str, at: datetime) -> Sequence[Transition]:
    """It was up for a minute, then it wasn't."""
    key, before = EndpointKey(name, ""), at - timedelta(minutes=1)
    up = Transition(
        key=key, at=before, recorded_at=before, status=Status.UP, previous=Status.UNKNOWN, reason=Reason.OK, first=True
    )
    return up, replace(
        up, at=at, recorded_at=at, status=Status.DOWN, previous=Status.UP, reason=Reason.REFUSED, first=False
    )


def opened(uid: str, number: int, name: str) -> Sequence[IncidentEvent]:
    """An incident that is a minute old."""
    began = now() - timedelta(minutes=1)
    data = {"number": number, "fault": f"point:{name}", "severity": "critical", "began": began.isoformat()}
    first = IncidentEvent(id=f"{uid}-1", incident=uid, kind=EventKind.OPENED, at=began, recorded_at=began, data=data)
    joined = {"status": "down", "reason": "refused", "failed_phase": "connect", "culprit": "link"}
    return first, replace(first, id=f"{uid}-2", kind=EventKind.JOINED, point=name, data=joined)


@pytest.fixture
def place(tmp_path: Path, target: str) -> Place:
    storage = Storage(
        url=f"sqlite:///{tmp_path / 'data' / 'monitor.db'}", spool=tmp_path / "spool", spool_bytes=1024 * 1024
    )
    return Place(tmp_path, Config(server=Server(port=0), storage=storage, points=(point("a", target),)))


# -- the database at the start ----------------------------------------------------------------------------------------


async def test_a_restart_brings_back_since_when(place: Place) -> None:
    async with place.running() as program:
        await until(program.shows("up"))
        since = (await program.point())["since"]
    async with place.running() as program:
        assert (await program.point())["since"] == since


async def test_a_restart_beside_another_program_that_writes_brings_it_back_too(place: Place) -> None:
    async with place.running() as program:
        await until(program.shows("up"))
        since = (await program.point())["since"]
    place.configure(*place.config.points, point("b", "127.0.0.1:9"))
    with place.locked():
        async with place.running() as program:
            assert (await program.point())["since"] == since
            await until(program.shows("down", "b"))
            assert await program.metric("lienthong_spool_transitions") > 0


async def test_a_database_that_comes_after_the_start_gets_everything(place: Place) -> None:
    with place.away() as come_back:
        async with place.running() as program:
            await until(program.shows("up"))
            assert await program.metric("lienthong_spool_transitions") == 2
            come_back()

            async def registered() -> bool:
                return await place.registered() == {LINK}

            await until(registered)
    resume = await place.resume()
    assert resume.statuses[POINT].status is Status.UP
    assert resume.last_alive is not None
    assert resume.last_alive >= max(result.begun for result in resume.recent[LINK])


async def test_what_was_up_before_does_not_stay_up_when_nothing_can_be_asked_any_more(place: Place) -> None:
    async with place.running() as program:
        await until(program.shows("up"))
    place.configure(point("a", "a.example:1"))
    restarted = now()
    with place.away() as come_back:
        async with place.running(servers=[("127.0.0.1", 9)]) as program:
            assert (await program.point())["status"] == "unknown"
            come_back()

            async def unknown() -> bool:
                rows = await place.rows(POINT) if place.file.exists() else []
                return bool(rows) and rows[-1].status is Status.UNKNOWN

            await until(unknown)
    async with place.store() as store:
        history = await store.history(POINT, restarted, now())
    spent = uptime(timeline(history.transitions, history.observations, restarted, now())).by_status
    assert spent[Status.UP] == timedelta()
    assert spent[Status.UNKNOWN] > timedelta()


async def test_an_incident_goes_on_when_the_database_comes_after_the_start(place: Place) -> None:
    """It is the same one, and no number is given twice."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place.configure(point("a", "127.0.0.1:1"), point("b", f"127.0.0.1:{listener.getsockname()[1]}"))
        async with place.store() as store:
            await store.write_entries([*went_down("a", now() - timedelta(minutes=1)), *opened("before", 7, "a")])
        with place.away() as come_back:
            async with place.running() as program:
                await until(program.shows("down", "a"))
                await until(program.shows("up", "b"))
                assert await program.open_incidents() == []
                come_back()
                await until(program.holds_incidents((7, "a")))
                listener.close()
                await until(program.holds_incidents((8, "b"), (7, "a")))


async def test_what_was_done_without_the_database_is_in_the_audit_when_it_is_back(place: Place) -> None:
    with place.away() as come_back:
        async with place.running() as program:
            async with program.session.post(program.url + "-/reload") as answer:
                assert answer.ok
            come_back()

            async def written() -> bool:
                if not place.file.exists():
                    return False
                async with place.store() as store:
                    rows, _ = await store.audit()
                return [row.act for row in rows] == ["reload"]

            await until(written)


# -- reloads ----------------------------------------------------------------------------------------------------------


class SlowToResume(Store):
    """A store whose history comes when it may."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked = asyncio.Event()
        self.may = asyncio.Event()

    async def resume(self, vantage: str, now: datetime) -> Resume:
        self.asked.set()
        await self.may.wait()
        return await super().resume(vantage, now)


async def test_a_reload_while_the_history_is_read_is_done_after_it(place: Place, target: str) -> None:
    store = SlowToResume(place.config.storage.url)
    async with Network() as network, aiohttp.ClientSession() as session:
        program = Assembly(
            place.config, load=place.load, network=network, store=store, session=session, simulated=False
        )
        async with asyncio.TaskGroup() as group:
            running = group.create_task(program.run(lambda _, __: None))
            await store.asked.wait()
            place.configure(point("b", target))
            os.kill(os.getpid(), signal.SIGHUP)
            reload = group.create_task(program.reload())
            await asyncio.sleep(0)
            store.may.set()
            await reload

            async def probed() -> bool:
                return bool(await store.transitions(now() - timedelta(hours=1), now(), point="b"))

            await until(probed)
            os.kill(os.getpid(), signal.SIGTERM)
            await running
        assert not await store.transitions(now() - timedelta(hours=1), now(), point="a")
        await store.close()


async def test_what_is_read_at_the_start_only_stays_as_it_is(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    started = place.config
    async with place.running() as program:
        place.config = replace(
            started,
            vantage="elsewhere",
            server=Server(port=1, tokens=("0123456789abcdef",)),
            storage=replace(started.storage, url="sqlite:///other.db", keep_results=timedelta(days=1)),
        )
        await program.program.reload()
        assert "vantage, server, storage changed: that takes effect at the next start" in caplog.text
        await until(program.shows("up"))
    place.config = started
    assert set((await place.resume()).recent) == {LINK}


async def test_a_bad_file_on_sighup_leaves_everything_as_it_is(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    async with place.running() as program:
        place.bad = True
        os.kill(os.getpid(), signal.SIGHUP)

        async def told() -> bool:
            return await program.metric("lienthong_config_last_reload_successful") == 0

        await until(told)
        assert "the old one stays in force" in caplog.text
        place.bad = False
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: _not(told))
        await until(program.shows("up"))


async def _not(condition: Callable[[], Awaitable[bool]]) -> bool:
    return not await condition()


async def test_a_reload_without_the_database_is_registered_when_it_is_back(place: Place, target: str) -> None:
    async with place.running() as program:
        await until(program.shows("up"))
        with place.locked():
            place.configure(*place.config.points, point("b", target))
            await program.program.reload()
            await until(program.shows("up", "b"))

        async def registered() -> bool:
            return await place.registered() == {LINK, EndpointKey("b", "link")}

        await until(registered)


# -- the end ----------------------------------------------------------------------------------------------------------


async def test_a_signal_during_the_start_ends_it_as_soon_as_it_has_started(place: Place) -> None:
    store = SlowToResume(place.config.storage.url)
    async with Network() as network, aiohttp.ClientSession() as session:
        program = Assembly(
            place.config, load=place.load, network=network, store=store, session=session, simulated=False
        )
        async with asyncio.TaskGroup() as group:
            running = group.create_task(program.run(lambda _, __: None))
            await store.asked.wait()
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGINT)
            store.may.set()
            await running
        await store.close()
    assert (await place.resume()).last_alive is not None


async def test_what_is_found_until_the_end_is_kept_without_a_database(place: Place) -> None:
    async with place.running() as program:
        await until(program.shows("up"))
    place.configure(*place.config.points, point("b", "127.0.0.1:9"))
    with place.away():
        async with place.running() as program:
            await until(program.shows("down", "b"))
            since = datetime.fromisoformat((await program.point("b"))["since"])
    async with place.running() as program:
        assert await program.metric("lienthong_spool_transitions") == 0
    assert [row.at for row in await place.rows(EndpointKey("b", ""))] == [since]


async def test_a_second_program_on_the_same_history_is_refused(place: Place) -> None:
    spool = Spool(place.config.storage.spool, place.config.storage.spool_bytes)
    spool.open()
    try:
        with pytest.raises(CannotStart, match="is in use: another monitor runs on it"):
            await serve(load=place.load, announce=lambda _, __: None)
    finally:
        spool.close()
