"""Address families, odd targets and connections that fail (see conftest.py), down to the phases that are shown."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.integration.differential.servers import http, ok, serve

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]


@asynccontextmanager
async def listening(talk: Talk, address: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """A server that does what it likes with a connection, which is closed for it at the end."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(converse, address, port)
    async with server:
        yield server.sockets[0].getsockname()[1]


def answering(*pieces: bytes, after: float = 0.0, stay: bool = False) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(after)
        if stay:
            await reader.read()
        else:
            writer.write_eof()
            await reader.read()

    return talk


async def refuse_to_talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closed at once, before the request is read."""


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


FAMILIES = ["", "ip4", "ip6"]


@pytest.mark.parametrize("fallback", [True, False])
@pytest.mark.parametrize("preferred", FAMILIES)
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "ip6-localhost", "[::ffff:127.0.0.1]"])
@pytest.mark.parametrize("served", ["127.0.0.1", "::1"])
async def test_family(differential: Any, served: str, host: str, preferred: str, fallback: bool) -> None:
    """The finding is blackbox_exporter's, whatever this machine's hosts file says of a name."""
    async with listening(answering(ok()), served) as port:
        module = http(preferred_ip_protocol=preferred, ip_protocol_fallback=fallback)
        await differential.agree(f"http://{host}:{port}/", module)


TARGETS = [
    "127.0.0.1:{port}",
    "127.0.0.1:{port}/",
    "127.0.0.1:{port}/a?b#c",
    "http://127.0.0.1:{port}/a%20b",
    "http://127.0.0.1:{port}/a%2Fb!",
    "http://127.0.0.1:{port}/Một cửa",
    "http://127.0.0.1:{port}/?q=M%E1%BB%99t",
    "http://127.0.0.1:{port}//a//b/../c/./d",
    "http://127.0.0.1:{port}?",
    "http://127.0.0.1:{port}/;a=b",
    "http://a:b@127.0.0.1:{port}/",
    "http://a@127.0.0.1:{port}/",
    "http://LOCALHOST:{port}/",
    "localhost:{port}",
]


@pytest.mark.parametrize("target", TARGETS)
async def test_target(differential: Any, target: str) -> None:
    seen: list[str] = []

    def answer(request: str) -> bytes:
        lines = request.lower().split("\r\n")
        seen.append("\n".join(sorted(line for line in lines if not line.startswith(("user-agent", "accept-enc")))))
        return ok()

    async with serve(answer) as port:
        module = http(preferred_ip_protocol="ip4")
        await differential.agree(target.format(port=port), module, success=True)
    assert seen[1] == seen[0]


TALKS: list[tuple[str, Talk, dict[str, Any], bool]] = [
    ("closed at once", refuse_to_talk, {}, False),
    ("reset", reset, {}, False),
    ("closed without an answer", answering(), {}, False),
    ("silent", answering(stay=True), {}, False),
    ("half a status line", answering(b"HTTP/1.1 20", stay=True), {}, False),
    ("half a head", answering(b"HTTP/1.1 200 OK\r\nContent-", stay=True), {}, False),
    ("a hint and then nothing", answering(b"HTTP/1.1 103 Hints\r\n\r\n", stay=True), {}, False),
    ("a byte after the other", answering(*(bytes((byte,)) for byte in ok()), after=0.002), {}, True),
    ("the body later", answering(ok()[:-5], b"hel", b"lo", after=0.02), {}, True),
    ("status 500, then silence", answering(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", stay=True), {}, False),
    ("whole, and stays open", answering(ok(), stay=True), {}, True),
    ("a redirect that stays open", answering(ok(b"", "302 Go", Location="/"), stay=True), {}, False),
    ("HEAD that stays open", answering(ok(b""), stay=True), {"method": "HEAD"}, True),
    ("204 that stays open", answering(b"HTTP/1.1 204 No\r\n\r\n", stay=True), {}, True),
    ("a head without end", answering(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 2_000_000), {}, False),
    ("a header without end", answering(b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 12_000_000), {}, False),
    ("a status line without end", answering(b"HTTP/1.1 200 " + b"b" * 12_000_000), {}, False),
    ("rubbish without end", answering(b"\xff" * 12_000_000), {}, False),
]


@pytest.mark.parametrize(("name", "talk", "options", "success"), TALKS, ids=[case[0] for case in TALKS])
async def test_connection(differential: Any, name: str, talk: Talk, options: dict[str, Any], success: bool) -> None:
    async with listening(talk) as port:
        await differential.agree(f"127.0.0.1:{port}", http(**options), success=success, timeout_seconds=0.7)
