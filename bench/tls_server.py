"""A TLS server for bench.probes: ``python -m bench.tls_server PORT PEM`` answers every request with one page.

It prints "ready" when it listens and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from typing import cast

import uvloop

BODY = "<!doctype html><html lang=vi><title>Một cửa</title><h1>Một cửa</h1></html>\n".encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (
    len(BODY),
    BODY,
)


class Page(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(ANSWER)
        self._transport.close()


async def serve(port: int, pem: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Page, "127.0.0.1", port, ssl=context, backlog=1024)
    ended = asyncio.Event()
    loop.add_reader(0, lambda: None if os.read(0, 1024) else ended.set())
    print("ready", flush=True)
    async with server:
        await ended.wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2]))
