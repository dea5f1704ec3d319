"""What stands around the handlers: verbs under /-/, /config, headers, compression, errors, static files."""

import gzip
import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web

from monitor.config import Problem
from monitor.web.assets import Assets

World = Any


async def test_healthy_and_ready(world: World) -> None:
    async with world.get("/-/healthy") as response:
        assert (response.status, await response.text()) == (200, "healthy\n")
    async with world.get("/-/ready") as response:
        assert (response.status, await response.text()) == (200, "ready\n")
    world.ready = False
    async with world.get("/-/ready") as response:
        assert (response.status, await response.text()) == (503, "starting\n")


async def test_a_probe_may_ask_for_the_head_only(world: World) -> None:
    for path in ("/-/healthy", "/metrics", "/api/v1/points"):
        async with world.client.head(world.url + path) as response:
            assert (response.status, await response.read()) == (200, b"")


async def test_config_is_yaml_with_secrets_masked(world: World, token: str) -> None:
    async with world.get("/config") as response:
        text = await response.text()
        assert response.content_type == "application/yaml"
    assert token not in text
    assert yaml.safe_load(text) == {
        "server": {"tokens": ["<secret>"]},
        "points": [{"id": "cua-nam", "hours": None, "n": 1.5, "port": 443, "link": True}],
    }


async def test_reload_from_this_machine(world: World) -> None:
    async with world.post("/-/reload") as response:
        assert (response.status, await response.read()) == (200, b"")
    assert world.reloads == 1


async def test_a_bad_file_says_where(world: World) -> None:
    world.bad = [
        Problem(file="endpoints.yaml", line=3, path="points[0].id", text="missing; write id: ..."),
        Problem(file="endpoints.yaml", line=9, path="modules", text="a tab; write spaces"),
    ]
    async with world.post("/-/reload") as response:
        assert response.status == 500
        assert await response.text() == "".join(f"{problem}\n" for problem in world.bad)


async def test_reload_is_a_post(world: World) -> None:
    async with world.get("/-/reload") as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Forwarded-For": "10.0.0.1"}, 401),
        ({"X-Forwarded-For": "10.0.0.1", "Authorization": "Bearer wrong"}, 401),
        ({"X-Forwarded-For": "10.0.0.1", "Authorization": "Bearer {token}"}, 200),
        ({"Host": "rebound.example:8080"}, 403),
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
async def test_who_may_reload(world: World, token: str, headers: dict[str, str], status: int) -> None:
    filled = {name: value.format(token=token) for name, value in headers.items()}
    async with world.post("/-/reload", headers=filled) as response:
        assert response.status == status, await response.text()
        assert (response.headers.get("WWW-Authenticate") == "Bearer") == (status == 401)
    assert world.reloads == (1 if status == 200 else 0)


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/points", "/nothing", "/static/nothing", "/api/v1/nothing"])
async def test_every_answer_says_what_a_browser_may_do(world: World, path: str) -> None:
    async with world.get(path) as response:
        headers = response.headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert (policy["default-src"], policy["script-src"], policy["frame-ancestors"]) == ("'none'", "'self'", "'self'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] in ("no-store", "no-cache")


async def test_an_error_is_a_page_for_a_browser_and_a_line_for_a_program(world: World) -> None:
    async with world.get("/nothing", headers={"Accept": "text/html"}) as response:
        assert (response.status, response.content_type) == (404, "text/html")
    async with world.get("/nothing", headers={"Accept": "*/*"}) as response:
        assert (response.status, response.content_type) == (404, "text/plain")
        assert await response.text() == "404 Not Found: Nothing matches the given URI\n"


@pytest.mark.parametrize(("accept", "coding"), [("gzip, br", "gzip"), ("identity", None), ("gzip;q=0", None)])
async def test_text_is_compressed_for_those_who_like_it(world: World, accept: str, coding: str | None) -> None:
    async with aiohttp.ClientSession(auto_decompress=False) as plain:
        for path in ("/metrics", "/api/v1/points"):
            async with plain.get(world.url + path, headers={"Accept-Encoding": accept}) as response:
                assert response.headers.get("Content-Encoding") == coding
                assert response.headers["Vary"] == "Accept-Encoding"
                body = await response.read()
                text = gzip.decompress(body) if coding else body
                assert b"cua-nam" in text
        async with plain.get(f"{world.url}/-/healthy", headers={"Accept-Encoding": "gzip"}) as response:
            assert "Content-Encoding" not in response.headers


@pytest.fixture
async def files(tmp_path: Path) -> Any:
    root = tmp_path / "static"
    (root / "fonts").mkdir(parents=True)
    (root / "wall.js").write_text("'use strict';\n" * 100, encoding="utf-8")
    (root / "fonts" / "one.woff2").write_bytes(bytes(range(256)))
    assets = Assets(root)
    app = web.Application()
    app.router.add_get("/static/{name:.+}", assets.serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession(
        base_url="http://{}:{}".format(*runner.addresses[0][:2]), auto_decompress=False
    ) as client:
        yield assets, client
    await runner.cleanup()


async def test_a_file_asked_for_by_its_hash_is_kept_for_ever(files: Any) -> None:
    assets, client = files
    async with client.get(assets.url("wall.js"), headers={"Accept-Encoding": "br"}) as response:
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response.headers["Content-Encoding"] == "br"
        assert response.headers["Content-Type"].endswith("javascript; charset=utf-8")
    async with client.get("/static/wall.js") as response:
        assert response.headers["Cache-Control"] == "public, max-age=0, must-revalidate"


async def test_a_file_that_the_browser_has_is_not_sent_again(files: Any) -> None:
    assets, client = files
    tag = hashlib.sha256(b"'use strict';\n" * 100).hexdigest()[:16]
    assert assets.url("wall.js") == f"/static/wall.js?v={tag}"
    for known in (f'"{tag}"', f'"other", W/"{tag}"', "*"):
        async with client.get("/static/wall.js", headers={"If-None-Match": known}) as response:
            assert (response.status, await response.read()) == (304, b"")
    async with client.get("/static/wall.js", headers={"If-None-Match": '"other"'}) as response:
        assert response.status == 200


async def test_fonts_are_sent_as_they_are(files: Any) -> None:
    assets, client = files
    async with client.get(assets.url("fonts/one.woff2"), headers={"Accept-Encoding": "br, gzip"}) as response:
        assert "Content-Encoding" not in response.headers
        assert response.content_type == "font/woff2"
        assert await response.read() == bytes(range(256))


@pytest.mark.parametrize("name", ["nothing.js", "../conftest.py", "..%2Fconftest.py", "fonts"])
async def test_nothing_else_is_served(files: Any, name: str) -> None:
    _, client = files
    async with client.get(f"/static/{name}") as response:
        assert response.status == 404


async def test_uptimes_reach_the_metrics(world: World) -> None:
    await world.uptimes.refresh()
    assert world.uptimes.latest["minh-chau"]["1h"].connectivity == 0.5
    async with world.get("/metrics") as response:
        text = await response.text()
    assert 'lienthong_point_uptime_ratio{point="minh-chau",measure="connectivity",window="1h"} 0.5\n' in text
    assert "bon" not in world.uptimes.latest
    world.uptimes.withdraw()
    async with world.get("/metrics") as response:
        assert "lienthong_point_uptime_ratio" not in await response.text()


async def test_uptimes_of_a_point_that_is_gone_are_gone(world: World) -> None:
    await world.uptimes.refresh()
    config = world.board.config
    world.board.reload(type(config)(points=config.points[1:], vantage="local"))
    await world.uptimes.refresh()
    assert world.uptimes.latest.keys() == {"minh-chau", "ba-vi", "hub"}


async def test_uptimes_stand_for_a_while_without_a_database_then_there_are_none(world: World) -> None:
    await world.uptimes.try_refresh()
    await world.store.close()
    world.clock.now += timedelta(minutes=4)
    await world.uptimes.try_refresh()
    assert world.uptimes.latest
    world.clock.now += timedelta(minutes=2)
    await world.uptimes.try_refresh()
    assert not world.uptimes.latest
