"""The real program on the simulated network, each a process of its own, with a receiver of messages beside them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from tests.integration.scenarios.inventory import DOMAIN, SUBNET, Inventory

PATIENCE_SECONDS = 90
OFTEN = 0.05


@dataclass
class Receiver:
    """The end of a webhook channel: keeps what comes, in order. ``refusing`` answers 503, ``hanging`` never answers."""

    letters: list[dict[str, Any]] = field(default_factory=list)
    arrived: list[datetime] = field(default_factory=list)
    refusing: bool = False
    hanging: bool = False
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.json()
        if self.hanging:
            await asyncio.sleep(3600)
        if self.refusing:
            return web.Response(status=503)
        self.letters.append(body)
        self.arrived.append(datetime.now(UTC))
        return web.Response()

    @property
    def told(self) -> list[str]:
        """What was told, a line each, in order and once an id: ``opened point:ward-1``; digests item by item."""
        seen: set[str] = set()
        lines = []
        for letter in self.letters:
            if letter["id"] not in seen:
                seen.add(letter["id"])
                lines += [_line(item) for item in letter["items"]]
        return lines

    @property
    def envelopes(self) -> int:
        """How many messages people got."""
        return len({letter["id"] for letter in self.letters})

    def when(self, line: str) -> datetime:
        """When it was told first."""
        for letter, moment in zip(self.letters, self.arrived, strict=True):
            if line in map(_line, letter["items"]):
                return moment
        raise AssertionError(f"{line} was not told: {self.told}")


def _line(item: dict[str, Any]) -> str:
    fault = item["data"]["fault"]
    return f"{item['kind']} {fault['kind']}:{fault['subject']}"


class World:
    """One run of everything over ``folder``."""

    def __init__(self, folder: Path, inventory: Inventory, receiver: Receiver, field: dict[str, Any]) -> None:
        self.folder = folder
        self.inventory = inventory
        self.receiver = receiver
        self._field = field
        self._program: asyncio.subprocess.Process | None = None
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20))
        self.url = ""
        self.environment: dict[str, str] = {}
        self.calm_at: datetime | None = None
        self.struck_at: datetime | None = None

    # --- the program ---

    def write(self) -> None:
        """Write the configuration as the inventory has it now."""
        servers = [f"{host}:{port}" for host, port in self._field["servers"]]
        text = self.inventory.text(
            database=f"sqlite+aiosqlite:///{self.folder / 'monitor.db'}",
            spool=str(self.folder / "spool"),
            listen="127.0.0.1:0",
            servers=servers,
            hook=self.receiver.url,
            ca_file=self._field["ca_file"],
        )
        (self.folder / "points.yaml").write_text(text)

    async def start(self) -> None:
        """Start the program and wait for its address."""
        with (self.folder / "log").open("a") as log:
            self._program = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "monitor", "run", "--config", str(self.folder / "points.yaml"),
                stdout=asyncio.subprocess.PIPE, stderr=log, env={**os.environ, **self.environment},
            )  # fmt: skip
        assert self._program.stdout is not None
        line = (await self._program.stdout.readline()).decode()
        assert "http" in line, f"it did not start: {line}{self.log()}"
        self.url = line.split()[-1].rstrip("/")

    async def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal and wait for the end."""
        if self._program is not None:
            program, self._program = self._program, None
            program.send_signal(number)
            await program.communicate()

    async def kill(self) -> None:
        await self.end(signal.SIGKILL)

    async def reload(self) -> None:
        """Let the running program take the inventory as it is now."""
        self.write()
        async with self._session.post(f"{self.url}/-/reload") as answer:
            assert answer.status == 200, await answer.text()

    async def close(self) -> None:
        await self.kill()
        await self._session.close()

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    # --- the simulated network ---

    async def order(self, names: str | Iterable[str], conduct: str = "normal", *, port: int = 0) -> datetime:
        """Tell the hosts of points what to do; from when on, at the earliest, they do it."""
        begun = datetime.now(UTC)
        if conduct != "normal" and self.struck_at is None:
            self.struck_at = begun
        names = [names] if isinstance(names, str) else list(names)
        hosts = [name if "*" in name else f"{name}.{DOMAIN}" for name in names]
        body = {"hosts": hosts, "conduct": conduct, "port": port}
        async with self._session.put(f"{self._field['control']}/hosts", json=body) as answer:
            assert answer.status == 200, await answer.text()
        return begun

    async def heal(self) -> datetime:
        """Everything is normal again; from when on, at the earliest."""
        begun = datetime.now(UTC)
        async with self._session.delete(f"{self._field['control']}/hosts") as answer:
            assert answer.status == 200
        return begun

    # --- asking ---

    async def get(self, path: str, **query: Any) -> Any:
        async with self._session.get(f"{self.url}{path}?{urlencode(query)}") as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def page(self, path: str) -> str:
        """A page as a browser gets it."""
        async with self._session.get(f"{self.url}{path}", headers={"Accept": "text/html"}) as answer:
            assert answer.status == 200
            return await answer.text()

    async def post(self, path: str, **content: Any) -> Any:
        async with self._session.post(f"{self.url}{path}", json=content) as answer:
            assert answer.status in (200, 201), await answer.text()
            return await answer.json()

    async def statuses(self) -> dict[str, str]:
        """Each point's status."""
        return {point["id"]: point["status"] for point in (await self.get("/api/v1/points"))["points"]}

    async def incidents(self, state: str = "all") -> list[dict[str, Any]]:
        """Oldest first."""
        found: list[dict[str, Any]] = (await self.get("/api/v1/incidents", state=state, limit=200))["incidents"]
        return sorted(found, key=lambda incident: int(incident["number"]))

    async def incident(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = await self.get(f"/api/v1/incidents/{number}")
        return found

    async def spent(self, point: str, begin: datetime, end: datetime) -> dict[str, float]:
        """Seconds that the ledger books for a point between the two, by status; those that are zero left out."""
        window = await self._window(point, begin, end)
        return {status: seconds for status, seconds in window["by_status_seconds"].items() if seconds}

    async def booked(self, point: str, begin: datetime, end: datetime) -> tuple[float | None, float | None]:
        """Connectivity and service between the two."""
        window = await self._window(point, begin, end)
        return window["connectivity_ratio"], window["service_ratio"]

    async def maintenance(self, point: str, begin: datetime, end: datetime) -> float:
        """Seconds between the two in which the point was being worked on."""
        return float((await self._window(point, begin, end))["maintenance_seconds"])

    async def proves(
        self,
        number: int,
        status: str,
        *,
        own: Collection[str] = (),
        also: Collection[str] = ("faulty",),
        before: bool = True,
    ) -> dict[str, Any]:
        """The ledger bears out an incident that is over; the incident.

        Each point has ``status`` for as long as it was affected, those of ``own`` are down, and ``before`` that all
        were up since everything was calm. ``also``: what may be for a part of it, as when a page fails or is back
        before its link.
        """
        incident = await self.incident(number)
        for each in incident["points_affected"]:
            point, since, until = each["point"], *(datetime.fromisoformat(each[name]) for name in ("since", "until"))
            spent = await self.spent(point, since, until)
            wanted = "down" if point in own else status
            assert spent.get(wanted, 0) > 0, (point, spent)
            assert spent.keys() <= {wanted, *also}, (point, spent)
            if before:
                assert self.calm_at is not None
                earlier = await self.spent(point, self.calm_at, since)
                assert earlier.keys() <= {"up", *also}, (point, earlier)
        return incident

    async def _window(self, point: str, begin: datetime, end: datetime) -> dict[str, Any]:
        answer = await self.get(f"/api/v1/points/{point}/uptime", **{"from": begin.isoformat(), "to": end.isoformat()})
        (subject,) = (each for each in answer["subjects"] if not each["endpoint"])
        window: dict[str, Any] = subject["windows"][0]
        return window

    # --- waiting ---

    async def until(self, holds: Callable[[], Awaitable[bool]], what: str) -> None:
        """Ask until it holds."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await holds():  # noqa: ASYNC110  (another process tells nobody)
                    await asyncio.sleep(OFTEN)
        except TimeoutError:
            told = "\n".join(self.receiver.told)
            raise AssertionError(f"never: {what}\ntold:\n{told}\n{self.log()[-4000:]}") from None

    async def until_status(self, points: str | Sequence[str], status: str) -> None:
        """Wait until these points have the status."""
        wanted = [points] if isinstance(points, str) else list(points)

        async def holds() -> bool:
            now = await self.statuses()
            return all(now[point] == status for point in wanted)

        await self.until(holds, f"{wanted} {status}")

    async def calm(self) -> None:
        """Wait until every point is up."""

        async def holds() -> bool:
            return set((await self.statuses()).values()) == {"up"}

        await self.until(holds, "all up")
        self.calm_at = self.calm_at or datetime.now(UTC)

    async def told(self, count: int) -> list[str]:
        """Wait until so many things were told; all of them."""

        async def holds() -> bool:
            return len(self.receiver.told) >= count

        await self.until(holds, f"{count} told")
        return self.receiver.told

    async def quiet(self, *, rounds: int = 4) -> None:
        """Wait until everything could have been probed so many times more."""
        endpoints = sum(max(1, len(point.get("endpoints", ()))) for point in self.inventory.points)
        enough = await self._results() + rounds * endpoints

        async def holds() -> bool:
            return await self._results() >= enough

        await self.until(holds, f"{rounds} rounds of probes")

    async def _results(self) -> float:
        async with self._session.get(f"{self.url}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("lienthong_results_total{"))


@asynccontextmanager
async def world(folder: Path, inventory: Inventory) -> AsyncIterator[World]:
    """Everything started and calm, on a subnet of its own."""
    receiver = Receiver()
    application = web.Application(client_max_size=16 * 1024 * 1024)
    application.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        async with simulated(folder, inventory) as field:
            everything = World(folder, inventory, receiver, field)
            try:
                everything.write()
                yield everything
            finally:
                await everything.close()
    finally:
        await runner.cleanup()


@asynccontextmanager
async def simulated(folder: Path, inventory: Inventory, *, subnet: str = SUBNET) -> AsyncIterator[dict[str, Any]]:
    """The simulated network's process over the inventory's hosts."""
    path = folder / "field.yaml"
    text = inventory.text(
        database="sqlite+aiosqlite:///unused.db",
        spool="unused",
        listen="127.0.0.1:0",
        servers=(),
        hook="http://127.0.0.1:9/",
        ca_file="",
    )
    content = json.loads(text)
    del content["ca_file"]
    path.write_text(json.dumps(content))
    with (folder / "field.log").open("w") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "monitor.field", "--config", str(path), "--ca-file", str(folder / "ca.pem"),
            "--subnet", subnet,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
        )  # fmt: skip
    try:
        assert process.stdout is not None
        line = await process.stdout.readline()
        assert line, (folder / "field.log").read_text()
        yield json.loads(line)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
