"""Everything of the stack but Grafana, each a program of its own, with those whom Alertmanager tells at the end."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.integration.scenarios.inventory import Inventory
from tests.integration.scenarios.world import Receiver, simulated
from tests.integration.stack.processes import alertmanager, free_port, prometheus, until
from tests.stack import grafana, shipped
from tests.stack.asked import Asked
from tests.stack.grafana import Value
from tests.stack.processes import fresh, postgres_server
from tests.stack.world import StackWorld

TOKEN = "a-token-of-alertmanagers"
SUBNET = f"127.{20 + os.getpid() % 50}.0.0/16"
"""Not the scenarios': another test of this run may hold theirs."""
EVERYTHING = {
    "job": Value(("lienthong",), multi=True, everything=".+"),
    "kind": Value(("ward",), multi=True, everything=".*"),
    "area": Value(("ba-vi",), multi=True, everything=".*"),
}


class Ends:
    """Where Alertmanager's receivers end: what each was told, in order."""

    def __init__(self) -> None:
        self.url = ""
        self.told: dict[str, list[str]] = {}

    async def take(self, request: web.Request) -> web.Response:
        group = await request.json()
        lines = sorted(f"{each['status']} {each['labels']['alertname']} {_about(each)}" for each in group["alerts"])
        self.told.setdefault(request.match_info["receiver"], []).append(", ".join(lines).strip())
        return web.Response()

    def of_points(self) -> dict[str, list[str]]:
        """Without the dead man's switch, and those who look after the monitoring: of the month's objective Prometheus
        tells too."""
        return {name: told for name, told in self.told.items() if not name.startswith(("nguoi-canh", "ky-thuat"))}


def _about(alert: dict[str, Any]) -> str:
    return str(alert["labels"].get("point", ""))


class Whole(Asked):
    """All of it, running and calm."""

    world: StackWorld
    alertmanager: str

    def __init__(self, folder: Path, ends: Ends, server: Any) -> None:
        self.folder = folder
        self.ends = ends
        self.database = fresh(server)
        self.begin = self.end = time.time()
        self._server = server
        self._prometheus = AsyncExitStack()
        self._at = {name: f"127.0.0.1:{free_port()}" for name in ("monitor", "prometheus", "alertmanager", "grafana")}
        self._configured: dict[str, Any] = {}

    # --- the programs ---

    @asynccontextmanager
    async def runs(self, inventory: Inventory, mails: int) -> AsyncIterator[None]:
        """Everything started, ended with the context."""
        inventory.more |= {"server": {"tokens": [TOKEN]}, "alerts": _alerts(f"http://{self._at['alertmanager']}")}
        (self.folder / "am").mkdir()
        at = {"monitor": self._at["monitor"], "mails": f"127.0.0.1:{mails}", "hook": self.ends.url}
        configured = shipped.of_alertmanager(self.folder / "am", **at, token=TOKEN)
        self._configured = shipped.of_prometheus(self.folder / "prometheus", **self._at)
        async with AsyncExitStack() as stack:
            hook = Receiver()
            hook.url = await stack.enter_async_context(_served("/hook", hook.take))
            field = await stack.enter_async_context(simulated(self.folder, inventory, subnet=SUBNET))
            self.world = StackWorld(self.folder, inventory, hook, field)
            self.world.database, self.world.listen = self.database, self._at["monitor"]
            stack.push_async_callback(self.world.close)
            self.world.write()
            port = int(self._at["alertmanager"].rpartition(":")[2])
            self.alertmanager = await stack.enter_async_context(alertmanager(self.folder / "am", configured, port=port))
            await self.world.start()
            await self.world.calm()
            stack.push_async_callback(self.stop_prometheus)
            await self.start_prometheus()
            yield

    async def start_prometheus(self) -> None:
        port = int(self._at["prometheus"].rpartition(":")[2])
        begun = prometheus(self.folder / "prometheus", self._configured, port=port)
        self.prometheus = await self._prometheus.enter_async_context(begun)

    async def stop_prometheus(self) -> None:
        await self._prometheus.aclose()

    async def start_postgres(self) -> None:
        await asyncio.to_thread(self._server.ensure_postgres_running)

    async def stop_postgres(self) -> None:
        await asyncio.to_thread(self._server.stop)

    # --- asking ---

    async def panel(self, title: str) -> dict[str, float]:
        """What a panel of the overview shows now: its legends and values."""
        target = _target(title)
        self.end = time.time()
        found = await asyncio.to_thread(self.instant, grafana.promql(target["expr"], EVERYTHING, self))
        return {grafana.legend(target["legendFormat"], each["metric"]): float(each["value"][1]) for each in found}

    async def table(self, title: str, *, point: str = "") -> list[dict[str, Any]]:
        """The rows of a panel that asks PostgreSQL: of the overview, or of a point's dashboard."""
        self.end = time.time() + 1
        target = _target(title, "diem" if point else "tong-quan")
        return await self.rows(grafana.sql(target["rawSql"], {**EVERYTHING, "point": Value((point,))}, self))

    async def rows(self, query: str) -> list[dict[str, Any]]:
        return await asyncio.to_thread(self.sql, query)

    async def asks(self, query: str) -> list[dict[str, Any]]:
        """What Prometheus answers now."""
        return await asyncio.to_thread(self.instant, query)

    async def course(self, selector: str) -> list[float]:
        """A series' values from the begin on, each once as long as it stays."""
        found = await self.asks(f"{selector}[1h]")
        assert len(found) == 1, f"{selector}: {found}"
        return [value for value, _ in groupby(float(value) for _, value in found[0]["values"])]

    # --- waiting ---

    async def until(self, holds: Callable[[], Awaitable[object]], what: str) -> Any:
        try:
            return await until(holds, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.ends.told}\n{self.world.log()[-2000:]}") from None

    async def until_shown(self, title: str, shown: dict[str, float]) -> None:
        """Wait until a panel shows these among others."""

        async def holds() -> bool:
            return shown.items() <= (await self.panel(title)).items()

        await self.until(holds, f"{title} {shown}")

    async def until_found(self, query: str) -> None:
        """Wait until Prometheus has an answer."""
        await self.until(lambda: self.asks(query), query)

    async def until_prometheus_tells(self) -> None:
        """Wait until Prometheus knows Alertmanager: what it has to tell before that is told a minute later."""

        async def knows() -> bool:
            return bool((await asyncio.to_thread(self._ask, "alertmanagers"))["activeAlertmanagers"])

        await self.until(knows, "Prometheus knows Alertmanager")

    async def until_told(self, told: dict[str, list[str]]) -> None:
        """Wait until the receivers were told of points what they are to be told, and nothing else."""

        async def holds() -> bool:
            return all(self.ends.told.get(name, [])[-1:] == lines[-1:] for name, lines in told.items())

        await self.until(holds, f"told {told}")
        assert self.ends.of_points() == told, f"told: {self.ends.told}"


def _alerts(alertmanager: str) -> dict[str, Any]:
    """The monitor tells Alertmanager what it tells its hook. ``settle`` is longer than the receivers' `group_wait`."""
    return {
        "channels": {"am": {"type": "alertmanager", "urls": [alertmanager], "settle": "2s"}},
        "routes": [{"name": "all", "to": ["hook", "am"], "group_wait": "2s", "remind_every": "never"}],
    }


def _target(title: str, dashboard: str = "tong-quan") -> dict[str, Any]:
    asked = grafana.questions(grafana.load(grafana.FOLDER / f"{dashboard}.json"))
    (found,) = [target for each, target in asked if each == title]
    return found


@asynccontextmanager
async def _served(path: str, take: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    """An end of webhooks; its address."""
    application = web.Application(client_max_size=16 * 1024 * 1024)
    application.router.add_post(path, take)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}{path.partition('/{')[0]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def whole(folder: Path, inventory: Inventory, *, mails: int) -> AsyncIterator[Whole]:
    """Everything started and calm. ``mails`` is the port of a mail server."""
    ends = Ends()
    async with AsyncExitStack() as stack:
        ends.url = await stack.enter_async_context(_served("/{receiver}", ends.take))
        server = stack.enter_context(postgres_server())
        everything = Whole(folder, ends, server)
        await stack.enter_async_context(everything.runs(inventory, mails))
        yield everything
