"""HTTP cases of the differential test (see conftest.py): real servers that behave badly in many ways."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import struct
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import brotli
import pytest
import trustme

from tests.integration.differential.servers import Answer, Tls, chunked, echo, http, ok, serve


class Case(NamedTuple):
    name: str
    answer: bytes
    options: dict[str, Any]
    success: bool
    known: tuple[str, ...] = ()


RAW_DEFLATE = zlib.compressobj(wbits=-15)
DEFLATED = RAW_DEFLATE.compress(b"hello") + RAW_DEFLATE.flush()
NO_BODY = b"HTTP/1.1 204 No Content\r\n\r\n"
BODY = {"fail_if_body_not_matches_regexp": ["hello"]}

CASES = [
    # status
    Case("status 200", ok(), {}, True),
    Case("status 299", ok(status="299 Odd"), {}, True),
    Case("status 199 is interim", b"HTTP/1.1 199 Early\r\n\r\n" + ok(), {}, True),
    Case("status 500", ok(status="500 Broken"), {}, False),
    Case("status 503 wanted", ok(status="503 Away"), {"valid_status_codes": [503]}, True),
    Case("status 200 not wanted", ok(), {"valid_status_codes": [201, 202]}, False),
    Case("status 999", ok(status="999 Beyond"), {"valid_status_codes": [999]}, True),
    Case("status without a reason", b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", {}, True),
    Case("status of two digits", b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", {}, False),
    Case("status that is no number", b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n", {}, False),
    Case("204 without a length", NO_BODY, {}, True),
    Case("204 that claims a body", b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", {}, True),
    Case("304", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", {"valid_status_codes": [304]}, True),
    Case("100 before the answer", b"HTTP/1.1 100 Continue\r\n\r\n" + ok(), BODY, True),
    Case("103 with headers before the answer", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + ok(), BODY, True),
    Case("interim answers without end", b"HTTP/1.1 100 Continue\r\n\r\n" * 50, {}, False),
    # framing
    Case("read to the end", b"HTTP/1.1 200 OK\r\n\r\nhello", BODY, True),
    Case("empty, read to the end", b"HTTP/1.1 200 OK\r\n\r\n", {}, True),
    Case("HTTP/1.0", b"HTTP/1.0 200 OK\r\n\r\nhello", BODY, True),
    Case("HTTP/1.0 with a length", b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", BODY, True),
    Case("body cut short", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", {}, False),
    Case("body cut short, looked into", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", BODY, False),
    Case("body longer than its length", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhellohello", BODY, True),
    Case("chunks", chunked(b"hel", b"lo"), BODY, True),
    Case(
        "chunks with an extension",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n",
        BODY,
        True,
    ),
    Case("chunks with trailers", chunked(b"hello", end=b"0\r\nX-Sum: 1\r\n\r\n"), BODY, True),
    Case("chunks cut short", chunked(b"hello", end=b""), BODY, False),
    Case("chunk cut short", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhello", {}, False),
    Case("chunk size that is none", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", {}, False),
    Case(
        "chunks and a length",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        BODY,
        True,
    ),
    Case(
        "lengths that disagree", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", {}, False
    ),
    Case(
        "the same length twice",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        {},
        False,
        ("strict-head",),
    ),
    Case("a length below zero", b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", {}, False),
    Case("a length that is no number", b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello", {}, False),
    Case("an unknown transfer encoding", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello", {}, False),
    # heads
    Case("bare line feeds", b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", BODY, True),
    Case(
        "a folded header",
        b"HTTP/1.1 200 OK\r\nX-A: one\r\n two\r\nContent-Length: 5\r\n\r\nhello",
        {"fail_if_header_not_matches": [{"header": "X-A", "regexp": "^one two$"}]},
        True,
    ),
    Case("a header without a colon", b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n", {}, False),
    Case(
        "a space before the colon",
        b"HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length: 0\r\n\r\n",
        {},
        False,
        ("strict-head",),
    ),
    Case(
        "bytes that aren't UTF-8 in a header",
        b"HTTP/1.1 200 OK\r\nX-A: \xff\xfe\r\nContent-Length: 0\r\n\r\n",
        {"fail_if_header_not_matches": [{"header": "X-A", "regexp": "^..$"}]},
        True,
    ),
    Case(
        "UTF-8 in a header",
        "HTTP/1.1 200 OK\r\nX-A: Cửa Nam\r\nContent-Length: 0\r\n\r\n".encode(),
        {"fail_if_header_not_matches": [{"header": "X-A", "regexp": "Cửa"}]},
        True,
    ),
    Case("another protocol", b"SSH-2.0-OpenSSH_9.2\r\n", {}, False),
    Case("no answer", b"", {}, False),
    Case("a head cut short", b"HTTP/1.1 200 OK\r\nContent-Le", {}, False),
    Case("a lone blank line first", b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", {}, False),
    Case("HTTP/2.0 in the status line", b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", {}, True),
    Case("HTTP/3.7 in the status line", b"HTTP/3.7 200 OK\r\nContent-Length: 0\r\n\r\n", {}, True),
    # headers' assertions
    Case(
        "header matches what it must not",
        ok(Server="old/1.0"),
        {"fail_if_header_matches": [{"header": "server", "regexp": "old"}]},
        False,
    ),
    Case(
        "header does not match what it must not",
        ok(Server="new"),
        {"fail_if_header_matches": [{"header": "Server", "regexp": "old"}]},
        True,
    ),
    Case(
        "header that must not match is missing",
        ok(),
        {"fail_if_header_matches": [{"header": "Server", "regexp": "old"}]},
        False,
    ),
    Case(
        "header may be missing",
        ok(),
        {"fail_if_header_matches": [{"header": "Server", "regexp": "old", "allow_missing": True}]},
        True,
    ),
    Case(
        "one of two values matches",
        b"HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 0\r\n\r\n",
        {"fail_if_header_not_matches": [{"header": "x-a", "regexp": "2"}]},
        True,
    ),
    Case(
        "header must match and doesn't",
        ok(X_A="1"),
        {"fail_if_header_not_matches": [{"header": "X-A", "regexp": "2"}]},
        False,
    ),
    Case(
        "status fails before the headers",
        ok(status="500 No", X_A="1"),
        {"fail_if_header_not_matches": [{"header": "X-A", "regexp": "2"}]},
        False,
    ),
    Case("Last-Modified", ok(Last_Modified="Mon, 02 Jan 2006 15:04:05 GMT"), {}, True),
    Case("Last-Modified as in RFC 850", ok(Last_Modified="Monday, 02-Jan-06 15:04:05 GMT"), {}, True),
    Case("Last-Modified of asctime", ok(Last_Modified="Mon Jan  2 15:04:05 2006"), {}, True),
    Case("Last-Modified that is no date", ok(Last_Modified="yesterday"), {}, True),
    # bodies' assertions
    Case(
        "body matches what it must not",
        ok(b"a fatal error"),
        {"fail_if_body_matches_regexp": ["nothing", "fatal"]},
        False,
    ),
    Case("body does not match what it must", ok(b"bye"), BODY, False),
    Case("both kinds hold", ok(), {"fail_if_body_matches_regexp": ["bye"], **BODY}, True),
    Case("pattern over lines", ok(b"one\nhello\n"), {"fail_if_body_not_matches_regexp": ["(?m)^hello$"]}, True),
    Case("a dot is no line feed", ok(b"a\nb"), {"fail_if_body_not_matches_regexp": ["a.b"]}, False),
    Case("Vietnamese", ok("Một cửa".encode()), {"fail_if_body_not_matches_regexp": ["M.t c.a"]}, True),
    Case("bytes that aren't UTF-8", ok(b"a\xffb"), {"fail_if_body_not_matches_regexp": ["^a.b$"]}, True),
    Case("status fails before the body", ok(b"bye", "404 No"), BODY, False),
    # compression
    Case("gzip", ok(gzip.compress(b"hello")), {"compression": "gzip", **BODY}, True),
    Case(
        "gzip of two members", ok(gzip.compress(b"hel") + gzip.compress(b"lo")), {"compression": "gzip", **BODY}, True
    ),
    Case("gzip that is none", ok(b"hello"), {"compression": "gzip", **BODY}, False),
    Case("gzip of nothing", ok(b""), {"compression": "gzip"}, False),
    Case("gzip with rubbish behind", ok(gzip.compress(b"hello") + b"rubbish!"), {"compression": "gzip"}, False),
    Case(
        "gzip with a wrong sum",
        ok(gzip.compress(b"hello")[:-8] + bytes(8)),
        {"compression": "gzip", **BODY},
        False,
        ("corrupt-length",),
    ),
    Case("gzip, not asked to decompress", ok(gzip.compress(b"hello"), Content_Encoding="gzip"), BODY, False),
    Case("deflate", ok(DEFLATED), {"compression": "deflate", **BODY}, True),
    Case("deflate with zlib's header", ok(zlib.compress(b"hello")), {"compression": "deflate", **BODY}, False),
    Case("br", ok(brotli.compress(b"hello")), {"compression": "br", **BODY}, True),
    Case("br that is none", ok(b"\xff\xff\xff\xff"), {"compression": "br"}, False),
    Case("identity", ok(), {"compression": "identity", **BODY}, True),
    Case("compression of an answer that failed", ok(gzip.compress(b"hello"), "500 No"), {"compression": "gzip"}, False),
    # limits
    Case("body at its limit", ok(), {"body_size_limit": "5B"}, True),
    Case("body over its limit", ok(), {"body_size_limit": "4B"}, False),
    Case("body over its limit, looked into", ok(), {"body_size_limit": "4B", **BODY}, False),
    Case(
        "a gzip bomb over the limit",
        ok(gzip.compress(bytes(3_000_000))),
        {"compression": "gzip", "body_size_limit": "1MB"},
        False,
    ),
    Case(
        "the limit is of what is decompressed",
        ok(gzip.compress(b"hello" * 10)),
        {"compression": "gzip", "body_size_limit": "50B"},
        True,
    ),
    # versions and TLS
    Case("HTTP/1.1 wanted", ok(), {"valid_http_versions": ["HTTP/1.1", "HTTP/2.0"]}, True),
    Case("HTTP/2.0 wanted", ok(), {"valid_http_versions": ["HTTP/2.0"]}, False),
    Case("HTTP/1.0 not wanted", b"HTTP/1.0 200 OK\r\n\r\n", {"valid_http_versions": ["HTTP/1.1"]}, False),
    Case("TLS wanted", ok(), {"fail_if_not_ssl": True}, False),
    Case("TLS not wanted, not there", ok(), {"fail_if_ssl": True}, True),
    # requests
    Case("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", {"method": "HEAD"}, True),
    Case("HEAD without a length", b"HTTP/1.1 200 OK\r\n\r\n", {"method": "HEAD"}, True),
    Case(
        "HEAD whose body is looked into",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n",
        {"method": "HEAD", **BODY},
        False,
    ),
    # redirects that aren't followed
    Case("a redirect not followed", ok(b"moved", "302 Found", Location="/next"), {"follow_redirects": False}, False),
    Case(
        "a redirect not followed, wanted",
        ok(b"moved", "302 Found", Location="/next"),
        {"follow_redirects": False, "valid_status_codes": [302]},
        True,
    ),
    Case(
        "a redirect not followed, the old way",
        ok(b"moved", "302 Found", Location="/next"),
        {"no_follow_redirects": True, "valid_status_codes": [302]},
        True,
    ),
    Case(
        "its body is not read",
        ok(b"hello", "302 Found", Location="/next"),
        {"follow_redirects": False, "valid_status_codes": [302], **BODY},
        False,
    ),
    Case(
        "its missing body is no error",
        ok(b"", "302 Found", Location="/next"),
        {"follow_redirects": False, "valid_status_codes": [302], "fail_if_body_matches_regexp": ["x"]},
        True,
    ),
    Case(
        "to a scheme that isn't ours, not followed",
        ok(b"", "302 Found", Location="app://x"),
        {"follow_redirects": False, "valid_status_codes": [302]},
        True,
    ),
    Case("a redirect without a Location", ok(b"hello", "302 Found"), {"valid_status_codes": [302], **BODY}, True),
    Case("300 is no redirect", ok(b"hello", "300 Choices", Location="/next"), {"valid_status_codes": [300]}, True),
    Case("for ever in a circle", ok(b"", "302 Found", Location="/"), {}, False),
    Case("for ever in a circle, wanted", ok(b"", "302 Found", Location="/"), {"valid_status_codes": [302]}, True),
    Case("to nowhere", ok(b"", "302 Found", Location="http://"), {}, False),
    Case("to another scheme", ok(b"", "302 Found", Location="ftp://127.0.0.1/"), {}, False),
    Case("to a port where nobody listens", ok(b"", "302 Found", Location="http://127.0.0.1:1/"), {}, False),
    Case("to a URL with a control character", ok(b"", "302 Found", Location="/a\x7fb"), {}, False),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_answer(differential: Any, case: Case) -> None:
    async with serve(case.answer) as port:
        module = {"prober": "http", "http": case.options}
        await differential.agree(f"http://127.0.0.1:{port}/", module, success=case.success, known=case.known)


REQUESTS = [
    ("the Host header", {"headers": {"Host": "portal.example"}}, "(?m)^Host: portal.example\r$"),
    ("a header", {"headers": {"X-Ward": "Cửa Nam"}}, "(?m)^X-Ward: "),
    ("another agent", {"headers": {"User-Agent": "ours/1"}}, "(?m)^User-Agent: ours/1\r$"),
    ("POST", {"method": "POST", "body": "a=1"}, "(?s)^POST / HTTP/1.1\r\n.*Content-Length: 3\r\n.*\r\na=1$"),
    ("POST of nothing", {"method": "POST"}, "(?m)^Content-Length: 0\r$"),
    ("PUT in Vietnamese", {"method": "PUT", "body": "Một"}, "(?m)^Content-Length: 5\r$"),
    ("GET with a body", {"body": "x"}, "(?s)^GET .*x$"),
    ("a method of one's own", {"method": "PURGE"}, "^PURGE / "),
    ("DELETE", {"method": "DELETE"}, "^DELETE / "),
    ("basic_auth", {"basic_auth": {"username": "a", "password": "b"}}, "(?m)^Authorization: Basic YTpi\r$"),
    ("bearer_token", {"bearer_token": "t0k"}, "(?m)^Authorization: Bearer t0k\r$"),
    ("authorization", {"authorization": {"type": "Token", "credentials": "t0k"}}, "(?m)^Authorization: Token t0k\r$"),
    (
        "a header before basic_auth",
        {"headers": {"Authorization": "Own x"}, "basic_auth": {"username": "a"}},
        "(?m)^Authorization: Own x\r$",
    ),
    ("close", {}, "(?m)^Connection: close\r$"),
    ("no keep-alive whatever is asked", {"headers": {"Connection": "keep-alive"}}, "(?m)^Connection: close\r$"),
    ("the length is ours to say", {"headers": {"Content-Length": "99"}, "body": "x"}, "(?m)^Content-Length: 1\r$"),
]


@pytest.mark.parametrize(("name", "options", "pattern"), REQUESTS, ids=[name for name, *_ in REQUESTS])
async def test_request(differential: Any, name: str, options: dict[str, Any], pattern: str) -> None:
    """The server answers with the request, so a body assertion looks into what was sent."""
    async with serve(echo) as port:
        await differential.agree(
            f"http://127.0.0.1:{port}/",
            http(**options, fail_if_body_not_matches_regexp=[pattern]),
            success=True,
            known=() if name == "another agent" else ("request-length",),
        )


TARGETS = ["127.0.0.1:{}", "127.0.0.1:{}/p", "http://127.0.0.1:{}?q", "http://127.0.0.1:{}/p?q=1#f", "localhost:{}/a b"]


@pytest.mark.parametrize("target", TARGETS)
async def test_target(differential: Any, target: str) -> None:
    asked = {"/", "/p", "/?q", "/p?q=1", "/a%20b"}

    def answer(request: str) -> bytes:
        return ok() if request.split()[1] in asked else ok(status="404 No")

    async with serve(answer) as port:
        await differential.agree(target.format(port), http(preferred_ip_protocol="ip4"), success=True)


@pytest.mark.parametrize("target", ["no-such-host.invalid", "127.0.0.1:99999", "http://", "http://127.0.0.1:1/"])
async def test_target_that_leads_nowhere(differential: Any, target: str) -> None:
    known = {"127.0.0.1:99999": ("bad-target",), "http://": ("bad-target",)}.get(target, ())
    await differential.agree(target, http(), success=False, known=known)


def redirecting(status: str, *, back: str = "/end", end: Answer | bytes = b"") -> Answer:
    def answer(request: str) -> bytes:
        if request.split()[1] == "/":
            return ok(b"moved", status, Location=back, Set_Cookie="a=1; Path=/")
        return end(request) if callable(end) else end or ok()

    return answer


REDIRECTS = [
    ("302 Found", {}, "^GET /end"),
    ("301 Moved", {"method": "POST", "body": "x"}, "(?s)^GET /end.*\r\n\r\n$"),
    ("303 Other", {"method": "PUT", "body": "x"}, "^GET /end"),
    ("303 Other", {"method": "HEAD"}, ""),
    ("307 Temporary", {"method": "POST", "body": "xyz"}, "(?s)^POST /end.*xyz$"),
    ("308 Permanent", {"method": "PUT", "body": "xyz"}, "(?s)^PUT /end.*xyz$"),
    ("302 Found", {"headers": {"Host": "portal.example"}}, "(?m)^Host: portal.example\r$"),
    ("302 Found", {"headers": {"Authorization": "Own x"}}, "(?m)^Authorization: Own x\r$"),
    ("302 Found", {"basic_auth": {"username": "a"}}, "(?m)^Authorization: Basic "),
    ("302 Found", {}, "(?m)^Cookie: a=1\r$"),
    ("302 Found", {"headers": {"Cookie": "b=2"}}, "(?m)^Cookie: b=2; a=1\r$"),
]


@pytest.mark.parametrize(("status", "options", "pattern"), REDIRECTS)
async def test_redirect(differential: Any, status: str, options: dict[str, Any], pattern: str) -> None:
    async with serve(redirecting(status, end=echo)) as port:
        body = {"fail_if_body_not_matches_regexp": [pattern]} if pattern else {}
        known = ("request-length",)
        await differential.agree(f"127.0.0.1:{port}", http(**options, **body), success=True, known=known)


@pytest.mark.parametrize("hops", [1, 9, 10, 11])
async def test_many_redirects(differential: Any, hops: int) -> None:
    routes = {f"/{hop}": ok(b"", "302 Found", Location=str(hop + 1)) for hop in range(hops)}
    async with serve({**routes, f"/{hops}": ok()}) as port:
        await differential.agree(f"http://127.0.0.1:{port}/0", http(), success=hops <= 10)


async def test_secrets_stay_behind(differential: Any) -> None:
    """A header with a secret doesn't follow to another host; ours doesn't let basic_auth follow either."""

    def answer(request: str) -> bytes:
        return ok(status="403 No") if "secret" in request else ok()

    async with (
        serve(answer) as port,
        serve(ok(b"", "302 Found", Location=f"http://localhost:{port}/")) as first,
    ):
        options = {"headers": {"Authorization": "Own secret"}, "preferred_ip_protocol": "ip4"}
        await differential.agree(f"127.0.0.1:{first}", http(**options), success=True)


async def test_cookies_of_another_path_or_scheme_stay(differential: Any) -> None:
    cookies = "p=1; Path=/other\r\nSet-Cookie: s=1; Secure\r\nSet-Cookie: g=1; Max-Age=0\r\nSet-Cookie: ok=1"
    end = {"fail_if_body_not_matches_regexp": ["(?m)^Cookie: ok=1\r$"]}

    def answer(request: str) -> bytes:
        if request.split()[1] == "/":
            return ok(b"", "302 Found", Location="/end", Set_Cookie=cookies)
        return echo(request)

    async with serve(answer) as port:
        await differential.agree(f"127.0.0.1:{port}", http(**end), success=True, known=("request-length",))


async def test_connection_reset_in_the_body(differential: Any) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello")
        await writer.drain()
        await asyncio.sleep(0.05)
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    server = await asyncio.start_server(reset, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        await differential.agree(f"127.0.0.1:{port}", http(), success=False)


@pytest.mark.parametrize(
    ("answer", "options"),
    [
        (b"", {}),
        (b"HTTP/1.1 200 OK\r\nContent-Le", {}),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", {}),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", BODY),
    ],
)
async def test_silence(differential: Any, answer: bytes, options: dict[str, Any]) -> None:
    """A server that stops speaking: before, in and after the head. Ours is cancelled in the midst, so that what the
    body would have shown is left out."""
    known = ("cut-off",) if b"hello" in answer else ()
    async with serve(answer, hold=True) as port:
        await differential.agree(f"127.0.0.1:{port}", http(**options), success=False, timeout_seconds=0.5, known=known)


async def test_tls(differential: Any, tls: Tls) -> None:
    async with serve(ok(), tls=tls.server()) as port:
        module = http(tls_config={"ca_file": str(tls.ca_file)}, fail_if_not_ssl=True)
        await differential.agree(f"https://127.0.0.1:{port}/", module, success=True)


async def test_tls_by_an_intermediate_authority(differential: Any, tmp_path: Path, tls: Tls) -> None:
    root = trustme.CA()
    root.cert_pem.write_to_path(str(tmp_path / "root.pem"))
    context = tls.server(by=root.create_child_ca(), expires=datetime(2030, 5, 1, tzinfo=UTC))
    async with serve(ok(), tls=context) as port:
        module = http(tls_config={"ca_file": str(tmp_path / "root.pem")})
        await differential.agree(f"https://127.0.0.1:{port}/", module, success=True)


async def test_tls_not_wanted(differential: Any, tls: Tls) -> None:
    async with serve(ok(), tls=tls.server()) as port:
        module = http(tls_config={"ca_file": str(tls.ca_file)}, fail_if_ssl=True)
        await differential.agree(f"https://127.0.0.1:{port}/", module, success=False)


async def test_tls_unverified(differential: Any, tls: Tls) -> None:
    async with serve(ok(), tls=tls.server("elsewhere.example")) as port:
        module = http(tls_config={"insecure_skip_verify": True})
        await differential.agree(f"https://127.0.0.1:{port}/", module, success=True)


async def test_tls_expired(differential: Any, tls: Tls) -> None:
    expired = datetime.now(UTC) - timedelta(days=1)
    async with serve(ok(), tls=tls.server(expires=expired)) as port:
        module = http(tls_config={"ca_file": str(tls.ca_file)})
        await differential.agree(f"https://127.0.0.1:{port}/", module, success=False)


async def test_tls_expired_unverified(differential: Any, tls: Tls) -> None:
    expired = datetime.now(UTC) - timedelta(days=1)
    async with serve(ok(), tls=tls.server(expires=expired)) as port:
        module = http(tls_config={"insecure_skip_verify": True})
        await differential.agree(f"https://127.0.0.1:{port}/", module, success=True)


async def test_tls_for_another_name(differential: Any, tls: Tls) -> None:
    async with serve(ok(), tls=tls.server("elsewhere.example")) as port:
        module = http(tls_config={"ca_file": str(tls.ca_file)})
        await differential.agree(f"https://127.0.0.1:{port}/", module, success=False)


async def test_tls_by_an_unknown_authority(differential: Any, tls: Tls) -> None:
    async with serve(ok(), tls=tls.server(by=trustme.CA())) as port:
        module = http(tls_config={"ca_file": str(tls.ca_file)})
        await differential.agree(f"https://127.0.0.1:{port}/", module, success=False)


async def test_tls_server_name(differential: Any, tls: Tls) -> None:
    async with serve(ok(), tls=tls.server("elsewhere.example")) as port:
        module = http(tls_config={"ca_file": str(tls.ca_file), "server_name": "elsewhere.example"})
        await differential.agree(f"https://127.0.0.1:{port}/", module, success=True)


async def test_tls_host_header_names_the_server(differential: Any, tls: Tls) -> None:
    async with serve(ok(), tls=tls.server("elsewhere.example")) as port:
        module = http(tls_config={"ca_file": str(tls.ca_file)}, headers={"Host": "elsewhere.example"})
        await differential.agree(f"https://127.0.0.1:{port}/", module, success=True)


async def test_tls_wildcard(differential: Any, tls: Tls) -> None:
    async with serve(ok(), tls=tls.server("*.ward.example")) as port:
        trust = {"ca_file": str(tls.ca_file)}
        for name, success in (("a.ward.example", True), ("a.b.ward.example", False), ("ward.example", False)):
            module = http(tls_config={**trust, "server_name": name})
            await differential.agree(f"https://127.0.0.1:{port}/", module, success=success)


@pytest.mark.parametrize(("version", "success"), [("TLS10", True), ("TLS12", True), ("TLS13", False)])
async def test_tls_versions(differential: Any, tls: Tls, version: str, success: bool) -> None:
    """The server speaks TLS 1.2 at most."""
    context = tls.server()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with serve(ok(), tls=context) as port:
        module = http(tls_config={"ca_file": str(tls.ca_file), "min_version": version})
        await differential.agree(f"https://127.0.0.1:{port}/", module, success=success)


async def test_tls_client_certificate(differential: Any, tls: Tls, tmp_path: Path) -> None:
    clients = trustme.CA()
    certificate = clients.issue_cert("monitor.example")
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    own = {"cert_file": str(tmp_path / "cert.pem"), "key_file": str(tmp_path / "key.pem")}
    async with serve(ok(), tls=tls.server(client_ca=clients)) as port:
        for more, success in ((own, True), ({}, False)):
            module = http(tls_config={"ca_file": str(tls.ca_file), **more})
            await differential.agree(f"https://127.0.0.1:{port}/", module, success=success)


async def test_tls_to_a_server_without(differential: Any) -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(ok(status="400 Bad Request"))
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        await differential.agree(f"https://127.0.0.1:{port}/", http(), success=False)


async def test_no_tls_to_a_server_with(differential: Any, tls: Tls) -> None:
    async with serve(ok(), tls=tls.server()) as port:
        await differential.agree(f"http://127.0.0.1:{port}/", http(), success=False)


async def test_redirect_to_tls(differential: Any, tls: Tls) -> None:
    """What counts for fail_if_not_ssl and the certificate is the last answer."""
    async with (
        serve(ok(), tls=tls.server()) as secure,
        serve(ok(b"", "301 Moved", Location=f"https://127.0.0.1:{secure}/")) as port,
    ):
        module = http(tls_config={"ca_file": str(tls.ca_file)}, fail_if_not_ssl=True)
        await differential.agree(f"http://127.0.0.1:{port}/", module, success=True)


async def test_redirect_from_tls(differential: Any, tls: Tls) -> None:
    async with (
        serve(ok()) as plain,
        serve(ok(b"", "301 Moved", Location=f"http://127.0.0.1:{plain}/"), tls=tls.server()) as port,
    ):
        module = http(tls_config={"ca_file": str(tls.ca_file)}, fail_if_ssl=True)
        await differential.agree(f"https://127.0.0.1:{port}/", module, success=True)


async def test_server_name_is_dropped_elsewhere(differential: Any, tls: Tls) -> None:
    """After a redirect to another host its own name counts, not tls_config.server_name."""
    async with (
        serve(ok(), tls=tls.server()) as there,
        serve(
            ok(b"", "302 Found", Location=f"https://localhost:{there}/"), tls=tls.server("elsewhere.example")
        ) as port,
    ):
        config = {"ca_file": str(tls.ca_file), "server_name": "elsewhere.example"}
        module = http(tls_config=config, preferred_ip_protocol="ip4")
        await differential.agree(f"https://127.0.0.1:{port}/", module, success=True)
