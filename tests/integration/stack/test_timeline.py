"""The real monitor and a real Alertmanager: what people silence there, and what it told, stand in the timeline."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from tests.integration.stack.processes import alertmanager, amtool, free_port, monitor, until

TOKEN = "a-token-of-alertmanagers"


def write(folder: Path, *, listen: int, alertmanager_port: int, port: int) -> Path:
    """A ward whose line is a port of this machine, and Alertmanager as the only channel."""
    link = {"module": "connect", "target": f"{{host}}:{port}", "link": True}
    content = {
        "server": {"listen": f"127.0.0.1:{listen}", "tokens": [TOKEN]},
        "storage": {"url": f"sqlite+aiosqlite:///{folder}/monitor.db", "spool": f"{folder}/spool", "spool_size": "4MB"},
        "defaults": {"interval": "1s", "timeout": "500ms", "retry_every": "200ms"},
        "modules": {"connect": {"prober": "tcp", "tcp": {"preferred_ip_protocol": "ip4"}}},
        "kinds": {"ward": {"endpoints": {"link": link}}},
        "alerts": {
            "channels": {
                "am": {
                    "type": "alertmanager",
                    "urls": [f"http://127.0.0.1:{alertmanager_port}"],
                    "settle": "1s",
                    "renew_every": "1s",
                }
            },
            "routes": [{"name": "all", "to": ["am"]}],
        },
        "points": [{"id": "minh-chau", "kind": "ward", "name": "Xã Minh Châu", "host": "127.0.0.1"}],
    }
    path = folder / "endpoints.yaml"
    path.write_text(json.dumps(content))
    return path


def receiving(listen: int) -> Mapping[str, Any]:
    """Alertmanager's configuration as docs/operating.md has it, but faster."""
    hook = {
        "url": f"http://127.0.0.1:{listen}/api/v1/alertmanager",
        "http_config": {"authorization": {"credentials": TOKEN}},
    }
    return {
        "route": {
            "receiver": "truc",
            "group_by": ["alertname", "incident"],
            "group_wait": "10ms",
            "group_interval": "500ms",
        },
        "receivers": [{"name": "truc", "webhook_configs": [hook]}],
    }


class Line:
    """The ward's line: connections to a port, taken or refused."""

    def __init__(self) -> None:
        self.port = free_port()
        self._server: asyncio.Server | None = None

    async def mend(self) -> None:
        self._server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", self.port)

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()


class Asked:
    """The monitor's own answers."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def get(self, path: str) -> Any:
        async with self._session.get(self._url + path) as answer:
            return await answer.json()

    async def status(self) -> str:
        return str((await self.get("/api/v1/points/minh-chau"))["status"])

    async def events(self, kind: str) -> Sequence[Mapping[str, Any]]:
        """Those of the first incident."""
        answer = await self.get("/api/v1/incidents/1")
        return [each for each in answer.get("events", ()) if each["kind"] == kind]

    async def until(self, kind: str, number: int) -> Mapping[str, Any]:
        """The incident's event of that kind and number, from 1 on, once it is there."""

        async def enough() -> bool:
            return len(await self.events(kind)) >= number

        await until(enough, f"{number} of {kind}")
        return (await self.events(kind))[number - 1]


async def test_silences_and_deliveries_stand_in_the_timeline(tmp_path: Path) -> None:
    line, listen, at = Line(), free_port(), free_port()
    config = await asyncio.to_thread(write, tmp_path, listen=listen, alertmanager_port=at, port=line.port)
    await line.mend()
    async with aiohttp.ClientSession() as session:
        asked = Asked(session, f"http://127.0.0.1:{listen}")

        async def up() -> bool:
            return await asked.status() == "up"

        async with monitor(config), alertmanager(tmp_path / "am", receiving(listen), port=at) as url:
            await until(up, "the ward is up")
            await line.cut()
            told = await asked.until("told_elsewhere", 1)
            assert told["data"]["receiver"] == "truc"
            assert (told["data"]["status"], told["data"]["group"]) == (
                "firing", {"alertname": "PointTroubled", "incident": "1"},
            )  # fmt: skip
            words = ["--author=Hà", "--comment=thay cáp", "--duration=1h", "point=minh-chau"]
            name = await amtool("--alertmanager.url", url, "silence", "add", *words)
            begun = await asked.until("silenced_elsewhere", 1)
            assert (begun["actor"], begun["text"]) == ("Hà", "thay cáp")
            assert (begun["data"]["channel"], begun["data"]["silence"]) == ("am", name)

        # Both were restarted: what was known stays known.
        async with monitor(config), alertmanager(tmp_path / "am", receiving(listen), port=at) as url:
            await amtool("--alertmanager.url", url, "silence", "expire", name)
            ended = await asked.until("silenced_elsewhere", 2)
            assert (ended["data"]["why"], ended["data"]["silence"]) == ("lifted", name)
            await line.mend()
            await until(up, "the ward is up again")
            await asked.until("closed", 1)

            async def resolved() -> bool:
                return any(each["data"]["status"] == "resolved" for each in await asked.events("told_elsewhere"))

            await until(resolved, "the end was delivered")
            await line.cut()
            assert len(await asked.events("silenced_elsewhere")) == 2
            incident = await asked.get("/api/v1/incidents/1")
            assert incident["silenced"] is None
            told_by_us = [(each["kind"], each["outcome"]) for each in incident["messages"]]
            assert sorted(told_by_us) == [("opened", "delivered"), ("recovered", "delivered")]
            async with session.get(f"http://127.0.0.1:{listen}/incidents/1") as page:
                text = await page.text()
        assert "Im lặng ở Alertmanager" in text
        assert "kênh am · đã gỡ" in text
        assert "nơi nhận truc · đã hết" in text
