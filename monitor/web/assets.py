"""Files that browsers keep: read once, served from memory with an entity tag, compressed at the first request."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import mimetypes
from dataclasses import dataclass, field
from pathlib import Path

import brotli  # type: ignore[import-untyped]  # it brings no types
from aiohttp import web

from monitor.web.negotiation import best_coding

FOREVER = "public, max-age=31536000, immutable"
REVALIDATE = "public, max-age=0, must-revalidate"
TEXT_TYPES = ("text/", "application/javascript", "application/json", "image/svg+xml")


@dataclass(slots=True)
class Asset:
    """One file: its bytes by content coding ("" is the file itself)."""

    content_type: str
    tag: str
    bodies: dict[str, bytes] = field(default_factory=dict)

    async def body(self, coding: str) -> bytes:
        """The file under ``coding`` (br, gzip or ""); compressed once, off the loop."""
        if coding not in self.bodies:
            plain = self.bodies[""]
            compress = brotli.compress if coding == "br" else gzip.compress
            self.bodies[coding] = await asyncio.to_thread(compress, plain)
        return self.bodies[coding]


class Assets:
    """The files under ``root``. Their addresses carry the content's hash, so that a browser may keep them for ever."""

    def __init__(self, root: Path) -> None:
        self._assets = {
            path.relative_to(root).as_posix(): _read(path) for path in sorted(root.rglob("*")) if path.is_file()
        }

    def url(self, name: str) -> str:
        """The address of the file ``name`` (relative to the root). KeyError if there is none."""
        return f"/static/{name}?v={self._assets[name].tag}"

    async def serve(self, request: web.Request) -> web.Response:
        """GET /static/{name}: 304 when the browser has it; kept for ever when asked for by its hash."""
        asset = self._assets.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        headers = {
            "Cache-Control": FOREVER if request.query.get("v") == asset.tag else REVALIDATE,
            "ETag": f'"{asset.tag}"',
            "Vary": "Accept-Encoding",
        }
        if any(etag.value in (asset.tag, "*") for etag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        coding = ""
        if asset.content_type.startswith(TEXT_TYPES):
            coding = best_coding(request.headers.get("Accept-Encoding", ""), ("br", "gzip"))
        if coding:
            headers["Content-Encoding"] = coding
        headers["Content-Type"] = _content_type(asset.content_type)
        return web.Response(body=await asset.body(coding), headers=headers)


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Asset(content_type=guessed, tag=hashlib.sha256(body).hexdigest()[:16], bodies={"": body})


def _content_type(name: str) -> str:
    return f"{name}; charset=utf-8" if name.startswith(TEXT_TYPES) else name
