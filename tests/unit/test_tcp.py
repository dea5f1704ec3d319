"""The pure parts of the tcp prober: its options, and Go's way of filling a template from a match."""

from typing import Any

import pytest
from pydantic import ValidationError

from monitor.probes.tcp import TcpOptions, expand
from monitor.probes.types import compile_re2

MATCH = compile_re2(r"^SSH-2.0-([^ -]+)(?: (?P<comment>.*))?$").search(b"SSH-2.0-OpenSSH abc")
WITHOUT = compile_re2(r"^(a)(b)?").search(b"a")


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("", b""),
        ("plain", b"plain"),
        ("$1", b"OpenSSH"),
        ("${1}", b"OpenSSH"),
        ("${1}x", b"OpenSSHx"),
        ("$1x", b""),
        ("$0", b"SSH-2.0-OpenSSH abc"),
        ("$comment/${comment}", b"abc/abc"),
        ("$9 ${nobody}", b" "),
        ("$$1", b"$1"),
        ("$", b"$"),
        ("$-${", b"$-${"),
        ("đ$1", "đOpenSSH".encode()),
    ],
)
def test_expand(template: str, filled: bytes) -> None:
    assert expand(template, MATCH) == filled


def test_a_group_that_did_not_match_is_empty() -> None:
    assert expand("<$2>", WITHOUT) == b"<>"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"query_response": [{"expect": "("}]}, "RE2"),
        ({"query_response": [{"expect": "a", "expect_bytes": "b"}]}, "exclude each other"),
        ({"query_response": [{"labels": [{"name": "a", "value": "b"}]}]}, "need an expect"),
        ({"query_response": [{"expect": "a", "labels": [{"name": "a-b", "value": ""}]}]}, "pattern"),
        ({"query_response": [{"expect": "a", "labels": [{"name": "a"}]}]}, "value"),
        ({"query_response": [{"wait": "a"}]}, "Extra inputs"),
        ({"source_ip_address": "here"}, "is not an IP address"),
        ({"tls_config": {"min_version": "TLS9"}}, "TLS"),
        ({"unknown": 1}, "Extra inputs"),
    ],
)
def test_wrong_options(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TcpOptions.model_validate(wrong)


def test_an_empty_expect_is_none() -> None:
    (entry,) = TcpOptions.model_validate({"query_response": [{"expect": "", "send": 5}]}).query_response
    assert (entry.expect, entry.send) == (None, "5")
