"""Which cookies go back where (RFC 6265)."""

from datetime import UTC, datetime

import pytest

from monitor.probes.cookies import Jar
from monitor.probes.http_url import parse_target

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def sent(line: str, to: str, by: str = "http://a.ward.example/p/q") -> str:
    jar = Jar(lambda: NOW)
    jar.take(parse_target(by), [line])
    return jar.header(parse_target(to))


@pytest.mark.parametrize(
    ("line", "to", "header"),
    [
        ("a=1", "http://a.ward.example/p/x", "a=1"),
        ("a=1", "http://a.ward.example:81/p/x", "a=1"),
        ("a=1", "http://a.ward.example/p", "a=1"),
        ("a=1", "http://a.ward.example/", ""),
        ("a=1", "http://a.ward.example/pq", ""),
        ("a=1", "http://b.ward.example/p/x", ""),
        ("a=1", "http://x.a.ward.example/p/x", ""),
        ("a=1; Path=/", "http://a.ward.example/", "a=1"),
        ("a=1; Path=", "http://a.ward.example/p/x", "a=1"),
        ("a=1; path=/; domain=ward.example", "http://b.ward.example/", "a=1"),
        ("a=1; Path=/; Domain=.ward.example", "http://ward.example/", "a=1"),
        ("a=1; Path=/; Domain=a.ward.example", "http://x.a.ward.example/", "a=1"),
        ("a=1; Path=/; Domain=other.example", "http://other.example/", ""),
        ("a=1; Path=/; Domain=example", "http://a.ward.example/", ""),
        ("a=1; Path=/; Secure", "http://a.ward.example/", ""),
        ("a=1; Path=/; Secure", "https://a.ward.example/", "a=1"),
        ('a="1 2"; Path=/', "http://a.ward.example/", 'a="1 2"'),
        ("a=b=c; Path=/; HttpOnly", "http://a.ward.example/", "a=b=c"),
        ("a=; Path=/", "http://a.ward.example/", "a="),
        ("nonsense; Path=/", "http://a.ward.example/", ""),
        ("=1; Path=/", "http://a.ward.example/", ""),
        ("a=1; Path=/; Max-Age=0", "http://a.ward.example/", ""),
        ("a=1; Path=/; Max-Age=-5", "http://a.ward.example/", ""),
        ("a=1; Path=/; Max-Age=60; Expires=Mon, 02 Jan 2006 15:04:05 GMT", "http://a.ward.example/", "a=1"),
        ("a=1; Path=/; Expires=Mon, 02 Jan 2006 15:04:05 GMT", "http://a.ward.example/", ""),
        ("a=1; Path=/; Expires=Wed, 02 Jan 2030 15:04:05 GMT", "http://a.ward.example/", "a=1"),
        ("a=1; Path=/; Expires=some day", "http://a.ward.example/", "a=1"),
    ],
)
def test_cookie(line: str, to: str, header: str) -> None:
    assert sent(line, to) == header


def test_addresses_have_no_domains() -> None:
    assert sent("a=1; Domain=0.0.1", "http://127.0.0.1/", by="http://127.0.0.1/") == ""
    assert sent("a=1; Domain=127.0.0.1", "http://127.0.0.1/", by="http://127.0.0.1/") == "a=1"


def test_later_cookies_replace_and_remove() -> None:
    jar, url = Jar(lambda: NOW), parse_target("http://ward.example/p/q")
    jar.take(url, ["a=1; Path=/", "b=1; Path=/p", "c=1; Path=/"])
    jar.take(url, ["a=2; Path=/", "c=; Path=/; Max-Age=0"])
    assert jar.header(url) == "b=1; a=2"


def test_a_jar_is_bounded() -> None:
    jar, url = Jar(lambda: NOW), parse_target("http://ward.example/")
    jar.take(url, (f"c{number}=1" for number in range(10_000)))
    assert jar.header(url).count("=") == 100
