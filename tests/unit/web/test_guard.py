"""What headers say of where a request comes from."""

import pytest
from multidict import CIMultiDict

from monitor.web import guard

HERE = {"Host": "127.0.0.1:8080"}


def headers(**given: str) -> CIMultiDict[str]:
    return CIMultiDict({name.replace("_", "-"): value for name, value in given.items()})


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_here(peer: str) -> None:
    assert guard.is_here(headers(), peer)


@pytest.mark.parametrize("peer", ["10.1.2.3", "fe80::1%eth0", "::ffff:10.1.2.3", "", "unix"])
def test_others_are_not(peer: str) -> None:
    assert not guard.is_here(headers(), peer)


@pytest.mark.parametrize(
    "name", ["X-Forwarded-For", "x-forwarded-for", "Forwarded", "X-Real-IP", "Via", "X-Forwarded-Host"]
)
def test_a_proxy_on_this_machine_is_not_this_machine(name: str) -> None:
    assert not guard.is_here(headers(**{name: "10.0.0.1"}), "127.0.0.1")


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "127.0.0.1", "LOCALHOST", "monitor.internal:8080"]
)
def test_this_machines_names(host: str) -> None:
    assert guard.rebound(headers(Host=host), "monitor.internal") == ""


@pytest.mark.parametrize(
    "host", ["", "evil.example", "evil.example:8080", "10.0.0.1", "[::1", "127.0.0.1.evil.example"]
)
def test_a_name_that_was_rebound_to_loopback(host: str) -> None:
    assert "Host header" in guard.rebound(headers(Host=host), "127.0.0.1")
    assert "Host header" in guard.rebound(headers(), "")


@pytest.mark.parametrize(
    ("authorization", "token"),
    [
        (None, None),
        ("Bearer one", "one"),
        ("bearer  one ", "one"),
        ("Bearer", ""),
        ("Bearer ", ""),
        ("Basic one", ""),
        ("one", ""),
        ("", ""),
    ],
)
def test_the_token_that_is_presented(authorization: str | None, token: str | None) -> None:
    given = headers() if authorization is None else headers(Authorization=authorization)
    assert guard.bearer(given) == token


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, ""),
        ({"Origin": "http://127.0.0.1:8080"}, ""),
        ({"Origin": "http://127.0.0.1:9090"}, "Origin"),
        ({"Origin": "https://evil.example"}, "Origin"),
        ({"Origin": "null"}, "Origin"),
        ({"Sec-Fetch-Site": "same-origin"}, ""),
        ({"Sec-Fetch-Site": "none"}, ""),
        ({"Sec-Fetch-Site": "same-site"}, "another site"),
        ({"Sec-Fetch-Site": "cross-site"}, "another site"),
    ],
)
def test_another_sites_page(given: dict[str, str], why: str) -> None:
    said = guard.foreign(headers(**HERE, **given))
    assert why in said
    assert bool(why) == bool(said)
