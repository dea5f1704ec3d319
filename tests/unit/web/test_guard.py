"""Who may change something by POST."""

from http import HTTPStatus

import pytest
from multidict import CIMultiDict

from monitor.web.guard import refusal

TOKENS = ("first-token", "second-token")
HERE = {"Host": "127.0.0.1:8080"}


def status(headers: dict[str, str], peer: str = "127.0.0.1", host: str = "127.0.0.1") -> HTTPStatus | None:
    refused = refusal(CIMultiDict(headers), peer=peer, tokens=TOKENS, host=host)
    return refused and refused[0]


@pytest.mark.parametrize(
    ("peer", "host"),
    [
        ("127.0.0.1", "127.0.0.1:8080"),
        ("127.9.9.9", "localhost:8080"),
        ("::1", "[::1]:8080"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "LOCALHOST"),
        ("127.0.0.1", "monitor.internal:8080"),
    ],
)
def test_this_machine_needs_no_token(peer: str, host: str) -> None:
    assert status({"Host": host}, peer=peer, host="monitor.internal") is None


@pytest.mark.parametrize("peer", ["10.1.2.3", "fe80::1%eth0", "::ffff:10.1.2.3", "", "unix"])
def test_others_need_one(peer: str) -> None:
    assert status(HERE, peer=peer) is HTTPStatus.UNAUTHORIZED
    assert status({**HERE, "Authorization": "Bearer second-token"}, peer=peer) is None


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer first-toke",
        "Bearer first-token2",
        "Basic first-token",
        "first-token",
        "Bearer é",
    ],
)
def test_it_must_be_one_of_ours(authorization: str) -> None:
    assert status({**HERE, "Authorization": authorization}, peer="10.1.2.3") is HTTPStatus.UNAUTHORIZED


def test_without_tokens_nobody_else_may() -> None:
    headers = CIMultiDict({**HERE, "Authorization": "Bearer "})
    for tokens in ((), ("",)):
        refused = refusal(headers, peer="10.1.2.3", tokens=tokens, host="127.0.0.1")
        assert refused is not None
        assert refused[0] is HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize(
    "name", ["X-Forwarded-For", "x-forwarded-for", "Forwarded", "X-Real-IP", "Via", "X-Forwarded-Host"]
)
def test_a_proxy_on_this_machine_is_not_this_machine(name: str) -> None:
    assert status({**HERE, name: "10.0.0.1"}) is HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize(
    "host", ["", "evil.example", "evil.example:8080", "10.0.0.1", "[::1", "127.0.0.1.evil.example"]
)
def test_a_name_that_was_rebound_to_loopback_is_refused(host: str) -> None:
    assert status({"Host": host}) is HTTPStatus.FORBIDDEN


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Origin": "http://127.0.0.1:8080"}, None),
        ({"Origin": "http://127.0.0.1:9090"}, HTTPStatus.FORBIDDEN),
        ({"Origin": "https://evil.example"}, HTTPStatus.FORBIDDEN),
        ({"Origin": "null"}, HTTPStatus.FORBIDDEN),
        ({"Sec-Fetch-Site": "same-origin"}, None),
        ({"Sec-Fetch-Site": "none"}, None),
        ({"Sec-Fetch-Site": "same-site"}, HTTPStatus.FORBIDDEN),
        ({"Sec-Fetch-Site": "cross-site", "Authorization": "Bearer first-token"}, HTTPStatus.FORBIDDEN),
    ],
)
def test_another_sites_page_is_refused(headers: dict[str, str], expected: HTTPStatus | None) -> None:
    assert status({**HERE, **headers}) is expected
