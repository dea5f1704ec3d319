"""Servers on loopback for the differential test: raw answers, plain or over TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import trustme

Answer = Callable[[str], bytes]


@asynccontextmanager
async def serve(
    answer: Answer | bytes | Mapping[str, bytes], *, tls: ssl.SSLContext | None = None, hold: bool = False
) -> AsyncIterator[int]:
    """A server that reads a whole request and sends raw bytes: always the same, by path, or by the request's text.

    ``hold`` keeps the connection open after that, until the other side closes it. Yields the port.
    """

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            for line in head.splitlines():
                name, _, value = line.partition(":")
                if name.lower() == "content-length":
                    head += (await reader.readexactly(int(value))).decode("latin-1")
            if isinstance(answer, bytes):
                writer.write(answer)
            elif isinstance(answer, Mapping):
                writer.write(answer.get(head.split()[1], ok(b"not here", "404 Not Found")))
            else:
                writer.write(answer(head))
            await writer.drain()
            if hold:
                await reader.read()
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort() if hold else writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


def ok(body: bytes = b"hello", status: str = "200 OK", **headers: str) -> bytes:
    """An ordinary answer with its length; keyword arguments are further headers."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", "")).encode() + body


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + end


def http(**options: Any) -> dict[str, Any]:
    return {"prober": "http", "http": options}


def echo(request: str) -> bytes:
    """An answer whose body is the request."""
    return ok(request.encode("latin-1"))


class Tls(NamedTuple):
    ca_file: Path
    server: Callable[..., ssl.SSLContext]


def make_tls(ca_file: Path) -> Tls:
    """A CA in a file, and server contexts with certificates that it signed."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(ca_file))

    def server(
        *names: str, by: trustme.CA = authority, expires: datetime | None = None, client_ca: trustme.CA | None = None
    ) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate = by.issue_cert(
            *(names or ("localhost", "127.0.0.1")),
            common_name="portal, ward 1",
            organization_name="Ủy ban",
            not_before=datetime(2020, 1, 1, tzinfo=UTC),
            not_after=expires or datetime(2040, 1, 1, tzinfo=UTC),
        )
        certificate.configure_cert(context)
        if client_ca:
            client_ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    return Tls(ca_file, server)
