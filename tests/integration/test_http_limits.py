"""The http prober against servers that mean harm: bounded memory, bounded time, and the reason that fits."""

from __future__ import annotations

import asyncio
import gc
import gzip
import ssl
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import brotli
import pytest
import trustme

from monitor.model import Reason
from monitor.probes.base import ProbeFailed, Trace
from monitor.probes.http import HttpProber
from monitor.probes.http_options import HttpOptions
from monitor.probes.network import Network

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LOOKS = {"fail_if_body_not_matches_regexp": ["hello"]}


@asynccontextmanager
async def serve(
    first: bytes, *, forever: bytes = b"", tls: ssl.SSLContext | None = None, lost: Callable[[], None] = lambda: None
) -> AsyncIterator[int]:
    """A server that sends ``first``, then ``forever`` again and again until the other side is gone."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(first)
            while forever:
                writer.write(forever)
                await writer.drain()
            await reader.read()
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        finally:
            lost()
            writer.transport.abort()

    server = await asyncio.start_server(converse, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def fail(
    port: int, scheme: str = "http", network: Network | None = None, **options: Any
) -> tuple[ProbeFailed, Trace]:
    trace = Trace()
    async with network or Network() as shared:
        prober = HttpProber(f"{scheme}://127.0.0.1:{port}/", HttpOptions(**options), network=shared)
        with pytest.raises(ProbeFailed) as caught:
            await prober.probe(trace)
    return caught.value, trace


ENDLESS = [
    ("headers", b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"a" * 1000 + b"\r\n", {}, Reason.PROTOCOL),
    ("one header", b"HTTP/1.1 200 OK\r\nX-A: ", b"a" * 8192, {}, Reason.PROTOCOL),
    ("reason", b"HTTP/1.1 200 ", b"a" * 8192, {}, Reason.PROTOCOL),
    ("interim answers", b"", b"HTTP/1.1 102 Processing\r\n\r\n", {}, Reason.PROTOCOL),
    ("chunk extension", CHUNKED + b"5;", b"a" * 8192, {}, Reason.PROTOCOL),
    ("trailers", CHUNKED + b"0\r\n", b"X-A: " + b"a" * 1000 + b"\r\n", {}, Reason.PROTOCOL),
    ("body", HEAD, bytes(65536), {}, Reason.CONTENT),
    ("body that is looked into", HEAD, bytes(65536), LOOKS, Reason.CONTENT),
    ("body with a limit", HEAD, bytes(65536), {"body_size_limit": "1MB"}, Reason.CONTENT),
    ("chunks", CHUNKED, b"%x\r\n%b\r\n" % (65536, bytes(65536)), LOOKS, Reason.CONTENT),
    ("compressed body", HEAD, gzip.compress(bytes(65536)), {"compression": "gzip"}, Reason.CONTENT),
    ("body of a failed answer", b"HTTP/1.1 500 No\r\n\r\n", bytes(65536), {}, Reason.HTTP_STATUS),
]


@pytest.mark.parametrize(("name", "first", "forever", "options", "reason"), ENDLESS, ids=[row[0] for row in ENDLESS])
async def test_endless(name: str, first: bytes, forever: bytes, options: dict[str, Any], reason: Reason) -> None:
    """Whatever never ends ends at a limit, and takes less memory than what was sent."""
    async with serve(first, forever=forever) as port:
        tracemalloc.start()
        failure, _ = await fail(port, **options)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert failure.reason is reason
    assert peak < 48 * 1024 * 1024


@pytest.mark.parametrize("compression", ["gzip", "br"])
@pytest.mark.parametrize("options", [{}, LOOKS, {"body_size_limit": "1MB"}])
async def test_bomb(compression: str, options: dict[str, Any]) -> None:
    zeros = bytes(200_000_000)
    body = gzip.compress(zeros) if compression == "gzip" else brotli.compress(zeros, quality=1)
    del zeros
    async with serve(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)) as port:
        tracemalloc.start()
        failure, trace = await fail(port, compression=compression, **options)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert failure.reason is Reason.CONTENT
    assert "when decompressed" in failure.detail
    limit = 1024 * 1024 if "body_size_limit" in options else 16 * 1024 * 1024
    assert trace.facts["probe_http_uncompressed_body_length"] == limit
    assert peak < 48 * 1024 * 1024


async def test_failed_answer_does_not_wait_for_its_body() -> None:
    """The status decides although the body never comes; its own reason survives, not a timeout."""
    async with serve(b"HTTP/1.1 503 Away\r\nContent-Length: 100\r\n\r\nhello") as port:
        failure, trace = await fail(port)
    assert failure.reason is Reason.HTTP_STATUS
    assert failure.detail == "status 503, wanted 2xx"
    assert trace.facts["probe_http_uncompressed_body_length"] == 5


async def test_websocket_upgrade() -> None:
    """101 is a last answer: what follows is another protocol's."""
    answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x05hello"
    options = HttpOptions(
        valid_status_codes=[101],
        headers={"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"},
    )
    async with serve(answer) as port, Network() as network:
        trace = Trace()
        await HttpProber(f"127.0.0.1:{port}", options, network=network).probe(trace)
    assert trace.facts["probe_http_status_code"] == 101


@pytest.mark.parametrize("forever", [b"", b"X-A: 1\r\n"])
async def test_cancelled_probe_lets_go_of_its_connection(forever: bytes) -> None:
    gone = asyncio.Event()
    trace = Trace()
    async with serve(b"HTTP/1.1 200 OK\r\n", forever=forever, lost=gone.set) as port, Network() as network:
        prober = HttpProber(f"127.0.0.1:{port}", HttpOptions(), network=network)
        probe = asyncio.ensure_future(prober.probe(trace))
        while trace.phase != "transfer":  # noqa: ASYNC110  (nothing tells of a phase)
            await asyncio.sleep(0)
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        await gone.wait()
    assert trace.phase == "transfer"


async def test_cancelled_in_the_handshake() -> None:
    """A server that accepts and says nothing: the phase under way is tls, and nothing stays open."""
    gone = asyncio.Event()
    trace = Trace()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        while await reader.read(100):
            pass
        writer.transport.abort()
        gone.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server, Network() as network:
        port = server.sockets[0].getsockname()[1]
        prober = HttpProber(f"https://127.0.0.1:{port}", HttpOptions(), network=network)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await prober.probe(trace)
        await gone.wait()
    assert trace.phase == "tls"


async def test_refused() -> None:
    failure, trace = await fail(1)
    assert failure.reason is Reason.REFUSED
    assert trace.phase == "connect"
    assert trace.address == "127.0.0.1"
    assert trace.facts["probe_http_status_code"] == 0


async def test_probes_leave_no_cycles_behind() -> None:
    """Parser and answer hold each other while a probe runs; a probe that is over must not need the collector."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    async with serve(answer) as port, Network() as network:
        prober = HttpProber(f"127.0.0.1:{port}", HttpOptions(), network=network)
        await prober.probe(Trace())
        await asyncio.sleep(0.01)
        gc.collect()
        gc.disable()
        try:
            await prober.probe(Trace())
            await asyncio.sleep(0.01)
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            left = [one for one in gc.garbage if type(one).__module__.startswith(("monitor", "httptools"))]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
    assert left == []


def certified(authority: trustme.CA, *names: str, **dates: datetime) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, **dates).configure_cert(context)  # type: ignore[arg-type]
    return context


@pytest.mark.parametrize(
    ("names", "days", "trusted", "detail"),
    [
        (("127.0.0.1",), -1, True, "certificate expired"),
        (("elsewhere.example",), 9, True, "certificate is for another address"),
        (("127.0.0.1",), 9, False, "certificate signed by unknown authority"),
    ],
)
async def test_bad_certificate(tmp_path: Path, names: tuple[str, ...], days: int, trusted: bool, detail: str) -> None:
    authority, file = trustme.CA(), tmp_path / "ca.pem"
    (authority if trusted else trustme.CA()).cert_pem.write_to_path(str(file))
    context = certified(authority, *names, not_after=datetime.now(UTC) + timedelta(days=days))
    async with serve(b"", tls=context) as port:
        failure, trace = await fail(port, "https", Network(ca_file=file))
    assert failure.reason is Reason.TLS
    assert detail in failure.detail
    assert trace.phase == "tls"
    assert "probe_ssl_earliest_cert_expiry" not in trace.facts


async def test_trusts_the_networks_authority(tmp_path: Path) -> None:
    authority, file = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    async with (
        serve(answer, tls=certified(authority, "localhost")) as port,
        Network(ca_file=file) as network,
    ):
        trace = Trace()
        options = HttpOptions(preferred_ip_protocol="ip4")
        await HttpProber(f"https://localhost:{port}", options, network=network).probe(trace)
    assert trace.facts["probe_http_ssl"] == 1
    assert trace.facts['probe_tls_version_info{version="TLS 1.3"}'] == 1
    assert trace.phases["tls"] > 0


async def test_secrets_are_read_at_each_probe(tmp_path: Path) -> None:
    asked: list[str] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    secret = tmp_path / "token"
    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    async with server, Network() as network:
        port = server.sockets[0].getsockname()[1]
        prober = HttpProber(f"127.0.0.1:{port}", HttpOptions(bearer_token_file=secret), network=network)
        with pytest.raises(ProbeFailed) as caught:
            await prober.probe(Trace())
        assert caught.value.reason is Reason.INTERNAL
        for word in ("one", "two"):
            secret.write_text(f"{word}\n")
            await prober.probe(Trace())
    assert ["Bearer one" in asked[0], "Bearer two" in asked[1]] == [True, True]
