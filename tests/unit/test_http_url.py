"""Targets taken apart, and where redirects lead from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.probes.http_url import Url, locate, parse_reference, parse_target


def follow_location(url: Url, location: str) -> Url:
    """As the prober goes from ``url`` to where its Location leads."""
    return locate(url.reference.resolve(parse_reference(location)))


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("ward.example", ("http", "ward.example", 80, "ward.example", "/")),
        ("ward.example:8080/p?q=1#f", ("http", "ward.example", 8080, "ward.example:8080", "/p?q=1")),
        ("https://Ward.Example", ("https", "ward.example", 443, "ward.example", "/")),
        ("HTTPS://ward.example:443/", ("https", "ward.example", 443, "ward.example:443", "/")),
        ("http://ward.example?", ("http", "ward.example", 80, "ward.example", "/?")),
        ("http://ward.example/a b/Một", ("http", "ward.example", 80, "ward.example", "/a%20b/M%E1%BB%99t")),
        ("http://ward.example/a%20b?c d", ("http", "ward.example", 80, "ward.example", "/a%20b?c%20d")),
        ("http://u:p%40@ward.example/", ("http", "ward.example", 80, "ward.example", "/", ("u", "p@"))),
        ("http://u@ward.example/", ("http", "ward.example", 80, "ward.example", "/", ("u", ""))),
        ("127.0.0.1", ("http", "127.0.0.1", 80, "127.0.0.1", "/")),
        ("[::1]:81/x", ("http", "::1", 81, "[::1]:81", "/x")),
        ("http://[fe80::1%25lo]/", ("http", "fe80::1%lo", 80, "[fe80::1]", "/")),
        ("http://phường.example", ("http", "xn--phng-rib8295b.example", 80, "xn--phng-rib8295b.example", "/")),
    ],
)
def test_target(target: str, url: tuple[object, ...]) -> None:
    assert parse_target(target)[:6] == (*url, None)[:6]


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("", "has no host"),
        ("http://", "has no host"),
        (":80", "has no host"),
        ("http:///path", "has no host"),
        ("ftp://ward.example", "ftp is not http or https"),
        ("ward.example:0", "the port is not a number from 1 to 65535"),
        ("ward.example:65536", "the port is not a number from 1 to 65535"),
        ("ward.example:http", "the port is not a number from 1 to 65535"),
        ("http://ward..example", "is not a host name"),
        ("http://ward.example/\n", "control character"),
        ("http://[::1", "Invalid IPv6 URL"),
    ],
)
def test_target_that_is_none(target: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_target(target)


@pytest.mark.parametrize(
    ("location", "where"),
    [
        ("/b", "http://ward.example:81/b"),
        ("b", "http://ward.example:81/p/b"),
        ("../b", "http://ward.example:81/b"),
        ("?r=2", "http://ward.example:81/p/q?r=2"),
        ("#f", "http://ward.example:81/p/q?a=1"),
        ("//other.example/x", "http://other.example/x"),
        ("https://other.example", "https://other.example/"),
    ],
)
def test_location(location: str, where: str) -> None:
    assert str(follow_location(parse_target("http://ward.example:81/p/q?a=1"), location)) == where


@pytest.mark.parametrize("location", ["http://", "https:", "http:/x", "ftp://other.example/", "mailto:a@b"])
def test_location_that_leads_nowhere(location: str) -> None:
    with pytest.raises(ValueError, match=r"has no host|is not http"):
        follow_location(parse_target("http://ward.example/"), location)


def test_text_of_a_url() -> None:
    assert parse_reference("/Một cửa").path == "/M%E1%BB%99t%20c%E1%BB%ADa"
    for wrong in ("/a\x7f", "/%zz", "1a:b", ":", "http://[::1", "http://a b/", "http://a:b c@d/", "//h:x"):
        with pytest.raises(ValueError, match=r"control|no URL|host name|percent-encoded|port"):
            parse_reference(wrong)


@pytest.mark.parametrize(
    ("target", "address", "url"),
    [
        ("ward.example/p?q", "127.0.0.1", "http://127.0.0.1/p?q"),
        ("ward.example:8080", "127.0.0.1", "http://127.0.0.1:8080"),
        ("https://u:p@ward.example:443/#f", "::1", "https://[::1]:443/#f"),
    ],
)
def test_at_an_address(target: str, address: str, url: str) -> None:
    at = parse_target(target).at(address)
    assert str(at.reference) == url
    assert at.authority in url


@given(st.text())
def test_any_text_is_a_target_or_none(text: str) -> None:
    """Whatever is written, it is taken or refused, and what is taken goes on the wire in one line."""
    try:
        url = parse_target(text)
    except ValueError:
        return
    assert url.host
    assert url.request_target.isascii()
    assert not set(url.request_target) & set(" \r\n")
