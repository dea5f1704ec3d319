"""The webhook at a real receiver, which verifies what it gets as its documentation says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import SecretStr

from monitor.channels.base import Undelivered
from monitor.channels.http import retry_after
from monitor.channels.webhook import WebhookOptions, sign
from tests.contract.channel_peers import NOW, build, envelope, tools, web_peer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


async def send(port: int, scheme: str = "http", **options: Any) -> None:
    async with tools() as given:
        await build("webhook", {"url": f"{scheme}://127.0.0.1:{port}/hook?k=v", **options}, given).send(envelope())


async def test_what_a_receiver_gets() -> None:
    async with web_peer(status=204) as peer:
        await send(peer.port, headers={"X-Team": "noc"})
        ((path, headers, body),) = peer.requests
    assert path == "/hook?k=v"
    assert headers["X-Team"] == "noc"
    assert headers["webhook-id"] == "8c1f0a2b"
    assert "webhook-signature" not in headers
    said = json.loads(body)
    assert said["schema"] == "lienthong.message.v1"
    assert (said["id"], said["kind"], said["severity"]) == ("8c1f0a2b", "opened", "critical")
    assert said["title"] == "Phường Ba Đình mất kết nối"
    assert said["sent_at"] == NOW.isoformat()
    (item,) = said["items"]
    assert (item["number"], item["begins"], item["ends"]) == (12, "2026-11-23T03:05:12+00:00", None)
    assert item["labels"]["severity"] == "critical"


async def test_the_signature_is_over_id_time_and_body() -> None:
    async with web_peer() as peer:
        await send(peer.port, secret=SECRET)
        ((_, headers, body),) = peer.requests
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert int(headers["webhook-timestamp"]) == int(NOW.timestamp())


def test_the_signature_of_the_specification() -> None:
    """The example that the libraries of Standard Webhooks test themselves with."""
    body = b'{"test": 2432232314}'
    made = sign(SecretStr(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("status", "final"),
    [*((status, True) for status in (301, 400, 401, 404, 410)), *((s, False) for s in (408, 425, 429, 500, 502, 503))],
)
async def test_what_an_answer_means(status: int, final: bool) -> None:
    headers = {"Retry-After": "30", "Location": "/elsewhere"}
    async with web_peer(status=status, headers=headers) as peer:
        with pytest.raises(Undelivered, match=str(status)) as raised:
            await send(peer.port)
        assert len(peer.requests) == 1
    assert raised.value.final is final
    assert raised.value.retry_after == (None if final else timedelta(seconds=30))


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("", None),
        ("soon", None),
        ("0", timedelta(0)),
        ("120", timedelta(minutes=2)),
        ("999999999999999", timedelta(hours=1)),
        ("-5", None),
        ("²", None),
        ("Mon, 23 Nov 2026 03:06:20 GMT", timedelta(minutes=1)),
        ("Mon, 23 Nov 2026 03:00:00 GMT", timedelta(0)),
        ("Tue, 24 Nov 2026 03:00:00 GMT", timedelta(hours=1)),
    ],
)
def test_retry_after(text: str, wait: timedelta | None) -> None:
    assert retry_after(text, datetime(2026, 11, 23, 3, 5, 20, tzinfo=UTC)) == wait


async def test_an_authority_of_ones_own(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with web_peer(tls=context) as peer:
        await send(peer.port, "https", ca_file=str(tmp_path / "ca.pem"))
        assert len(peer.requests) == 1
        with pytest.raises(Undelivered, match="certificate") as raised:
            await send(peer.port, "https")
        assert not raised.value.final
        assert len(peer.requests) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "not a url"},
        {"url": "http://"},
        {"url": "https://x:99999/"},
        {"url": "http://[::1"},
        {"secret": "short"},
        {"secret": "whsec_%%%"},
        {"secret": "whsec_c2hvcnQ="},
        {"headers": {"webhook-id": "1"}},
        {"headers": {"bad name": "1"}},
        {"headers": {"X": "a\r\nb: c"}},
        {"ca_file": "/nowhere/ca.pem"},
    ],
)
def test_options_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        WebhookOptions.model_validate({"url": "https://x.example", **wrong})
