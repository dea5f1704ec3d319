"""Redirects of all kinds (see conftest.py): where they lead, and that both ask for the same along the way."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from tests.integration.differential.servers import http, ok, serve

# Go 1.19 sends a body's headers on without the body, newer ones don't.
_OUR_OWN = ("user-agent:", "accept-encoding:", "content-type:", "content-language:")


class Recorder:
    """A server's answers by request, and the requests of blackbox_exporter and then of ours."""

    def __init__(self, answer: Callable[[str], bytes]) -> None:
        self.requests: list[str] = []
        self._answer = answer

    def __call__(self, request: str) -> bytes:
        self.requests.append(_essence(request))
        return self._answer(request)

    def assert_alike(self) -> None:
        half = len(self.requests) // 2
        assert self.requests[half:] == self.requests[:half]


def _essence(request: str) -> str:
    head, _, body = request.partition("\r\n\r\n")
    first, *headers = head.split("\r\n")
    # Ours escapes in a query what no request line may hold.
    first = quote(first.encode("latin-1"), safe=string.punctuation)
    return "\n".join((first, *sorted(line for line in headers if not line.lower().startswith(_OUR_OWN)), "", body))


def along(*hops: bytes) -> Callable[[str], bytes]:
    """Answers by path: ``/`` (and whatever isn't known) is the first hop, ``/1`` the second, ..."""

    def answer(request: str) -> bytes:
        path = request.split()[1].partition("?")[0].removeprefix("/")
        number = int(path) if path.isdigit() else 0
        return hops[number] if number < len(hops) else ok()

    return answer


def to(location: str, status: str = "302 Found", body: bytes = b"", **headers: str) -> bytes:
    return ok(body, status, Location=location, **headers)


LOCATIONS = [
    # (Location, whether it leads to an answer)
    ("/end", True),
    ("end", True),
    ("./end", True),
    ("../end", True),
    ("../../../end", True),
    ("/a/./b/../end", True),
    ("/a//b", True),
    ("?q=1", True),
    ("?", True),
    ("#part", True),
    ("", False),
    ("end#part", True),
    ("/end?a=1#part", True),
    ("end;p=1", True),
    (".", True),
    ("..", True),
    ("/end/.", True),
    ("/%41%20%2f", True),
    ("/a%20b c", True),
    ("/a%2Fb c!", True),
    ("/Một cửa", True),
    ("/M%E1%BB%99t", True),
    ("/end?q=Một", True),
    ("/end?q=a b", True),
    ("/end?q=%zz", True),
    ("/end?a=1?b=2", True),
    ('/"<>\\^`{|}', True),
    ("/[a]", True),
    ("/a:b@c", True),
    ("a:b", False),
    ("./a:b", True),
    ("/%", False),
    ("/%4", False),
    ("/%zz", False),
    ("/end#%zz", False),
    (":", False),
    (":80/end", False),
    ("1http://127.0.0.1/", False),
    ("http:", False),
    ("http:/end", False),
    ("http:end", False),
    ("http:///end", False),
    ("http://", False),
    ("HTTP://127.0.0.1:{port}/end", True),
    ("Http://127.0.0.1:{port}", True),
    ("http://127.0.0.1:{port}?q", True),
    ("//127.0.0.1:{port}/end", True),
    ("///end", True),
    ("////end", True),
    ("http://127.0.0.1:0/", False),
    ("http://127.0.0.1:65536/", False),
    ("http://127.0.0.1:{port}x/", False),
    ("http://127.0.0.1:-1/", False),
    ("http://[127.0.0.1]:{port}/", True),
    ("http://[::1/", False),
    ("http://%31%32%37.0.0.1:{port}/", False),
    ("http://127.0.0.1%20:{port}/", False),
    ("http://127.0.0 .1:{port}/", False),
    ("http://a b@127.0.0.1:{port}/end", False),
    ("http://a:b@127.0.0.1:{port}/end", True),
    ("http://a:b%40@127.0.0.1:{port}/end", True),
    ("http://@127.0.0.1:{port}/end", True),
    ("//a@127.0.0.1:{port}/end", True),
    ("http://127.1:{port}/end", False),
    ("http://2130706433:{port}/end", False),
    ("ftp://127.0.0.1/", False),
    ("file:///etc/hostname", False),
    ("mailto:a@b", False),
    ("javascript:void(0)", False),
    ("data:,x", False),
    (" /end", True),
    ("/end ", True),
    ("\t/end", True),
    ("http://127.0.0.1:{port}/\x00", False),
    ("http://no-such-host.invalid/", False),
    ("*", True),
]


@pytest.mark.parametrize(("location", "success"), LOCATIONS, ids=[repr(location) for location, _ in LOCATIONS])
@pytest.mark.parametrize("target", ["127.0.0.1:{port}/p/q?a=1", "http://localhost:{port}/p/q#f"])
async def test_location(differential: Any, target: str, location: str, success: bool) -> None:
    def answer(request: str) -> bytes:
        return ok() if "\r\nReferer: " in request else to(location.replace("{port}", str(port)))

    recorder = Recorder(answer)
    async with serve(recorder) as port:
        module = http(preferred_ip_protocol="ip4", valid_status_codes=[200])
        await differential.agree(target.format(port=port), module, success=success)
    recorder.assert_alike()


class Walk(NamedTuple):
    """Hops one after another, and what the module asks for."""

    name: str
    options: dict[str, Any]
    hops: tuple[bytes, ...]
    success: bool = True
    known: tuple[str, ...] = ()


POST = {"method": "POST", "body": "a=1", "headers": {"Content-Type": "text/plain", "Content-Language": "vi"}}
COOKIE = {"headers": {"Cookie": "a=1; b=2"}}
WALKS = [
    *(
        Walk(f"{status} after {method}", {**POST, "method": method}, (to("/1", f"{status} Go"),))
        for status in (301, 302, 303, 307, 308)
        for method in ("POST", "PUT", "DELETE", "HEAD", "GET", "PATCH")
    ),
    *(Walk(f"{status} after a bare HEAD", {"method": "HEAD"}, (to("/1", f"{status} Go"),)) for status in (301, 307)),
    *(
        Walk(f"{status} is no redirect", {"valid_status_codes": [status]}, (to("/1", f"{status} Go"),))
        for status in (300, 304, 305, 306, 309, 201)
    ),
    Walk("307 and then 303", POST, (to("/1", "307 Go"), to("/2", "303 Go"), to("/3"))),
    Walk("with a body", {}, (to("/1", body=b"x" * 5000), to("/2", body=b"gone"))),
    Walk("a cookie set again", COOKIE, (to("/1", Set_Cookie="a=9"), to("/2", Set_Cookie="c=3"))),
    Walk("every cookie set again", COOKIE, (to("/1", Set_Cookie="a=9\r\nSet-Cookie: b=8"),)),
    Walk("a cookie taken away", {}, (to("/1", Set_Cookie="a=9"), to("/2", Set_Cookie="a=; Max-Age=0"))),
    Walk("a cookie with a date", {}, (to("/1", Set_Cookie="a=9; Expires=Wed, 01 Jan 2020 00:00:00 GMT"),)),
    Walk("a cookie with a far date", {}, (to("/1", Set_Cookie="a=9; Expires=Fri, 01-Jan-2038 00:00:00 GMT"),)),
    Walk("a cookie with an odd date", {}, (to("/1", Set_Cookie="a=9; Expires=never"),)),
    Walk("cookies by path", {}, (to("/1", Set_Cookie="a=1; Path=/1\r\nSet-Cookie: b=1; Path=/2"), to("/2"))),
    Walk("a cookie for the domain", {}, (to("/1", Set_Cookie="a=1; Domain=x"),)),
    Walk("odd cookies", {}, (to("/1", Set_Cookie='a\r\nSet-Cookie: =b\r\nSet-Cookie: c="d"\r\nSet-Cookie: e=f g'),)),
    Walk(
        "more odd cookies",
        {},
        (to("/1", Set_Cookie="a=b,c\r\nSet-Cookie: d=\r\nSet-Cookie: e f=g\r\nSet-Cookie: h=é"),),
    ),
    Walk("a secure cookie", {}, (to("/1", Set_Cookie="a=1; Secure; HttpOnly; SameSite=Strict"),)),
    Walk("no status wanted of the way", {"valid_status_codes": [302]}, (to("/1"),), success=False),
    Walk("the last answer fails", {}, (to("/1"), to("/2"), ok(status="500 No")), success=False),
    Walk("the way breaks off", {}, (to("/1"), b""), success=False),
    Walk("the way ends in rubbish", {}, (to("/1"), b"SSH-2.0\r\n"), success=False),
    Walk("TLS where there is none", {}, (to("https://127.0.0.1:{port}/"),), success=False),
    Walk("not followed, TLS not there", {"follow_redirects": False}, (to("https://127.0.0.1:1/"),), success=False),
    Walk("307 without a Location", {"valid_status_codes": [307]}, (ok(b"hello", "307 Go"),)),
    Walk("two Locations", {}, (to("/1", X="1\r\nLocation: /2"),)),
    Walk("basic_auth", {"basic_auth": {"username": "a", "password": "b"}}, (to("/1"), to("http://127.0.0.1:{port}/2"))),
    Walk("bearer_token", {"bearer_token": "t"}, (to("/1"), to("//127.0.0.1:{port}/2"))),
    Walk("a header with a secret", {"headers": {"Authorization": "x"}}, (to("/1"), to("http://127.0.0.1:{port}/2"))),
    Walk("a Host header", {"headers": {"Host": "a.example"}}, (to("/1"), to("//127.0.0.1:{port}/2"), to("/3"))),
    Walk("a Host header, elsewhere", {"headers": {"Host": "a.example"}}, (to("http://127.0.0.1:{port}/1"), to("/2"))),
    Walk("chunks on the way", {}, (b"HTTP/1.1 302 Go\r\nLocation: /1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",)),
    Walk("HTTP/1.0 on the way", {}, (to("/1").replace(b"1.1", b"1.0"),)),
    Walk("a hint on the way", {}, (b"HTTP/1.1 103 Early Hints\r\nLocation: /9\r\n\r\n" + to("/1"),)),
]


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.name)
@pytest.mark.parametrize("target", ["127.0.0.1:{port}", "http://localhost:{port}/?q"])
async def test_walk(differential: Any, target: str, walk: Walk) -> None:
    def answer(request: str) -> bytes:
        return along(*walk.hops)(request).replace(b"{port}", str(port).encode())

    recorder = Recorder(answer)
    async with serve(recorder) as port:
        module = http(preferred_ip_protocol="ip4", **walk.options)
        await differential.agree(target.format(port=port), module, success=walk.success, known=walk.known)
    recorder.assert_alike()
