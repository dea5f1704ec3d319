"""Pictures: the parts of a page that change, rendered once for everybody who looks, until something changes."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from monitor.web.negotiation import best_coding

KEEP = timedelta(seconds=10)
"""A picture in which nothing changed is drawn again after so long, for the figures that move by themselves."""

PICTURES = 400
"""Pictures kept at most; the oldest goes first."""


@dataclass(frozen=True, slots=True)
class Picture:
    """HTML with its window's title and its entity tag, what it was drawn from, and when."""

    html: str
    title: str
    plain: bytes
    packed: bytes
    tag: str
    basis: Hashable
    drawn: datetime


class Pictures:
    """The last picture of each page and language.

    ``rest`` is how long a picture stands at least: when a hundred points fail within seconds, a hundred walls that ask
    at each change are still drawn for once in that time.
    """

    def __init__(self, *, clock: Callable[[], datetime], rest: timedelta = timedelta(seconds=1)) -> None:
        self._clock = clock
        self._rest = rest
        self._pictures: dict[Hashable, Picture] = {}
        self._locks: dict[Hashable, asyncio.Lock] = {}

    async def get(
        self, key: Hashable, basis: Callable[[], Hashable], draw: Callable[[datetime], Awaitable[tuple[str, str]]]
    ) -> Picture:
        """The picture ``key``; drawn anew when ``basis`` isn't what it was drawn from, or when it is old.

        ``draw`` gives HTML and title. However many ask at once, it is drawn once.
        """
        async with self._locks.setdefault(key, asyncio.Lock()):
            found = self._pictures.get(key)
            if found is not None:
                age = self._clock() - found.drawn
                if found.basis == basis() and timedelta() <= age < KEEP:
                    return found
                if timedelta() <= age < self._rest:
                    await asyncio.sleep((self._rest - age).total_seconds())
            now, drawn_from = self._clock(), basis()
            picture = await asyncio.to_thread(pack, *await draw(now), drawn_from, now)
            self._pictures.pop(key, None)
            self._pictures[key] = picture
        while len(self._pictures) > PICTURES:
            oldest = next(iter(self._pictures))
            del self._pictures[oldest]
            self._locks.pop(oldest, None)
        return picture


def pack(html: str, title: str, basis: Hashable, now: datetime) -> Picture:
    """A picture from its HTML, compressed once for all."""
    plain = html.encode()
    tag = hashlib.sha256(plain).hexdigest()[:20]
    return Picture(html=html, title=title, plain=plain, packed=gzip.compress(plain, 5), tag=tag, basis=basis, drawn=now)


def answer(request: web.Request, picture: Picture) -> web.Response:
    """The picture alone; 304 for who has it already."""
    headers = {"ETag": f'"{picture.tag}"', "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if any(etag.value == picture.tag for etag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = "text/html; charset=utf-8"
    if best_coding(request.headers.get("Accept-Encoding", ""), ("gzip",)):
        return web.Response(body=picture.packed, headers={**headers, "Content-Encoding": "gzip"})
    return web.Response(body=picture.plain, headers=headers)
