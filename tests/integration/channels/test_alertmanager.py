"""Alerts at a real Alertmanager."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from monitor.channels.alertmanager import Alertmanager, alert
from monitor.channels.base import Envelope, Item, Standing, Tools, Undelivered
from tests.contract.channel_peers import envelope, raw_peer, say_nothing, web_peer

CONFIGURATION = """
route: {{receiver: wall, group_by: [incident], group_wait: 1ms, group_interval: 100ms, repeat_interval: 1h}}
receivers:
  - name: wall
    webhook_configs: [{{url: "http://127.0.0.1:{port}/", send_resolved: true}}]
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


async def ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/-/ready") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


@asynccontextmanager
async def alertmanager(directory: Path, receiver_port: int, session: aiohttp.ClientSession) -> AsyncIterator[str]:
    port = free_port()
    directory.mkdir(exist_ok=True)  # noqa: ASYNC240  (nothing else runs yet)
    (directory / "alertmanager.yml").write_text(CONFIGURATION.format(port=receiver_port))
    process = await asyncio.create_subprocess_exec(
        "/usr/bin/prometheus-alertmanager",
        f"--config.file={directory}/alertmanager.yml",
        f"--storage.path={directory}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        await until(lambda: ready(session, url))
        yield url
    finally:
        process.terminate()
        await process.wait()


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not await holds():  # noqa: ASYNC110  (another process tells nobody)
            await asyncio.sleep(0.05)


async def alerts(session: aiohttp.ClientSession, url: str) -> list[dict[str, Any]]:
    async with session.get(f"{url}/api/v2/alerts") as answer:
        found: list[dict[str, Any]] = await answer.json()
        return found


def fresh(**values: Any) -> Envelope:
    """A message of an incident that began a minute ago."""
    item = replace(envelope().items[0], begins=datetime.now(UTC) - timedelta(minutes=1), **values)
    return envelope(items=[item])


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture
async def tools() -> AsyncIterator[Tools]:
    async with aiohttp.ClientSession() as session:
        yield Tools(session=session)


def channel(tools: Tools, *urls: str, **options: Any) -> Alertmanager:
    return Alertmanager(Alertmanager.options.model_validate({"urls": urls, **options}), tools=tools)  # type: ignore[arg-type]


async def test_an_incident_is_one_alert_however_often_it_is_told(tools: Tools, tmp_path: Path) -> None:
    async with web_peer() as wall, alertmanager(tmp_path, wall.port, tools.session) as url:
        said = fresh()
        told = channel(tools, url, renew_every="10s")
        for _ in range(3):
            await told.send(said)
        (found,) = await alerts(tools.session, url)
        assert found["labels"] == said.items[0].labels
        assert found["annotations"]["summary"] == "Phường Ba Đình mất kết nối"
        assert found["generatorURL"] == "https://wall.example/incidents/12"
        begins = said.items[0].begins
        assert abs(at(found["startsAt"]) - begins) < timedelta(milliseconds=1)
        first_end = at(found["endsAt"])
        assert first_end - datetime.now(UTC) <= timedelta(seconds=40)

        await told.renew(said.items)
        (renewed,) = await alerts(tools.session, url)
        assert at(renewed["endsAt"]) > first_end
        assert renewed["startsAt"] == found["startsAt"]

        async def notified() -> bool:
            return bool(wall.requests)

        await until(notified)
        assert [json.loads(body)["status"] for _, _, body in wall.requests] == ["firing"]


async def test_recovery_resolves_it(tools: Tools, tmp_path: Path) -> None:
    async with web_peer() as wall, alertmanager(tmp_path, wall.port, tools.session) as url:
        told = channel(tools, url)
        said = fresh()
        await told.send(said)

        async def notified(status: str) -> bool:
            return any(json.loads(body)["status"] == status for _, _, body in wall.requests)

        await until(lambda: notified("firing"))
        await told.send(replace(said, items=[replace(said.items[0], ends=datetime.now(UTC))]))
        await until(lambda: notified("resolved"))
        assert await alerts(tools.session, url) == []


async def test_all_of_several_are_told(tools: Tools, tmp_path: Path) -> None:
    async with (
        web_peer() as wall,
        alertmanager(tmp_path / "a", wall.port, tools.session) as first,
        alertmanager(tmp_path / "b", wall.port, tools.session) as second,
    ):
        await channel(tools, first, f"{second}/").send(fresh())
        assert len(await alerts(tools.session, first)) == len(await alerts(tools.session, second)) == 1


async def test_one_of_several_is_enough(tools: Tools) -> None:
    async with web_peer() as good:
        await channel(tools, f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{good.port}/prefix").send(fresh())
        ((path, _, body),) = good.requests
        assert path == "/prefix/api/v2/alerts"
        assert [each["labels"]["incident"] for each in json.loads(body)] == ["12"]


async def test_one_that_hangs_holds_up_nobody(tools: Tools) -> None:
    async with web_peer() as good, raw_peer(say_nothing) as port:
        await channel(tools, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{good.port}").send(fresh())
        assert len(good.requests) == 1


async def test_none_took_it(tools: Tools) -> None:
    async with web_peer(status=503, headers={"Retry-After": "7"}) as busy, web_peer(status=400) as strict:
        told = channel(tools, f"http://127.0.0.1:{busy.port}", f"http://127.0.0.1:{strict.port}")
        with pytest.raises(Undelivered) as raised:
            await told.send(fresh())
        assert not raised.value.final
        assert raised.value.retry_after == timedelta(seconds=7)
        assert "503" in str(raised.value)
        assert "400" in str(raised.value)
        with pytest.raises(Undelivered) as raised:
            await channel(tools, f"http://127.0.0.1:{strict.port}").renew([])
        assert raised.value.final


@pytest.mark.parametrize(
    ("options", "header"),
    [
        ({"bearer_token": "t0ken"}, "Bearer t0ken"),
        ({"username": "u", "password": "p"}, "Basic dTpw"),
        ({}, None),
    ],
)
async def test_signing_in(tools: Tools, options: dict[str, str], header: str | None) -> None:
    async with web_peer() as peer:
        await channel(tools, f"http://127.0.0.1:{peer.port}", **options).send(fresh())
        assert peer.requests[0][1].get("Authorization") == header


@pytest.mark.parametrize(
    "options",
    [
        {"urls": []},
        {"urls": ["ftp://x"]},
        {"urls": ["http://x"], "username": "u"},
        {"urls": ["http://x"], "password": "p"},
        {"urls": ["http://x"], "username": "u", "password": "p", "bearer_token": "t"},
        {"urls": ["http://x"], "settle": "0s"},
        {"urls": ["http://x"], "renew_every": 30},
    ],
)
def test_options_that_contradict_themselves(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Alertmanager.options.model_validate(options)


def test_labels_are_made_to_fit() -> None:
    begins = datetime(2026, 11, 23, tzinfo=UTC)
    item = Item(
        incident="x",
        number=1,
        kind="opened",
        begins=begins,
        ends=None,
        labels={"tuyến 1": "a", "2nd": "b", "empty": ""},
        annotations={"none": ""},
    )
    made = alert(item, begins + timedelta(minutes=2))
    assert made["labels"] == {"tuy_n_1": "a", "_2nd": "b", "alertname": "Lienthong"}
    assert made["annotations"] == {}
    assert made["endsAt"] == "2026-11-23T00:02:00+00:00"


async def test_it_says_how_long_alerts_stand(tools: Tools) -> None:
    told = channel(tools, "http://x", settle="90s", renew_every="15s")
    assert isinstance(told, Standing)
    assert (told.stands_at_least, told.renew_every) == (timedelta(seconds=90), timedelta(seconds=15))
