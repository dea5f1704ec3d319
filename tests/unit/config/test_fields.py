"""What the file's own keys take and refuse."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from monitor.config.addresses import host_of, is_placeholder, parse_listen, parse_server
from monitor.config.fields import Duration, Flag, Host, Hours, Id, Number, Text
from monitor.config.templates import MissingValue, fill


@pytest.mark.parametrize(
    "host",
    [
        "",
        "a",
        "a.vn",
        "a.vn.",
        "10.0.0.1",
        "2001:db8::1",
        "xn--a.vn",
        "một-cửa.vn",
        "_sip.a.vn",
        "{id}.a.vn",
        "a-{code}",
    ],
)
def test_hosts(host: str) -> None:
    assert TypeAdapter(Host).validate_python(host) == host


@pytest.mark.parametrize(
    "host", ["a..b", "-a.vn", "a" * 64 + ".vn", "a.b" * 100, "a:80", "http://a", "a/b", "a b", "{ID}", "{id", "u@a"]
)
def test_no_hosts(host: str) -> None:
    with pytest.raises(ValidationError, match="is no host"):
        TypeAdapter(Host).validate_python(host)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("15s", timedelta(seconds=15)),
        ("1m30s", timedelta(seconds=90)),
        ("1.5h", timedelta(minutes=90)),
        ("100d", timedelta(days=100)),
        ("1d12h", timedelta(hours=36)),
    ],
)
def test_durations(text: str, duration: timedelta) -> None:
    assert TypeAdapter(Duration).validate_python(text) == duration


@pytest.mark.parametrize(
    "text", ["", "15", "d", "1d1", "1.5d", "-1s", "0s", "0d", "9999999d", "99999999999999h", 15, None, True]
)
def test_no_durations(text: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Duration).validate_python(text)


@pytest.mark.parametrize(
    "hours",
    ["24/7", "", "Mon-Fri 07:30-11:30,13:00-17:00", "Mon,Wed-Fri 08:00-24:00; Sat 08:00-11:30", "Sun 00:00-00:01"],
)
def test_hours(hours: str) -> None:
    assert TypeAdapter(Hours).validate_python(hours) == hours


@pytest.mark.parametrize(
    "hours", ["8-17", "Mon 8:00-17:00", "T2-T6 08:00-17:00", "Mon 24:00-08:00", "Mon 08:00-08:00", ";"]
)
def test_no_hours(hours: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Hours).validate_python(hours)


@pytest.mark.parametrize(("written", "flag"), [(True, True), ("no", False), ("On", True), ("FALSE", False)])
def test_flags(written: object, flag: bool) -> None:
    assert TypeAdapter(Flag).validate_python(written, strict=True) is flag


@pytest.mark.parametrize(
    ("kind", "written"), [(Flag, 1), (Flag, "ja"), (Text, True), (Text, None), (Number, "1,5"), (Id, "A")]
)
def test_values_of_another_kind(kind: object, written: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(written, strict=True)


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("a.vn", "a.vn"),
        ("a.vn:80", "a.vn"),
        ("https://a.vn/b?c=d:e", "a.vn"),
        ("https://u:p@a.vn:1/", "a.vn"),
        ("[::1]:80", "::1"),
        ("http://[2001:db8::1]/", "2001:db8::1"),
        ("", ""),
    ],
)
def test_the_host_of_a_target(target: str, host: str) -> None:
    assert host_of(target) == host


def test_placeholders() -> None:
    assert [
        is_placeholder(name) for name in ("a.example", "A.B.EXAMPLE.", "example.com", "example", "a.example.vn")
    ] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_addresses_to_listen_on_and_to_ask() -> None:
    assert parse_listen("127.0.0.1:80") == ("127.0.0.1", 80)
    assert parse_listen("[::]:0") == ("::", 0)
    assert parse_server("::1") == ("::1", 53)
    for wrong in ("127.0.0.1", "a:b", "a:70000", "::1", "[::1"):
        with pytest.raises(ValueError, match="has no port"):
            parse_listen(wrong)


def test_templates() -> None:
    values = {"host": "a.vn", "code": ""}

    assert fill('{host}:{{host}} \\d{3} {"a": 1} {Host} ${1}', values) == 'a.vn:{host} \\d{3} {"a": 1} {Host} ${1}'
    for missing in ("{code}", "{nothing}"):
        with pytest.raises(MissingValue):
            fill(missing, values)
