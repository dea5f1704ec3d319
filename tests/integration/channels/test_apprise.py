"""Apprise at a real receiver."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitor.channels.apprise import AppriseOptions
from monitor.channels.base import Undelivered
from tests.contract.channel_peers import build, envelope, tools, web_peer


async def send(urls: list[str], said: Any = None, **options: Any) -> None:
    async with tools() as given:
        await build("apprise", {"urls": urls, **options}, given).send(said or envelope())


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({}, "failure"),
        ({"severity": "warning"}, "warning"),
        ({"severity": "info"}, "info"),
        ({"kind": "recovered"}, "success"),
    ],
)
async def test_what_a_service_gets(values: dict[str, str], kind: str) -> None:
    async with web_peer() as peer:
        await send([f"json://127.0.0.1:{peer.port}/x"], envelope(**values))
        ((_, _, body),) = peer.requests
    said = json.loads(body)
    assert (said["title"], said["type"]) == ("Phường Ba Đình mất kết nối", kind)
    assert said["message"] == "Từ 10:05:12 ngày 23/11.\n\nGọi <điểm> & hỏi."


async def test_markdown_shows_the_text_letter_for_letter() -> None:
    async with web_peer() as peer:
        said = envelope(text="10.1.2.1 *x* _y_\n[z](u)")
        await send([f"json://127.0.0.1:{peer.port}/x?format=html"], said, format="markdown")
        ((_, _, body),) = peer.requests
    message = json.loads(body)["message"]
    assert "10.1.2.1 *x* _y_<br" in message
    assert "[z](u)" in message


async def test_who_took_it_is_not_told_again() -> None:
    async with web_peer() as good, web_peer(status=500) as bad, tools() as given:
        urls = [f"json://127.0.0.1:{bad.port}/x", f"json://127.0.0.1:{good.port}/x"]
        channel = build("apprise", {"urls": urls}, given)
        with pytest.raises(Undelivered, match=r"^address 1: JSON: ") as raised:
            await channel.send(envelope())
        assert not raised.value.final
        bad.status = 200
        await channel.send(envelope())
        assert (len(good.requests), len(bad.requests)) == (1, 2)
        await channel.send(envelope("another"))
        assert (len(good.requests), len(bad.requests)) == (2, 3)


@pytest.mark.parametrize("urls", [[], ["nothing://x"], ["json://h", "tgram://"]])
def test_addresses_that_apprise_does_not_know(urls: list[str]) -> None:
    with pytest.raises(ValueError):
        AppriseOptions.model_validate({"urls": urls})


async def test_the_environments_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with web_peer() as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        await send(["json://service.invalid/x"])
        ((_, headers, _),) = proxy.requests
    assert headers["Host"] == "service.invalid"
