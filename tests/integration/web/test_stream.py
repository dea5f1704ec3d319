"""The live stream, as a browser reads it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from jsonschema import Draft202012Validator

from monitor.model import Reason

World = Any


@dataclass
class Event:
    """One event of the stream."""

    id: int
    name: str
    data: Any


class Reader:
    """The stream's events, one by one."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def next(self) -> Event | None:
        """The next event; None at the stream's end."""
        fields: dict[str, str] = {}
        async for line in self.response.content:
            text = line.decode().rstrip("\n")
            if not text and fields:
                return Event(int(fields["id"]), fields["event"], json.loads(fields["data"]))
            name, _, value = text.partition(": ")
            fields[name] = value
        return None

    async def until(self, name: str) -> Event:
        """The next event of that name."""
        while (event := await self.next()) is not None:
            if event.name == name:
                return event
        raise AssertionError(f"the stream ended before an event {name}")


@asynccontextmanager
async def listening(world: World, **headers: str) -> AsyncIterator[Reader]:
    async with world.get("/api/v1/stream", headers=headers) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        yield Reader(response)


@pytest.fixture
async def schemas(world: World) -> Any:
    return (await world.json("/api/v1/openapi.json"))["components"]


async def test_it_begins_with_everything(world: World, schemas: Any) -> None:
    async with listening(world, **{"Last-Event-ID": "12345"}) as reader:
        first = await reader.next()
    assert first is not None
    assert first.name == "snapshot"
    Draft202012Validator({"$ref": "#/components/schemas/Snapshot", "components": schemas}).validate(first.data)
    assert first.data["verdict"]["tone"] == "down"
    assert {point["id"]: point["status"] for point in first.data["points"]}["minh-chau"] == "down"


async def test_a_change_is_told_with_its_verdict(world: World, schemas: Any, say_result: Any) -> None:
    world.hub.beat()
    async with listening(world) as reader:
        await reader.until("snapshot")
        for second in (3601, 3602, 3603):
            broken = say_result("cua-nam", "portal", second, reason=Reason.HTTP_STATUS)
            await world.accept(broken, say_result("cua-nam", "link", second))
        rows = [await reader.until("transition") for _ in range(2)]
        status = await reader.until("status")
    assert {(row.data["point"], row.data["endpoint"]) for row in rows} == {("cua-nam", "portal"), ("cua-nam", "")}
    assert [point["id"] for point in status.data["points"]] == ["cua-nam"]
    assert status.data["points"][0]["bucket"] == "faulty"
    assert status.data["verdict"]["troubled"] == ["minh-chau", "cua-nam"]
    for event, schema in ((rows[0], "TransitionDocument"), (status, "StatusChange")):
        Draft202012Validator({"$ref": f"#/components/schemas/{schema}", "components": schemas}).validate(event.data)
    assert rows[0].id < rows[1].id < status.id


async def test_an_incident_is_told_with_each_change(world: World, schemas: Any, say_result: Any) -> None:
    async with listening(world) as reader:
        snapshot = await reader.until("snapshot")
        assert [each["number"] for each in snapshot.data["incidents"]] == [1]
        async with world.post("/api/v1/incidents/1/acknowledge", json={"by": "Hà"}) as response:
            assert response.status == 200
        taken = await reader.until("incident")
        for second in (3601, 3602):
            await world.accept(*(say_result("minh-chau", name, second) for name in ("link", "portal")))
        over = await reader.until("incident")
    for event in (taken, over):
        Draft202012Validator({"$ref": "#/components/schemas/IncidentSummary", "components": schemas}).validate(
            event.data
        )
    assert (taken.data["number"], taken.data["open"], taken.data["acknowledged"]["actor"]) == (1, True, "Hà")
    assert (over.data["number"], over.data["open"], over.data["closed_why"]) == (1, False, "recovered")
    async with listening(world) as reader:
        assert (await reader.until("snapshot")).data["incidents"] == []


async def test_what_time_changes_is_told_with_the_beat(world: World, say_result: Any) -> None:
    world.hub.beat()
    async with listening(world) as reader:
        await reader.until("snapshot")
        await world.accept(say_result("minh-chau", "link", 3601))
        world.hub.beat()
        suspect = await reader.until("status")
        world.hub.beat()
        assert (await reader.until("beat")).id > suspect.id
        assert (await reader.until("beat")).id == suspect.id + 2
    assert [(point["id"], point["suspect"]) for point in suspect.data["points"]] == [("minh-chau", True)]


async def test_the_beat_says_how_old_the_data_are_and_what_is_amiss(world: World, schemas: Any) -> None:
    world.hub.beat()
    async with listening(world) as reader:
        await reader.until("snapshot")
        world.banners.append("spooling")
        world.clock.now += timedelta(seconds=2)
        world.hub.beat()
        beat = await reader.until("beat")
    Draft202012Validator({"$ref": "#/components/schemas/Beat", "components": schemas}).validate(beat.data)
    # The last results began at 3570 s; the most recent of them ended 0.607 s later.
    assert beat.data["data_age_seconds"] == pytest.approx(32, abs=1)
    assert beat.data["banners"] == ["spooling"]
    assert beat.data["time"] == "2026-11-23T04:00:02.000000Z"


async def test_before_the_first_result_there_is_no_age(quiet: World) -> None:
    async with listening(quiet) as reader:
        snapshot = await reader.until("snapshot")
    assert snapshot.data["beat"]["data_age_seconds"] is None


async def test_a_point_that_is_gone_brings_a_new_snapshot(world: World) -> None:
    world.hub.beat()
    async with listening(world) as reader:
        await reader.until("snapshot")
        config = world.board.config
        await world.show(world.board.reload(replace(config, points=config.points[1:])))
        world.hub.beat()
        again = await reader.until("snapshot")
    assert "cua-nam" not in {point["id"] for point in again.data["points"]}


async def test_an_event_is_made_once_for_all(world: World) -> None:
    async with listening(world) as one, listening(world) as other:
        first, second = await one.until("snapshot"), await other.until("snapshot")
        assert world.hub.listeners == 2
        assert first.id == second.id
        world.hub.beat()
        assert (await one.until("beat")).id == (await other.until("beat")).id


async def test_closing_ends_every_stream_at_once(world: World) -> None:
    async with listening(world) as reader:
        await reader.until("snapshot")
        world.hub.close()
        assert await reader.next() is None


async def test_a_page_that_goes_is_forgotten(world: World) -> None:
    async with listening(world) as reader:
        await reader.until("snapshot")
        assert world.hub.listeners == 1
    while world.hub.listeners:
        world.hub.beat()
        await asyncio.sleep(0)


async def test_a_page_that_does_not_read_is_dropped(world: World) -> None:
    """Its socket is full, then its queue is: the others go on."""
    host, port = world.url.removeprefix("http://").split(":")
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(slow, (host, int(port)))
        await loop.sock_sendall(slow, b"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await loop.sock_recv(slow, 15)) == b"HTTP/1.1 200 OK"
        async with listening(world) as reader:
            await reader.until("snapshot")
            world.banners.append("x" * 100_000)
            world.hub.beat()
            assert world.hub.listeners == 2
            while world.hub.listeners == 2:
                world.hub.beat()
                await reader.until("beat")
            assert world.hub.listeners == 1


async def test_too_many_pages_are_turned_away(world: World) -> None:
    world.hub.limit = 1
    async with listening(world) as reader:
        await reader.until("snapshot")
        async with world.get("/api/v1/stream") as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "10")
