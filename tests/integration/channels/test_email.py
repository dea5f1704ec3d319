"""E-mail at a real SMTP server."""

from __future__ import annotations

import email
import ssl
from collections.abc import Iterator
from email import policy
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import AuthResult, LoginPassword

from monitor.channels.base import Undelivered
from monitor.channels.email import EmailOptions
from tests.contract.channel_peers import build, envelope, mail_peer, raw_peer, tools

PASSWORD = "mật-khẩu-8817"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_side(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Iterator[str]:
    with authority.cert_pem.tempfile(str(tmp_path)) as path:
        yield path


def options(port: int, **values: Any) -> dict[str, Any]:
    return {
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "sender": "monitor@x.test",
        "to": ["noc@x.test"],
        **values,
    }


def known(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
    fits = isinstance(given, LoginPassword) and given.password == PASSWORD.encode()
    return AuthResult(success=fits, handled=fits, message=None if fits else f"535 not {PASSWORD}")


async def send(given_options: dict[str, Any]) -> None:
    async with tools() as given:
        await build("email", given_options, given).send(envelope())


async def test_what_arrives() -> None:
    async with mail_peer() as box:
        await send(options(box.port, to=["noc@x.test", "duty@x.test"], sender_name="Giám sát liên thông"))
        (mail,) = box.mails
    assert mail.mail_from == "monitor@x.test"
    assert mail.rcpt_tos == ["noc@x.test", "duty@x.test"]
    message = email.message_from_bytes(mail.content, policy=policy.default)
    assert message["Subject"] == "Phường Ba Đình mất kết nối"
    assert message["From"] == "Giám sát liên thông <monitor@x.test>"
    assert message["Message-ID"] == "<8c1f0a2b@x.test>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Importance"] == "high"
    assert message["Date"].datetime.isoformat() == "2026-11-23T03:05:20+00:00"
    text, page = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert page is not None
    assert text.get_content().split() == ["Từ", "10:05:12", "ngày", "23/11.", "Gọi", "<điểm>", "&", "hỏi."]
    shown = page.get_content()
    assert "<p>Gọi &lt;điểm&gt; &amp; hỏi.</p>" in shown
    assert '<a href="https://wall.example/incidents/12">' in shown


async def test_what_is_not_urgent_says_so_by_saying_nothing() -> None:
    async with mail_peer() as box, tools() as given:
        await build("email", options(box.port), given).send(envelope(severity="info", url="", title="a\nb"))
        message = email.message_from_bytes(box.mails[0].content, policy=policy.default)
    assert message["Importance"] is None
    assert message["Subject"] == "a b"
    assert b"<a href" not in box.mails[0].content


@pytest.mark.parametrize("words", range(1, 25))
async def test_long_subjects_and_names_keep_their_blanks(words: int) -> None:
    title = " ".join(["Nhắc lần 1:", *["Phường Hồng Hà mất kết nối, đã 1 phút"] * 4]).split()[:words]
    name = "Trung tâm Phục vụ hành chính công thành phố Hà Nội"
    async with mail_peer() as box, tools() as given:
        channel = build("email", options(box.port, sender_name=name), given)
        await channel.send(envelope(title=" ".join(title)))
        message = email.message_from_bytes(box.mails[0].content)
    said = {header: str(make_header(decode_header(message[header]))) for header in ("Subject", "From")}
    assert said == {"Subject": " ".join(title), "From": f"{name} <{options(1)['sender']}>"}


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_signing_in_over_tls(tls: str, server_side: ssl.SSLContext, ca_file: str) -> None:
    smtp: dict[str, Any] = {"authenticator": known, "auth_require_tls": False}
    if tls == "starttls":
        smtp |= {"tls_context": server_side, "require_starttls": True}
    async with mail_peer(wrapped=server_side if tls == "tls" else None, smtp=smtp) as box:
        secure = options(box.port, tls=tls, user="monitor", ca_file=ca_file)
        await send({**secure, "password": PASSWORD})
        assert len(box.mails) == 1
        with pytest.raises(Undelivered, match="535") as raised:
            await send({**secure, "password": "another"})
        assert raised.value.final
        assert len(box.mails) == 1


async def test_an_unknown_authority_is_not_told_the_password(server_side: ssl.SSLContext) -> None:
    smtp = {"tls_context": server_side, "require_starttls": True}
    async with mail_peer(smtp=smtp) as box:
        with pytest.raises(Undelivered) as raised:
            await send(options(box.port, tls="starttls", user="monitor", password=PASSWORD))
    assert not raised.value.final
    assert PASSWORD not in str(raised.value)


async def test_a_server_without_starttls_gets_nothing() -> None:
    async with mail_peer() as box:
        with pytest.raises(Undelivered):
            await send(options(box.port, tls="starttls"))
        assert box.mails == []


@pytest.mark.parametrize(("answer", "final"), [("554 no", True), ("451 later", False)])
async def test_what_a_servers_answer_means(answer: str, final: bool) -> None:
    async with mail_peer(data_answer=answer) as box:
        with pytest.raises(Undelivered, match=answer) as raised:
            await send(options(box.port))
    assert raised.value.final is final


async def test_who_was_refused_for_now_is_asked_again_alone() -> None:
    async with mail_peer(refused={"b@x.test": "450 greylisted"}) as box, tools() as given:
        channel = build("email", options(box.port, to=["a@x.test", "b@x.test"]), given)
        with pytest.raises(Undelivered, match=r"b@x\.test: 450 greylisted") as raised:
            await channel.send(envelope())
        assert not raised.value.final
        box.refused.clear()
        await channel.send(envelope())
        await channel.send(envelope("another"))
        assert [mail.rcpt_tos for mail in box.mails] == [["a@x.test"], ["b@x.test"], ["a@x.test", "b@x.test"]]


@pytest.mark.parametrize(("code", "final"), [("550", True), ("450", False)])
async def test_all_refused(code: str, final: bool) -> None:
    async with mail_peer(refused={"noc@x.test": f"{code} no such mailbox"}) as box:
        with pytest.raises(Undelivered, match="no such mailbox") as raised:
            await send(options(box.port))
    assert raised.value.final is final


async def test_a_server_that_repeats_the_password_is_not_repeated() -> None:
    """Even over TLS the server's words are shown only without what it was given."""

    async def speak(reader: Any, writer: Any) -> None:
        writer.write(b"554 who are you with " + PASSWORD.encode() + b"\r\n")
        await writer.drain()
        await reader.read()

    async with raw_peer(speak) as port:
        with pytest.raises(Undelivered) as raised:
            await send(options(port, tls="starttls", user="u", password=PASSWORD))
    assert PASSWORD not in str(raised.value)
    assert "554" in str(raised.value)


async def test_a_step_that_takes_too_long() -> None:
    async def speak(reader: Any, writer: Any) -> None:
        await reader.read()

    async with raw_peer(speak) as port:
        with pytest.raises(Undelivered, match=r"[Tt]imed out") as raised:
            await send(options(port, timeout="100ms"))
    assert not raised.value.final


@pytest.mark.parametrize(
    "wrong",
    [
        {"user": "u"},
        {"password": "p"},
        {"user": "u", "password": "p", "tls": "none"},
        {"to": []},
        {"to": ["nobody"]},
        {"to": ["a@x.test\r\nBcc: b@x.test"]},
        {"sender": "@x.test"},
        {"sender": ""},
        {"tls": "ssl"},
        {"port": 70000},
        {"timeout": "2d"},
    ],
)
def test_options_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        EmailOptions.model_validate({**options(25), **wrong})
