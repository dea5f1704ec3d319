"""The http section: what it takes, and what it says of what it doesn't."""

import pytest
from pydantic import ValidationError

from monitor.probes.http_options import HttpOptions, accepts_encoding


def said(section: dict[str, object]) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        HttpOptions.model_validate(section)
    return [
        f"{'.'.join(map(str, error['loc']))}: {error['msg'].removeprefix('Value error, ')}"
        for error in caught.value.errors()
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("oauth2", {"client_id": "x"}),
        ("oauth2", {}),
        ("proxy_url", "http://proxy.example"),
        ("no_proxy", "localhost"),
        ("proxy_from_environment", True),
        ("proxy_connect_header", {"X": ["1"]}),
        ("skip_resolve_phase_with_proxy", True),
        ("enable_http3", True),
        ("fail_if_body_json_matches_cel", "body.ok"),
        ("fail_if_body_json_not_matches_cel", "body.ok"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(key: str, value: object) -> None:
    assert said({key: value}) == [f"{key}: {key} is not supported yet; remove it"]


def test_several_at_once() -> None:
    assert len(said({"oauth2": {}, "proxy_url": "x", "unheard_of": 1, "valid_status_codes": ["x"]})) == 4


@pytest.mark.parametrize(
    "section",
    [
        {"enable_http2": True, "valid_http_versions": ["HTTP/1.1", "HTTP/2.0"]},
        {"enable_http2": False, "enable_http3": False, "proxy_from_environment": False},
        {"headers": {"Accept-Encoding": "gzip, br;q=0.5"}, "compression": "BR"},
        {"headers": {"X-Number": 1, "X-Flag": True}, "fail_if_body_matches_regexp": ["a"]},
    ],
)
def test_what_common_files_hold(section: dict[str, object]) -> None:
    HttpOptions.model_validate(section)


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        (
            {"headers": {"X A": "1"}},
            "headers.X A.[key]: 'X A' is not a header's name; write letters, digits and hyphens",
        ),
        ({"headers": {"X": "a\nb"}}, "headers.X: a header's value cannot hold a line break; write it on one line"),
        ({"method": "GE T"}, "method: 'GE T' is not an HTTP method; write GET, POST, HEAD, ..."),
        (
            {"valid_http_versions": ["1.1"]},
            'valid_http_versions.0: \'1.1\' is not an HTTP version; write "HTTP/1.1" or "HTTP/2.0"',
        ),
        ({"body": "a", "body_file": "b"}, ": body and body_file exclude each other; keep one"),
        (
            {"bearer_token": "a", "bearer_token_file": "b"},
            ": bearer_token and bearer_token_file exclude each other; keep one",
        ),
        (
            {"basic_auth": {"username": "a"}, "bearer_token": "b"},
            ": at most one of basic_auth, authorization and bearer_token; remove the others",
        ),
        (
            {"basic_auth": {"password": "a", "password_file": "b"}},
            "basic_auth: password and password_file exclude each other; keep one",
        ),
        (
            {"basic_auth": {"username": "a", "username_file": "b"}},
            "basic_auth: username and username_file exclude each other; keep one",
        ),
        ({"authorization": {"type": " Basic "}}, 'authorization: the type cannot be "basic"; use basic_auth instead'),
        (
            {"authorization": {"credentials": "a", "credentials_file": "b"}},
            "authorization: credentials and credentials_file exclude each other; keep one",
        ),
        (
            {"compression": "gzip", "headers": {"accept-encoding": "br"}},
            ': compression gzip does not fit the header "accept-encoding: br"',
        ),
        (
            {"http_headers": {"User-Agent": {"values": ["x"]}}},
            ": http_headers cannot set User-Agent; use headers or the option of that name",
        ),
        (
            {"fail_if_header_matches": [{"header": "X", "regexp": ""}]},
            "fail_if_header_matches.0: regexp must be set; write what the header's value must or must not match",
        ),
    ],
)
def test_mistakes_in_words(section: dict[str, object], problem: str) -> None:
    assert said(section) == [problem]


@pytest.mark.parametrize(
    ("follow", "no_follow", "followed"),
    [(True, None, True), (False, None, False), (True, True, False), (False, False, True)],
)
def test_the_deprecated_inverse_wins(follow: bool, no_follow: bool | None, followed: bool) -> None:
    assert HttpOptions(follow_redirects=follow, no_follow_redirects=no_follow).redirects_followed is followed


@pytest.mark.parametrize(
    ("compression", "header", "accepted"),
    [
        ("gzip", "gzip", True),
        ("gzip", "deflate, gzip;q=0.1", True),
        ("gzip", "GZIP", False),
        ("gzip", "br", False),
        ("gzip", "*", True),
        ("gzip", "*;q=0", False),
        ("gzip", "gzip;q=0, *", True),
        ("gzip", "gzip;q=x", False),
        ("gzip", "", True),
        ("gzip", "gzip;q=1;x=1", False),
        ("identity", "gzip", False),
        ("identity", "gzip, identity;q=0", False),
        ("identity", "gzip, *;q=0", False),
    ],
)
def test_accepted_encodings(compression: str, header: str, accepted: bool) -> None:
    assert accepts_encoding(compression, header) is accepted


def test_secrets_are_not_shown() -> None:
    options = HttpOptions(
        basic_auth={"username": "a", "password": "hidden"},  # type: ignore[arg-type]
        http_headers={"X-Key": {"secrets": ["hidden"]}},  # type: ignore[dict-item]
    )
    assert "hidden" not in repr(options)
    assert "hidden" not in str(options.model_dump(mode="json"))
    with pytest.raises(ValidationError) as caught:
        HttpOptions.model_validate({"bearer_token": "hidden", "bearer_token_file": "x"})
    assert "hidden" not in str(caught.value)
