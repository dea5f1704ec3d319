"""TCP and DNS cases of the differential test (see conftest.py)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import dns.message
import pytest
import trustme

from tests.nameservers import always, closed_port, name_server, respond, silent, truncated

Steps = list[bytes | None]
"""What a server says, and None where it waits for a line."""


@pytest.fixture
def compared(differential: Any) -> Any:
    """The harness with the differences that we mean in these two protocols."""
    known = type(next(iter(differential.known.values())))
    mine = {
        "bytes": known(
            reason="0.23 has no expect_bytes, so no metric for it; the reference has both",
            families=frozenset({"probe_failed_due_to_bytes"}),
            everywhere=True,
        ),
        "starttls": known(
            reason="after STARTTLS 0.23 exposes the earliest expiry only; the reference all of a handshake's metrics",
            families=frozenset(
                {
                    "probe_tls_version_info",
                    "probe_ssl_last_chain_info",
                    "probe_ssl_last_chain_expiry_timestamp_seconds",
                }
            ),
        ),
        "all-match": known(reason="fail_if_all_match_regexp does what its name says, 0.23 the reverse", success=True),
    }
    return replace(differential, known={**differential.known, **mine})


@asynccontextmanager
async def serve(steps: Steps, *, stay: bool, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for step in steps:
                if step is None:
                    await reader.readline()
                else:
                    writer.write(step)
                    await writer.drain()
            if not stay:
                writer.write_eof()
            await reader.read()
        except (OSError, NotImplementedError):
            pass
        finally:
            writer.transport.abort()

    async with await asyncio.start_server(converse, "127.0.0.1", 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1]


class Talk(NamedTuple):
    name: str
    steps: Steps
    entries: list[dict[str, Any]]
    success: bool
    stay: bool = False


TALKS = [
    Talk("an open port", [], [], True),
    Talk("a line", [b"hello\n"], [{"expect": "^hello$"}], True),
    Talk("a line with a carriage return", [b"hello\r\n"], [{"expect": "^hello$"}], True),
    Talk("a line without an end", [b"hello"], [{"expect": "^hello$"}], True),
    Talk("no line without its end", [b"hello"], [{"expect": "^hello$"}], False, stay=True),
    Talk("a later line", [b"a\nb\n", b"hello\n"], [{"expect": "hello"}], True),
    Talk("no line at all", [], [{"expect": "hello"}], False),
    Talk("another line", [b"bye\n"], [{"expect": "hello"}], False),
    Talk("another line, then silence", [b"bye\n"], [{"expect": "hello"}], False, stay=True),
    Talk("empty lines", [b"\n\n\nhello\n"], [{"expect": "^$"}, {"expect": "^$"}, {"expect": "hello"}], True),
    Talk("two lines at once", [b"one\ntwo\n"], [{"expect": "one"}, {"expect": "two"}], True),
    Talk("lines in the wrong order", [b"two\none\n"], [{"expect": "one"}, {"expect": "two"}], False),
    Talk("a line in pieces", [b"he", b"ll", b"o\n"], [{"expect": "^hello$"}], True),
    Talk("a line that is too long", [b"x" * 70_000 + b"\nhello\n"], [{"expect": "hello"}], False),
    Talk("a line that is just short enough", [b"x" * 65_000 + b"\nhello\n"], [{"expect": "hello"}], True),
    Talk("bytes that are no UTF-8", [b"\xff\xfe\n"], [{"expect": "^..$"}], True),
    Talk("UTF-8", ["Cửa Nam\n".encode()], [{"expect": "^C.a Nam$"}], True),
    Talk("sent and answered", [None, b"pong\n"], [{"send": "ping"}, {"expect": "pong"}], True),
    Talk("sent only", [], [{"send": "ping"}], True),
    Talk(
        "an echo of a group",
        [b"220 x\n", None, b"250\n"],
        [{"expect": "^220 (.*)", "send": "HI ${1}"}, {"expect": "^250"}],
        True,
    ),
    Talk("case does not matter if so said", [b"HELLO\n"], [{"expect": "(?i)hello"}], True),
    Talk("expecting nothing", [b"x\n"], [{"expect": ""}], True),
    Talk("a NUL", [b"a\0b\n"], [{"expect": "a\\x00b"}], True),
]


@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk.name)
async def test_conversation(compared: Any, talk: Talk) -> None:
    async with serve(talk.steps, stay=talk.stay) as port:
        module = {"prober": "tcp", "tcp": {"query_response": talk.entries}}
        await compared.agree(f"127.0.0.1:{port}", module, success=talk.success, timeout_seconds=1.0)


async def test_a_closed_port(compared: Any) -> None:
    await compared.agree(f"127.0.0.1:{closed_port()}", {"prober": "tcp", "tcp": {}}, success=False)


@pytest.mark.parametrize(
    ("options", "success"),
    [
        ({"preferred_ip_protocol": "ip4"}, True),
        ({"preferred_ip_protocol": "ip6"}, True),
        ({"preferred_ip_protocol": "ip6", "ip_protocol_fallback": False}, False),
        ({"preferred_ip_protocol": "ip4", "ip_protocol_fallback": False}, True),
        ({"source_ip_address": "127.0.0.9"}, True),
        ({"source_ip_address": "192.0.2.9"}, False),
    ],
)
async def test_addresses(compared: Any, options: dict[str, Any], success: bool) -> None:
    async with serve([], stay=True) as port:
        await compared.agree(f"127.0.0.1:{port}", {"prober": "tcp", "tcp": options}, success=success)


@pytest.mark.parametrize(("trusted", "success"), [("ca", True), ("", False), ("skip", True)])
async def test_tls(compared: Any, tmp_path: Path, trusted: str, success: bool) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    tls: dict[str, Any] = {"ca": {"ca_file": str(tmp_path / "ca.pem")}, "skip": {"insecure_skip_verify": True}}.get(
        trusted, {}
    )
    async with serve([b"hello\n"], stay=True, tls=context) as port:
        module = {"prober": "tcp", "tcp": {"tls": True, "tls_config": tls, "query_response": [{"expect": "hello"}]}}
        await compared.agree(f"127.0.0.1:{port}", module, success=success)


class Ask(NamedTuple):
    name: str
    answer: Callable[[dns.message.Message], Iterable[bytes]]
    options: dict[str, Any]
    success: bool
    known: tuple[str, ...] = ()


RECORDS = always("www.example. A 192.0.2.1", "www.example. A 192.0.2.2", "www.example. MX 10 mail.example.")
SOA = always("example. SOA ns.example. root.example. 2026112301 3600 600 86400 60")
TEXT = always('www.example. TXT "v=spf1 a" "b\\"c"')


def sections(query: dns.message.Message) -> Iterable[bytes]:
    yield respond(
        query,
        "www.example. A 192.0.2.1",
        authority=["example. NS ns.example."],
        additional=["ns.example. A 192.0.2.53"],
    ).to_wire()


def rules(section: str, rule: str, *patterns: str) -> dict[str, Any]:
    return {f"validate_{section}_rrs": {rule: list(patterns)}}


A = {"query_type": "A"}
ASKS = [
    Ask("records", RECORDS, A, True),
    Ask("any record", RECORDS, {}, True),
    Ask("no record", always(), A, True),
    Ask("three sections", sections, A, True),
    Ask("NXDOMAIN", always(rcode="NXDOMAIN"), A, False),
    Ask("NXDOMAIN wanted", always(rcode="NXDOMAIN"), {**A, "valid_rcodes": ["NXDOMAIN"]}, True),
    Ask("NOERROR not wanted", RECORDS, {**A, "valid_rcodes": ["NXDOMAIN"]}, False),
    Ask("SERVFAIL", always(rcode="SERVFAIL"), A, False),
    Ask("REFUSED", always(rcode="REFUSED"), A, False),
    Ask("over TCP", RECORDS, {**A, "transport_protocol": "tcp"}, True),
    Ask("without recursion", RECORDS, {**A, "recursion_desired": False}, True),
    Ask("a serial number", SOA, {"query_name": "example", "query_type": "SOA"}, True),
    Ask("no serial number", always(), {"query_name": "example", "query_type": "SOA"}, True),
    Ask("cut", truncated(RECORDS), A, True),
    Ask("silence", silent, A, False),
    Ask("silence over TCP", silent, {**A, "transport_protocol": "tcp"}, False),
    Ask("a record that must not be", RECORDS, {**A, **rules("answer", "fail_if_matches_regexp", "2\\.2$")}, False),
    Ask("a record that isn't", RECORDS, {**A, **rules("answer", "fail_if_matches_regexp", "203")}, True),
    Ask(
        "all as they must be",
        RECORDS,
        {**A, **rules("answer", "fail_if_not_matches_regexp", "^www\\.example\\.\t60\tIN\tA\t192")},
        True,
    ),
    Ask("one not as it must be", RECORDS, {**A, **rules("answer", "fail_if_not_matches_regexp", "2\\.1$")}, False),
    Ask(
        "nothing where something must be", always(), {**A, **rules("answer", "fail_if_not_matches_regexp", ".")}, False
    ),
    Ask("one of them", RECORDS, {**A, **rules("answer", "fail_if_none_matches_regexp", "203", "2\\.2$")}, True),
    Ask("none of them", RECORDS, {**A, **rules("answer", "fail_if_none_matches_regexp", "203")}, False),
    Ask("nothing of which one must be", always(), {**A, **rules("answer", "fail_if_none_matches_regexp", ".")}, False),
    Ask(
        "all match what not all may",
        RECORDS,
        {**A, **rules("answer", "fail_if_all_match_regexp", "192")},
        False,
        ("all-match",),
    ),
    Ask("not all match", RECORDS, {**A, **rules("answer", "fail_if_all_match_regexp", "2\\.1$")}, True, ("all-match",)),
    Ask(
        "authority",
        sections,
        {**A, **rules("authority", "fail_if_not_matches_regexp", "^example\\.\t60\tIN\tNS\tns\\.example\\.$")},
        True,
    ),
    Ask("additional", sections, {**A, **rules("additional", "fail_if_matches_regexp", "192\\.0\\.2\\.53")}, False),
    Ask(
        "text of MX",
        RECORDS,
        {"query_type": "MX", **rules("answer", "fail_if_not_matches_regexp", "\tMX\t10 mail\\.example\\.$")},
        True,
    ),
    Ask(
        "text of TXT",
        TEXT,
        {"query_type": "TXT", **rules("answer", "fail_if_not_matches_regexp", '\tTXT\t"v=spf1 a" "b\\\\"c"$')},
        True,
    ),
    Ask(
        "text of SOA",
        SOA,
        {
            "query_name": "example",
            "query_type": "SOA",
            **rules(
                "answer",
                "fail_if_not_matches_regexp",
                "ns\\.example\\. root\\.example\\. 2026112301 3600 600 86400 60$",
            ),
        },
        True,
    ),
    Ask("a record cut short", lambda query: [wire[:-3] for wire in RECORDS(query)], A, False),
    Ask("bytes behind the records", lambda query: [wire + b"xx" for wire in RECORDS(query)], A, True),
    Ask("from a source address", RECORDS, {**A, "source_ip_address": "127.0.0.9"}, True),
    Ask("another id first", lambda query: [b"\xff" + respond(query).to_wire()[1:], *RECORDS(query)], A, True),
]


@pytest.mark.parametrize("ask", ASKS, ids=lambda ask: ask.name)
async def test_question(compared: Any, ask: Ask) -> None:
    options = {"query_name": "www.example", **ask.options}
    async with name_server(ask.answer) as server:
        module = {"prober": "dns", "dns": options}
        await compared.agree(server.target, module, success=ask.success, known=ask.known, timeout_seconds=1.0)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_closed_dns_port(compared: Any, transport: str) -> None:
    module = {"prober": "dns", "dns": {"query_name": "a", "transport_protocol": transport}}
    await compared.agree(f"127.0.0.1:{closed_port()}", module, success=False, timeout_seconds=1.0)
