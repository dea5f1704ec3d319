"""The monitor's life as the dashboards' tests find it: weeks in the database, then a short story on the simulated
network, scraped by a real Prometheus."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from copy import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from monitor.calendar import ZONE
from monitor.config import load
from monitor.config.model import Config
from monitor.incidents.model import Entry
from monitor.model import EndpointKey, Flag, FlagChange, Status, Transition
from monitor.storage.store import Store
from tests.integration.scenarios.inventory import DNS_PORT, DOMAIN, Inventory, web
from tests.integration.scenarios.world import Receiver, simulated
from tests.stack.asked import Asked
from tests.stack.processes import hurried, postgres, prometheus
from tests.stack.world import StackWorld

WEEKS = timedelta(days=50)
HOUR = timedelta(hours=1)
TLS_PORT = 19443
AREAS = (
    {"id": "ba-dinh", "name": "Ba Đình", "column": 1, "row": 1},
    {"id": "ba-vi", "name": "Ba Vì", "column": 2, "row": 1},
)


def inventory(*, simulated: bool = False) -> Inventory:
    """Wards in two areas with every kind of endpoint, a branch, a hub and a circuit; most of them have coordinates.

    ``simulated``: what the simulated network serves of it. Pings it need not answer, the kernel does.
    """
    endpoints = {
        "portal": web(),
        "secure": {"module": "secure", "target": f"https://{{host}}:{TLS_PORT}/", "critical": False},
        "ping": {"module": "ping", "target": "{host}", "critical": False},
        "dns": {"module": "name", "target": f"dns.{DOMAIN}:{DNS_PORT}", "critical": False},
    }
    if simulated:
        del endpoints["ping"]
    pings = {"icmp": {"count": 3, "interval": "20ms", "wait": "200ms"}}
    secure = {"prober": "http", "http": {"preferred_ip_protocol": "ip4"}}
    made = Inventory(more={"areas": list(AREAS), "modules": {"secure": secure, "ping": pings}})
    made.add("hub", "hub").add("circuit-1", "circuit", depends_on=["hub"])
    for number in range(1, 5):
        made.add(
            f"ward-{number}",
            area=AREAS[number % 2]["id"],
            location={"latitude": 21.0 + number / 100, "longitude": 105.8 + number / 100},
            depends_on=["circuit-1"],
            endpoints=endpoints,
        )
    made.add("branch-1", "branch", area="ba-vi", depends_on=["circuit-1"])
    return made


class Life(Asked):
    """Everything running after its story. ``begin`` and ``end`` are the times that dashboards look at, Unix time."""

    def __init__(self, folder: Path) -> None:
        self.begin = time.time()
        self.end = self.begin
        self._folder = folder
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()

    # --- its course ---

    def start(self) -> None:
        self._runner.run(self._start())

    def stop(self) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()

    async def _start(self) -> None:
        stack = self._stack
        self.database = stack.enter_context(postgres())
        receiver = Receiver(url="http://127.0.0.1:9/")
        field = await stack.enter_async_context(simulated(self._folder, inventory(simulated=True)))
        self.world = StackWorld(self._folder, inventory(), receiver, field)
        self.world.database = self.database
        stack.push_async_callback(self.world.close)
        self.world.write()
        await write_past(self.database, load(self._folder / "points.yaml"), datetime.now(UTC))
        await self.world.start()
        rules = (hurried(self._folder, "recording.yml"),)
        self.prometheus = await stack.enter_async_context(
            prometheus(self._folder, self.world.url.removeprefix("http://"), rules=rules)
        )
        await self._story()

    async def _story(self) -> None:
        """One ward is cut off and comes back, one stays cut off, one's page fails: the rest is calm."""
        world = self.world
        await self._calm()
        calm = "sum(lienthong_points{status=~'stable|fresh'}) == 5 and min(probe_success) == 1"
        await world.until(lambda: self._found(calm), calm)
        await world.order("ward-2", "refuse")
        await world.until_status("ward-2", "down")
        await world.order("ward-3", "error", port=18443)
        await world.until_status("ward-3", "faulty")
        await world.order("ward-2")
        await world.order("ward-4", "refuse")
        await world.until_status("ward-2", "up")
        await world.until_status("ward-4", "down")
        for query in (
            "lienthong:burnrate:ratio_rate3d{point='ward-4'} > 0",
            "lienthong:burnrate_overall:ratio_rate3d > 0",
            "lienthong:burnrate_by_area:ratio_rate1h > 0",
            "lienthong_point_uptime_ratio{point='ward-4', window='1h'} < 1",
            "rate(lienthong_results_total{outcome='down'}[15s]) > 0",
        ):
            await world.until(lambda query=query: self._found(query), query)  # type: ignore[misc]
        self.end = time.time()

    async def _calm(self) -> None:
        try:
            await self.world.calm()
        except AssertionError as error:
            points = (await self.world.get("/api/v1/points"))["points"]
            restless = [point for point in points if point["status"] != "up"]
            raise AssertionError(f"{error}\n{json.dumps(restless, indent=1)}") from None

    async def _found(self, query: str) -> bool:
        return bool(await asyncio.to_thread(self.instant, query))

    # --- asking ---

    def looking_at(self, begin: datetime, end: datetime) -> Life:
        """The same life, seen between the two."""
        seen = copy(self)
        seen.begin, seen.end = begin.timestamp(), end.timestamp()
        return seen

    def looking_back(self, *, days: int) -> Life:
        """The same life, seen from so many days before its end."""
        end = datetime.fromtimestamp(self.end, UTC)
        return self.looking_at(end - timedelta(days=days), end)

    def api(self, path: str, **query: Any) -> Any:
        with urlopen(f"{self.world.url}{path}?{urlencode(query)}") as answer:
            return json.load(answer)


async def write_past(database: str, config: Config, now: datetime) -> None:
    """Weeks of the wards' history, as a monitor before this one would have left it: outages over midnight and over a
    month's end, planned work, days on which nobody looked."""
    first = now - WEEKS
    store = Store(database)
    await store.open()
    await store.register((endpoint.key, endpoint.fingerprint) for endpoint in config.endpoints())
    keys = [endpoint.key for endpoint in config.endpoints()] + [EndpointKey(point.id, "") for point in config.points]
    await store.write_entries([row for key in keys for row in _told(key, first, (Status.UP, timedelta()))])
    run = await store.begin_run("local", first)
    await store.mark_alive(run, now - 20 * 24 * HOUR)
    run = await store.begin_run("local", now - 18 * 24 * HOUR)
    await store.mark_alive(run, now - HOUR)
    turn = (now - 24 * HOUR).astimezone(ZONE).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for number in range(1, 5):
        ward, unit = EndpointKey(f"ward-{number}", ""), timedelta(minutes=7 * number)
        await store.write_entries(
            [
                *_told(
                    ward, now - 45 * 24 * HOUR, (Status.DOWN, 3 * unit), (Status.FAULTY, 5 * unit), (Status.UP, unit)
                ),
                *_told(
                    ward, turn - 2 * unit, (Status.UNREACHABLE, 5 * unit), (Status.DEGRADED, unit), (Status.UP, unit)
                ),
                *_planned(ward, now - 30 * 24 * HOUR, 4 * HOUR),
                *_told(ward, now - 12 * 24 * HOUR, (Status.UNKNOWN, unit), (Status.UP, unit)),
            ]
        )
    await store.close()


def _told(key: EndpointKey, at: datetime, *spells: tuple[Status, timedelta]) -> list[Entry]:
    """One status after the other from ``at`` on, each for so long."""
    rows: list[Entry] = []
    previous = Status.UNKNOWN
    for status, length in spells:
        rows.append(Transition(key=key, at=at, recorded_at=at, status=status, previous=previous))
        previous, at = status, at + length
    return rows


def _planned(key: EndpointKey, at: datetime, length: timedelta) -> Sequence[Entry]:
    return [
        FlagChange(key=key, flag=Flag.MAINTENANCE, on=on, at=moment, recorded_at=moment)
        for on, moment in ((True, at), (False, at + length))
    ]
