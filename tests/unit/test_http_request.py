"""The bytes of a request, and what becomes of it along redirects."""

from pathlib import Path
from typing import Any

import pytest

from monitor.model import Reason
from monitor.probes.base import ProbeFailed
from monitor.probes.http_options import HttpOptions
from monitor.probes.http_request import Request, first_request, reads_files, server_name
from monitor.probes.http_url import parse_target


def request(target: str = "http://ward.example/p", **options: Any) -> Request:
    return first_request(HttpOptions(**options), parse_target(target))


def lines(made: Request, cookies: str = "") -> list[str]:
    return made.encode(cookies).decode().split("\r\n")


def test_plain() -> None:
    first, host, close, agent, *rest = lines(request())
    assert (first, host, close) == ("GET /p HTTP/1.1", "Host: ward.example", "Connection: close")
    assert agent.startswith("User-Agent: lienthong-monitor/")
    assert rest == ["", ""]


def test_http_headers_are_added_value_by_value(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("three\n")
    sources = {"X-Key": {"values": ["one"], "secrets": ["two"], "files": [tmp_path / "x"]}}
    made = lines(request(http_headers=sources))
    assert [line for line in made if line.startswith("X-Key")] == ["X-Key: one", "X-Key: two", "X-Key: three"]


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({"basic_auth": {"username": "a", "password": "b"}}, "Basic YTpi"),
        ({"basic_auth": {"username_file": "{}/user", "password_file": "{}/secret"}}, "Basic bGFuOnMzY3JldA=="),
        ({"authorization": {"credentials": "t"}}, "Bearer t"),
        ({"authorization": {"type": "Token", "credentials_file": "{}/secret"}}, "Token s3cret"),
        ({"bearer_token": "t"}, "Bearer t"),
        ({"bearer_token_file": "{}/secret"}, "Bearer s3cret"),
        ({"bearer_token": "t", "headers": {"authorization": "Own x"}}, "Own x"),
        ({}, None),
    ],
)
def test_credentials(options: dict[str, Any], value: str | None, tmp_path: Path) -> None:
    (tmp_path / "user").write_text("lan\n")
    (tmp_path / "secret").write_text("s3cret\n")
    placed = {
        key: {name: text.format(tmp_path) for name, text in section.items()}
        if isinstance(section, dict)
        else section.format(tmp_path)
        for key, section in options.items()
    }
    found = [line.partition(": ")[2] for line in lines(request(**placed)) if line.lower().startswith("authorization")]
    assert found == ([value] if value else [])
    assert reads_files(HttpOptions(**placed)) is any("{}" in str(section) for section in options.values())


def test_credentials_of_the_url_go_before_the_options() -> None:
    made = request("http://a:b@ward.example/", bearer_token="t")
    assert "Authorization: Basic YTpi" in lines(made)


def test_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "two").write_text("one\ntwo\n")
    for name, detail in (("missing", "no such file"), ("two", "more than one line")):
        with pytest.raises(ProbeFailed, match=detail) as caught:
            request(bearer_token_file=tmp_path / name)
        assert caught.value.reason is Reason.INTERNAL


def test_body_file(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"\x00\xff")
    made = request(method="POST", body_file=tmp_path / "body")
    assert made.encode().endswith(b"Content-Length: 2\r\n\r\n\x00\xff")
    assert not made.replayable


def test_upgrade_keeps_its_connection_header() -> None:
    made = lines(request(headers={"Connection": "Upgrade", "Upgrade": "websocket"}))
    assert "Connection: Upgrade" in made
    assert "Connection: close" not in made


@pytest.mark.parametrize(
    ("method", "status", "then", "body"),
    [
        ("GET", 302, "GET", b""),
        ("POST", 301, "GET", b""),
        ("POST", 303, "GET", b""),
        ("HEAD", 303, "HEAD", b""),
        ("POST", 307, "POST", b"x"),
        ("DELETE", 308, "DELETE", b"x"),
    ],
)
def test_redirected(method: str, status: int, then: str, body: bytes) -> None:
    made = request(method=method, body="x", headers={"Content-Type": "text/plain"})
    after = made.redirected(status, parse_target("http://ward.example/end"), location_is_absolute=False)
    assert (after.method, after.body) == (then, body)
    assert any(name == "Content-Type" for name, _ in after.headers) is bool(body)


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("http://ward.example/x", True),
        ("https://ward.example:8443/x", True),
        ("http://sub.ward.example/x", True),
        ("http://other.example/x", False),
        ("http://badward.example/x", False),
        ("http://127.0.0.1/x", False),
    ],
)
def test_secrets_follow_to_the_same_site_only(where: str, kept: bool) -> None:
    made = request(headers={"Authorization": "Own x", "Cookie": "a=1", "X-Plain": "1"})
    after = made.redirected(302, parse_target(where), location_is_absolute=True)
    assert {name for name, _ in after.headers} - {"User-Agent"} == (
        {"Authorization", "Cookie", "X-Plain"} if kept else {"X-Plain"}
    )


def test_stripped_once_is_stripped_for_good() -> None:
    made = request("http://ward.example/", basic_auth={"username": "a"})
    away = made.redirected(302, parse_target("http://other.example/"), location_is_absolute=True)
    back = away.redirected(302, parse_target("http://u:p@ward.example/"), location_is_absolute=True)
    assert not away.credentials
    assert not back.credentials


def test_credentials_in_a_location() -> None:
    made = request("http://ward.example/").redirected(
        302, parse_target("http://u:p@ward.example/"), location_is_absolute=True
    )
    assert "Authorization: Basic dTpw" in lines(made)


def test_host_header_stays_with_relative_locations() -> None:
    made = request(headers={"Host": "portal.example"})
    for absolute, authority in ((False, "portal.example"), (True, "ward.example")):
        after = made.redirected(302, parse_target("http://ward.example/x"), location_is_absolute=absolute)
        assert after.authority == authority


def test_cookies_join_the_configured_ones() -> None:
    assert "Cookie: a=1; b=2" in lines(request(headers={"Cookie": "a=1"}), "b=2")
    assert "Cookie: b=2" in lines(request(), "b=2")


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "ward.example"),
        ({"headers": {"host": "portal.example:8443"}}, "portal.example"),
        ({"headers": {"Host": "[::1]:8443"}}, "::1"),
        ({"headers": {"Host": "portal.example"}, "tls_config": {"server_name": "tls.example"}}, "tls.example"),
    ],
)
def test_server_name(options: dict[str, Any], name: str) -> None:
    assert server_name(HttpOptions(**options), parse_target("https://ward.example/")) == name
