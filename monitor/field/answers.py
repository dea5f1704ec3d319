"""What a simulated host says once a connection stands: asyncio protocols that answer by its conduct."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from typing import cast

import httptools

from monitor.field.hosts import Conduct, Host

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """A connection to a host that says nothing, as a plain TCP link does. ``opened`` is its listener's set."""

    def __init__(self, opened: set[asyncio.Transport]) -> None:
        self._opened = opened
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._opened.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._opened.discard(self._transport)
            self._transport = None


ConnectionFactory = Callable[[set[asyncio.Transport]], Connection]


class Answers(Connection):
    """One HTTP/1.1 connection to a host: the portal's page, or the exchange's state under ``/api/``."""

    def __init__(self, host: Host, port: int, opened: set[asyncio.Transport]) -> None:
        super().__init__(opened)
        self._host = host
        self._port = port
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._later: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._later is not None:
            self._later.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._send(_answer(400, b"text/plain", b"not HTTP\n"), close=True)

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_message_complete(self) -> None:
        path, self._url = self._url, b""
        conduct = self._host.state.on(self._port)
        if conduct is Conduct.SLOW:
            loop = asyncio.get_running_loop()
            self._later = loop.call_later(self._host.state.delay_seconds, self._reply, path, Conduct.NORMAL)
        else:
            self._reply(path, conduct)

    def _reply(self, path: bytes, conduct: Conduct) -> None:
        close = not self._parser.should_keep_alive()
        if conduct is Conduct.ERROR:
            self._send(_answer(503, b"text/plain; charset=utf-8", "Dịch vụ tạm ngừng\n".encode()), close=close)
            return
        answer = _page(path, self._host, wrong=conduct is Conduct.WRONG_CONTENT)
        if conduct is Conduct.RESET:
            self._send(answer[: len(answer) // 2], close=False)
            self._reset()
        else:
            self._send(answer, close=close)

    def _send(self, data: bytes, *, close: bool) -> None:
        if self._transport is not None:
            self._transport.write(data)
            if close:
                self._transport.close()

    def _reset(self) -> None:
        if self._transport is not None:
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._transport.abort()


def _page(path: bytes, host: Host, *, wrong: bool) -> bytes:
    if path.startswith(b"/api/"):
        state = {"trangthai": "loi" if wrong else "ok", "ma": host.identity}
        return _answer(200, b"application/json", json.dumps(state, separators=(",", ":")).encode())
    words = "Trang mặc định của máy chủ" if wrong else f"Một cửa · {host.identity}"
    page = f"<!doctype html><html lang=vi><meta charset=utf-8><title>{words}</title><h1>{words}</h1></html>\n"
    return _answer(200, b"text/html; charset=utf-8", page.encode())


_PHRASES = {200: b"OK", 400: b"Bad Request", 503: b"Service Unavailable"}


def _answer(status: int, content_type: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 %d %b\r\nServer: field\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (
        status, _PHRASES[status], content_type, len(body), body,
    )  # fmt: skip
