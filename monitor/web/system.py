"""What Prometheus, init systems and operators' scripts ask for: /metrics, /config and the verbs under /-/."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping
from http import HTTPStatus

import yaml
from aiohttp import web

from monitor.config import ConfigError
from monitor.web.access import Scope
from monitor.web.keys import ACCESS, BOARD, METRICS, READY, RELOAD
from monitor.web.negotiation import best_coding

EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"
GZIP = 16 + zlib.MAX_WBITS


async def metrics(request: web.Request) -> web.StreamResponse:
    """GET /metrics: slice by slice; compressed off the loop when the client likes gzip."""
    headers = {"Content-Type": EXPOSITION, "Vary": "Accept-Encoding", "Cache-Control": "no-store"}
    zipped = best_coding(request.headers.get("Accept-Encoding", ""), ("gzip",))
    if zipped:
        headers["Content-Encoding"] = zipped
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    packer = zlib.compressobj(1, wbits=GZIP)
    async for text in request.app[METRICS].render():
        await response.write(await asyncio.to_thread(packer.compress, text) if zipped else text)
    await response.write_eof(packer.flush() if zipped else b"")
    return response


async def config(request: web.Request) -> web.Response:
    """GET /config: the running configuration as YAML, secrets masked."""
    text = await asyncio.to_thread(_yaml, request.app[BOARD].config.document)
    return web.Response(text=text, content_type="application/yaml")


async def healthy(request: web.Request) -> web.Response:
    """GET /-/healthy: the program runs."""
    return web.Response(text="healthy\n")


async def ready(request: web.Request) -> web.Response:
    """GET /-/ready: it has its history and probes."""
    if not request.app[READY]():
        return web.Response(text="starting\n", status=HTTPStatus.SERVICE_UNAVAILABLE)
    return web.Response(text="ready\n")


async def reload(request: web.Request) -> web.Response:
    """POST /-/reload: empty when the new configuration is in force; 500 with the reasons when it is bad."""
    access = request.app[ACCESS]
    caller = await access.admit(request, Scope.ADMIN, act="reload")
    try:
        await request.app[RELOAD]()
    except ConfigError as error:
        reasons = "\n".join(map(str, error.problems))
        await access.note(caller, "reload", "configuration", f"refused: {len(error.problems)} mistakes")
        return web.Response(text=f"{reasons}\n", status=HTTPStatus.INTERNAL_SERVER_ERROR)
    await access.note(caller, "reload", "configuration")
    return web.Response()


def _yaml(document: Mapping[str, object]) -> str:
    return yaml.dump(_plain(document), Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False)


def _plain(value: object) -> object:
    """Mappings, sequences and numbers of any kind as those that YAML writes; what it has no form for as text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    return str(value)
