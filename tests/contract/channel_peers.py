"""Peers that channels talk to: good ones that keep what they took, refusing, silent and senseless ones."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiosmtpd.smtp import SMTP

from monitor.channels import find_channels
from monitor.channels.base import Channel, Envelope, Item, Tools

SECRET = "s3cr3t-t0ken-of-ours"
NOW = datetime(2026, 11, 23, 3, 5, 20, tzinfo=UTC)


def envelope(identity: str = "8c1f0a2b", **values: Any) -> Envelope:
    """A message of one incident."""
    item = Item(
        incident="5d0c",
        number=12,
        kind="opened",
        begins=datetime(2026, 11, 23, 3, 5, 12, tzinfo=UTC),
        ends=None,
        labels={"alertname": "PointTroubled", "severity": "critical", "incident": "12"},
        annotations={"summary": "Phường Ba Đình mất kết nối", "url": "https://wall.example/incidents/12"},
        data={"number": 12},
    )
    said = {
        "kind": "opened",
        "severity": "critical",
        "title": "Phường Ba Đình mất kết nối",
        "text": "Từ 10:05:12 ngày 23/11.\n\nGọi <điểm> & hỏi.",
        "short": "Phuong Ba Dinh mat ket noi",
        "url": "https://wall.example/incidents/12",
        "items": [item],
        **values,
    }
    return Envelope(id=identity, **said)


@asynccontextmanager
async def tools() -> AsyncIterator[Tools]:
    async with aiohttp.ClientSession(trust_env=True) as session:
        yield Tools(session=session, clock=lambda: NOW)


def build(name: str, options: dict[str, Any], given: Tools) -> Channel:
    kind: Any = find_channels()[name]
    channel: Channel = kind(kind.options.model_validate(options), tools=given)
    return channel


@dataclass
class Web:
    """An HTTP peer that answers with ``status`` and keeps what it was sent."""

    port: int = 0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"an answer"
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append((request.path_qs, dict(request.headers), await request.read()))
        return web.Response(status=self.status, headers=self.headers, body=self.body, content_type="text/plain")


@asynccontextmanager
async def web_peer(tls: Any = None, **values: Any) -> AsyncIterator[Web]:
    peer = Web(**values)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", peer.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        peer.port = runner.addresses[0][1]
        yield peer
    finally:
        await runner.cleanup()


@dataclass
class Mailbox:
    """aiosmtpd's handler: keeps what it took, and answers as it is told to."""

    port: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    data_answer: str = "250 OK"
    mails: list[Any] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802  (aiosmtpd's)
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  (aiosmtpd's)
        if self.data_answer.startswith("2"):
            self.mails.append(envelope)
        return self.data_answer


@asynccontextmanager
async def mail_peer(
    *, wrapped: Any = None, smtp: dict[str, Any] | None = None, **values: Any
) -> AsyncIterator[Mailbox]:
    box = Mailbox(**values)
    loop = asyncio.get_running_loop()
    options = {"enable_SMTPUTF8": True, "loop": loop, "hostname": "mail.test", **(smtp or {})}
    server = await loop.create_server(lambda: SMTP(box, **options), "127.0.0.1", 0, ssl=wrapped)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def raw_peer(
    speak: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """A TCP peer that does as ``speak`` does with each connection."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await speak(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def talk_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\xff\x13nonsense\r\n" * 4)
    await writer.drain()
    await reader.read(1)


def script(directory: Path, body: str, name: str = "tell") -> str:
    """The path of an executable shell script."""
    path = directory / name
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)
