"""A real Prometheus scrapes the real application; promtool has nothing to say."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp

from monitor.alerts.desk import Counts
from monitor.alerts.dispatcher import DispatchState
from monitor.metrics.catalogue import ENDPOINT_FAMILIES
from monitor.storage.recorder import RecorderState
from monitor.storage.room import Space

World = Any


async def promtool(text: bytes) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        "promtool", "check", "metrics",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate(text)
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_promtool_has_nothing_to_say(world: World, say_result: Any) -> None:
    facts = {family.name: 1.0 for family in ENDPOINT_FAMILIES if not family.labels[6:]}
    facts |= {f'{family.name}{{{family.labels[6]}="x"}}': 1.0 for family in ENDPOINT_FAMILIES if family.labels[6:]}
    await world.accept(say_result("ba-vi", "link", 3601, facts=facts))
    await world.uptimes.refresh()
    world.metrics.program.watch(
        schedule=SimpleNamespace(in_flight=1, stats=SimpleNamespace(started=1, missed=0, accept_failures=0)),
        pulse=SimpleNamespace(stats=SimpleNamespace(stalled_seconds=0.0, stalls=0, longest_seconds=0.0, set_back=0)),
        recorder=lambda: RecorderState(
            queued=0, spooled_results=0, spooled_transitions=0, write_seconds=0.01, failing_since=None, lost_results=0,
            unwritten=False,
        ),
        pending_transitions=lambda: 0, listeners=lambda: 0,
        incidents=world.incidents.open,
        disks=lambda: {"spool": Space(1, 2)},
        outbox=lambda: DispatchState(pending={"mail": 1}, oldest_seconds={"mail": 2.0}, counts=Counts(Counter(mail=1))),
    )  # fmt: skip
    async with world.get("/metrics") as response:
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        text = await response.read()
    assert await promtool(text) == (0, "")
    assert b'lienthong_incidents{fault="point",severity="critical"} 1.0' in text
    assert b'lienthong_alert_messages_total{channel="mail",outcome="delivered"} 1.0' in text


@asynccontextmanager
async def prometheus(target: str, directory: Path) -> AsyncIterator[str]:
    """A Prometheus that scrapes ``target`` every second; its address."""
    configuration = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [
            {"job_name": "lienthong", "honor_labels": True, "static_configs": [{"targets": [target]}]}
        ],
    }  # fmt: skip
    (directory / "prometheus.json").write_text(json.dumps(configuration), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        "prometheus", f"--config.file={directory}/prometheus.json", f"--storage.tsdb.path={directory}/data",
        "--web.listen-address=127.0.0.1:0", "--log.format=json", stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    async with asyncio.TaskGroup() as tasks:
        try:
            yield await listening_address(process.stderr)
        finally:
            rest = tasks.create_task(process.stderr.read())
            process.terminate()
            await process.wait()
            await rest


async def listening_address(log: asyncio.StreamReader) -> str:
    async for line in log:
        entry = json.loads(line)
        if entry.get("msg") == "Listening on":
            return f"http://{entry['address']}"
    raise AssertionError("Prometheus did not start")


class Queries:
    """Prometheus' own answers."""

    def __init__(self, client: aiohttp.ClientSession, address: str) -> None:
        self._client = client
        self._address = address

    async def ask(self, query: str) -> list[dict[str, Any]]:
        async with self._client.get(f"{self._address}/api/v1/query", params={"query": query}) as response:
            if response.status == 503:
                return []  # it is still starting
            answer = await response.json()
        assert answer["status"] == "success", answer
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    async def until(self, query: str) -> list[dict[str, Any]]:
        """Ask until there is an answer; the test's timeout ends it."""
        while not (found := await self.ask(query)):  # noqa: ASYNC110  (another process' state)
            await asyncio.sleep(0.1)
        return found


async def test_prometheus_scrapes_it(world: World, tmp_path: Path) -> None:
    await world.uptimes.refresh()
    async with prometheus(world.url.removeprefix("http://"), tmp_path) as address:
        queries = Queries(world.client, address)
        await queries.until("up == 1")
        success = await queries.until('probe_success{point="cua-nam", endpoint="link"}')
        assert success[0]["value"][1] == "1"
        assert success[0]["metric"]["instance"] == "https://cua-nam.example/link"
        (down,) = await queries.ask(
            "lienthong_point_status == 1 and on (point) lienthong_point_status{status='down'} == 1"
        )
        assert (down["metric"]["point"], down["metric"]["status"]) == ("minh-chau", "down")
        (joined,) = await queries.ask(
            'probe_success{point="cua-nam",endpoint="link"} * on (point) group_left (name) lienthong_point_info'
        )
        assert joined["metric"]["name"] == "Phường Cửa Nam"
        (bad,) = await queries.ask('lienthong_points{status="down"}')
        assert bad["value"][1] == "1"
        ratios = await queries.ask('lienthong_point_uptime_ratio{window="1h",point="minh-chau"}')
        assert {ratio["value"][1] for ratio in ratios} == {"0.5"}
