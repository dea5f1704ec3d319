"""Pictures are drawn once for all, and again when something changed."""

from __future__ import annotations

import asyncio
import gzip
import re
from datetime import datetime, timedelta
from pathlib import Path

from monitor.web import pages
from monitor.web.pictures import KEEP, PICTURES, Pictures, pack
from tests.unit.web.samples import NOW

STATIC = Path(pages.__file__).parent / "static"


class Painter:
    """Counts what it draws."""

    def __init__(self) -> None:
        self.drawn = 0

    async def __call__(self, now: datetime) -> tuple[str, str]:
        await asyncio.sleep(0)
        self.drawn += 1
        return f"<p>{self.drawn}</p>", "title"


async def test_however_many_ask_it_is_drawn_once() -> None:
    painter, pictures = Painter(), Pictures(clock=lambda: NOW, rest=timedelta())
    found = await asyncio.gather(*(pictures.get("wall", lambda: "same", painter) for _ in range(200)))
    assert painter.drawn == 1
    assert len({picture.tag for picture in found}) == 1


async def test_a_change_or_age_draws_it_again() -> None:
    painter = Painter()
    now = NOW
    pictures = Pictures(clock=lambda: now, rest=timedelta())
    await pictures.get("wall", lambda: "a", painter)
    await pictures.get("wall", lambda: "b", painter)
    assert painter.drawn == 2
    now = NOW + KEEP
    await pictures.get("wall", lambda: "b", painter)
    assert painter.drawn == 3
    now = NOW - timedelta(hours=1)
    await pictures.get("wall", lambda: "b", painter)
    assert painter.drawn == 4


async def test_a_picture_stands_for_a_moment_however_fast_things_change() -> None:
    painter = Painter()
    changes = iter(range(1000))
    pictures = Pictures(clock=lambda: NOW, rest=timedelta(milliseconds=1))
    first = await pictures.get("wall", lambda: next(changes), painter)
    asked = [asyncio.create_task(pictures.get("wall", lambda: 7, painter)) for _ in range(20)]
    found = await asyncio.gather(*asked)
    assert painter.drawn == 2
    assert {picture.html for picture in found} != {first.html}


async def test_pictures_are_bounded() -> None:
    painter, pictures = Painter(), Pictures(clock=lambda: NOW, rest=timedelta())
    for number in range(PICTURES + 1):
        await pictures.get(number, lambda: "same", painter)
    await pictures.get(PICTURES, lambda: "same", painter)
    assert painter.drawn == PICTURES + 1
    await pictures.get(0, lambda: "same", painter)
    assert painter.drawn == PICTURES + 2


def test_a_picture_is_packed() -> None:
    picture = pack("<p>Ổn định</p>", "t", 1, NOW)
    assert gzip.decompress(picture.packed) == picture.plain == "<p>Ổn định</p>".encode()


def test_every_vendored_file_is_named_with_its_licence() -> None:
    readme = (STATIC / "vendor" / "README.md").read_text()
    for folder in (STATIC / "vendor").iterdir():
        if folder.is_dir():
            assert f"| {folder.name} |" in readme
            assert (folder / "LICENSE").exists()


def test_style_sheets_fetch_only_what_is_here() -> None:
    for sheet in STATIC.glob("*.css"):
        for address in re.findall(r"url\(([^)]*)\)", sheet.read_text()):
            assert address.startswith("#") or (STATIC / address).exists(), address
    for script in STATIC.glob("*.js"):
        assert "//" not in re.sub(r"^\s*//.*$|\s// .*$", "", script.read_text(), flags=re.MULTILINE), script.name
