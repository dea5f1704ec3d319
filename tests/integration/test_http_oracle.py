"""aiohttp's client as the oracle: on servers that behave, it and our prober agree on status, body, cookies and URL."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
import brotli
import pytest
from aiohttp import web

from monitor.probes.base import Trace
from monitor.probes.http import HttpProber
from monitor.probes.http_body import decode
from monitor.probes.http_options import HttpOptions
from monitor.probes.network import Network

LONG = b"".join(b"line %d\n" % number for number in range(20_000))


class Seen(NamedTuple):
    """What a client saw of the last answer, and what the server saw of the last request."""

    status: int
    body: bytes
    redirects: int
    path: str
    cookies: Mapping[str, str]
    request_body: bytes


class Site:
    """A well-behaved site that remembers the last request."""

    def __init__(self) -> None:
        self.last: tuple[str, dict[str, str], bytes] = ("", {}, b"")
        self.app = web.Application(middlewares=[self._remember])
        self.app.router.add_get("/plain", self._plain)
        self.app.router.add_get("/chunked", self._chunked)
        self.app.router.add_get("/slow", self._slow)
        self.app.router.add_get("/gzip", self._packed)
        self.app.router.add_get("/br", self._packed)
        self.app.router.add_get("/empty", self._empty)
        self.app.router.add_get("/missing", self._missing)
        self.app.router.add_get("/login", self._login)
        self.app.router.add_route("*", "/redirect/{status}", self._redirect)
        self.app.router.add_get("/hops/{left}", self._hops)
        self.app.router.add_get("/absolute", self._absolute)
        self.app.router.add_route("*", "/echo", self._echo)

    @web.middleware
    async def _remember(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.last = (request.path_qs, dict(request.cookies), await request.read())
        response: web.StreamResponse = await handler(request)
        return response

    async def _plain(self, _: web.Request) -> web.Response:
        return web.Response(body=LONG)

    async def _chunked(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        for start in range(0, len(LONG), 7001):
            await response.write(LONG[start : start + 7001])
        return response

    async def _slow(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for letter in b"slowly":
            await response.write(bytes((letter,)))
            await asyncio.sleep(0.01)
        return response

    async def _packed(self, request: web.Request) -> web.Response:
        packed = gzip.compress(LONG) if request.path == "/gzip" else brotli.compress(LONG)
        return web.Response(body=packed, headers={"Content-Encoding": request.path[1:]})

    async def _empty(self, _: web.Request) -> web.Response:
        return web.Response(status=204)

    async def _missing(self, _: web.Request) -> web.Response:
        return web.Response(status=404, text="không có")

    async def _login(self, _: web.Request) -> web.Response:
        response = web.Response(status=302, headers={"Location": "/hops/1?from=login"})
        response.set_cookie("session", "abc")
        response.set_cookie("elsewhere", "1", path="/admin")
        response.set_cookie("gone", "1", max_age=0)
        return response

    async def _redirect(self, request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["status"]), headers={"Location": "../echo?a=1#part"})

    async def _hops(self, request: web.Request) -> web.Response:
        left = int(request.match_info["left"])
        return web.Response(status=302, headers={"Location": f"/hops/{left - 1}" if left else "/echo"})

    async def _absolute(self, request: web.Request) -> web.Response:
        response = web.Response(status=307, headers={"Location": f"http://{request.host}/echo"})
        response.set_cookie("session", "abc")
        return response

    async def _echo(self, request: web.Request) -> web.Response:
        return web.Response(text=f"{request.method} {request.path_qs}")


@asynccontextmanager
async def running(site: Site) -> AsyncIterator[int]:
    runner = web.AppRunner(site.app, access_log=None)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def ask_aiohttp(site: Site, url: str, method: str, body: str) -> Seen:
    async with aiohttp.ClientSession() as session:
        async with session.request(method, url, data=body.encode() or None) as answer:
            content = await answer.read()
        return Seen(answer.status, content, len(answer.history), *site.last)


async def ask_ours(site: Site, url: str, **options: Any) -> Seen:
    section = HttpOptions(
        preferred_ip_protocol="ip4",
        valid_status_codes=[200, 204, 404],
        fail_if_body_matches_regexp=["never to be found"],
        **options,
    )
    async with Network() as network:
        trace = Trace()
        answer = await HttpProber(url, section, network=network).fetch(trace)
    body = answer.content
    if section.compression:
        body = (await decode(body, section.compression, limit=len(LONG), keep=True)).content
    return Seen(answer.status, body, int(trace.facts["probe_http_redirects"]), *site.last)


ASKED: list[tuple[str, dict[str, Any]]] = [
    ("/plain", {}),
    ("/chunked", {}),
    ("/slow", {}),
    ("/gzip", {"compression": "gzip"}),
    ("/br", {"compression": "br"}),
    ("/empty", {}),
    ("/missing", {}),
    ("/login", {}),
    ("/absolute", {}),
    ("/hops/0", {}),
    ("/hops/8", {}),
    ("/echo?q=M%E1%BB%99t&r=a+b", {}),
    ("/echo?q=Một-cửa", {}),
    *((f"/redirect/{status}", {}) for status in (301, 302, 303, 307, 308)),
    *((f"/redirect/{status}", {"method": "POST", "body": "đơn"}) for status in (301, 302, 303, 307, 308)),
    ("/redirect/302", {"method": "HEAD"}),
]


@pytest.mark.parametrize(("path", "options"), ASKED)
async def test_both_clients_agree(path: str, options: dict[str, Any]) -> None:
    site = Site()
    async with running(site) as port:
        url = f"http://localhost:{port}{path}"
        theirs = await ask_aiohttp(site, url, options.get("method", "GET"), options.get("body", ""))
        ours = await ask_ours(site, url, **options)
    assert ours == theirs


async def test_they_agree_on_something() -> None:
    """The comparison compares: a cookie came back, a body went along, redirects were counted."""
    site = Site()
    async with running(site) as port:
        login = await ask_ours(site, f"http://localhost:{port}/login")
        posted = await ask_ours(site, f"http://localhost:{port}/redirect/307", method="POST", body="x")
    assert login == Seen(200, b"GET /echo", 3, "/echo", {"session": "abc"}, b"")
    assert posted == Seen(200, b"POST /echo?a=1", 1, "/echo?a=1", {}, b"x")
