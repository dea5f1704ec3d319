"""Channels that fail, people who answer and people who don't: every message arrives, at those whom it is for."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.integration.scenarios.inventory import Inventory
from tests.integration.scenarios.world import Receiver, World

Begin = Callable[..., Awaitable[World]]


def some(**alerts: Any) -> Inventory:
    return Inventory(more={"alerts": alerts}).wards(6).anchors()


@asynccontextmanager
async def another() -> AsyncIterator[Receiver]:
    """Another webhook's end."""
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("acknowledged", [False, True])
async def test_escalation_unless_somebody_takes_it(begin: Begin, acknowledged: bool) -> None:
    async with another() as boss:
        route = {"name": "all", "to": ["hook"], "escalate": [{"after": "3s", "to": ["boss"]}]}
        world = await begin(some(channels={"boss": {"type": "webhook", "url": boss.url}}, routes=[route]))
        await world.order("ward-2", "refuse")
        await world.told(1)
        (incident,) = await world.incidents("open")
        if acknowledged:
            await world.post(f"/api/v1/incidents/{incident['number']}/acknowledge", ticket="VNPT-4711", by="Hà")
            await world.quiet(rounds=6)
            assert boss.told == []
        else:
            await world.until(lambda: _has(boss, "escalation point:ward-2"), "the escalation")
        await world.heal()
        await world.told(2)
        assert world.receiver.told == ["opened point:ward-2", "recovered point:ward-2"]
        if not acknowledged:
            await world.until(lambda: _has(boss, "recovered point:ward-2"), "those who were told hear of the end")
        shown = await world.proves(incident["number"], "down")
        assert bool(shown["acknowledged"]) is acknowledged
        assert len(await world.incidents()) == 1


async def _has(receiver: Receiver, line: str) -> bool:
    return line in receiver.told


async def test_what_could_not_be_delivered_arrives_in_its_order(begin: Begin) -> None:
    world = await begin(some())
    world.receiver.refusing = True
    await world.order("ward-2", "refuse")
    await world.until_status("ward-2", "down")
    await world.heal()
    await world.calm()
    await world.quiet()
    assert world.receiver.told == []
    world.receiver.refusing = False
    assert await world.told(2) == ["opened point:ward-2", "recovered point:ward-2"]
    assert [each["closed_why"] for each in await world.incidents()] == ["recovered"]
    await world.proves(1, "down")


async def test_a_mail_server_that_hangs_holds_up_nobody_else(begin: Begin) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        finally:
            writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    mail = {
        "type": "email",
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "sender": "m@thu.test",
        "to": ["a@thu.test"],
    }
    async with server:
        world = await begin(
            some(channels={"mail": mail}, routes=[{"name": "all", "to": ["mail", "hook"]}]),
        )
        await world.order("ward-2", "refuse")
        assert await world.told(1) == ["opened point:ward-2"]
        await world.heal()
        assert await world.told(2) == ["opened point:ward-2", "recovered point:ward-2"]
        assert len(await world.incidents()) == 1
        await world.proves(1, "down")
        await world.close()


async def test_silenced_until_recovery(begin: Begin) -> None:
    world = await begin(some(routes=[{"name": "all", "to": ["hook"], "remind_every": "2s"}]))
    await world.order("ward-2", "refuse")
    await world.told(2)
    assert set(world.receiver.told[1:]) == {"reminder point:ward-2"}
    (incident,) = await world.incidents("open")
    await world.post(f"/api/v1/incidents/{incident['number']}/silence", until_recovery=True, by="Hà")
    count = len(world.receiver.told)
    await world.quiet(rounds=6)
    assert len(world.receiver.told) <= count + 1, "at most the one that was on its way"
    await world.heal()

    async def over() -> bool:
        return world.receiver.told[-1] == "recovered point:ward-2"

    await world.until(over, "those who were told hear of the end")
    assert len(await world.incidents()) == 1
    await world.proves(1, "down")


@asynccontextmanager
async def alertmanager(folder: Path, port: int, hook: str) -> AsyncIterator[None]:
    """Debian's Alertmanager, which hands on to a webhook at once."""
    receiver = {"name": "end", "webhook_configs": [{"url": hook, "send_resolved": True}]}
    route = {"receiver": "end", "group_by": ["..."], "group_wait": "200ms", "group_interval": "1s"}
    (folder / "alertmanager.yml").write_text(json.dumps({"route": route, "receivers": [receiver]}))
    with (folder / "alertmanager.log").open("w") as log:
        process = await asyncio.create_subprocess_exec(
            "prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", stderr=log,
        )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def test_alertmanager_away_for_the_whole_incident(begin: Begin, tmp_path: Path, unused_port: int) -> None:
    heard: list[tuple[str, str]] = []

    async def take(request: web.Request) -> web.Response:
        alerts = [alert for alert in (await request.json())["alerts"] if alert["labels"]["alertname"] != "Watchdog"]
        heard.extend((alert["status"], alert["labels"]["point"]) for alert in alerts)
        return web.Response()

    application = web.Application()
    application.router.add_post("/", take)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    channel = {"type": "alertmanager", "urls": [f"http://127.0.0.1:{unused_port}"], "settle": "2s"}
    inventory = some(channels={"am": channel}, routes=[{"name": "all", "to": ["am", "hook"]}])
    try:
        world = await begin(inventory)
        await world.order("ward-2", "refuse")
        await world.told(1)
        await world.heal()
        await world.told(2)
        assert heard == []
        async with alertmanager(tmp_path, unused_port, hook):

            async def both() -> bool:
                return ("resolved", "ward-2") in heard

            await world.until(both, "Alertmanager heard of the fault and of its end")
            assert heard[0] == ("firing", "ward-2")

            async def watched() -> bool:
                url = f"http://127.0.0.1:{unused_port}/api/v2/alerts"
                alerts = json.loads(await asyncio.to_thread(_read, url))
                return [alert["labels"]["alertname"] for alert in alerts].count("Watchdog") == 1

            await world.until(watched, "the dead man's switch fires")
            assert len(await world.incidents()) == 1
            await world.proves(1, "down")
            await world.close()
    finally:
        await runner.cleanup()


def _read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())
